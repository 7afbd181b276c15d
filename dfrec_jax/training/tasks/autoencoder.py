"""The autoencoder of faces as a task of the loop: it gives a face back, and leaves out a seam that was made in it."""

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Array, Float, PRNGKeyArray
from ml_collections import ConfigDict
from PIL import Image

from dfrec_jax.config import autoencoder, tasks
from dfrec_jax.config.errors import ConfigError
from dfrec_jax.data import mixture, pipeline
from dfrec_jax.data.augmentation import recoloured
from dfrec_jax.examples import fields
from dfrec_jax.forging import bands, forge
from dfrec_jax.forging.candidate_region import MEAN_FACE
from dfrec_jax.forging.neural.autoencoder import FaceAutoencoder, on_square, upright
from dfrec_jax.metrics import image as image_metrics
from dfrec_jax.metrics.mean import Mean
from dfrec_jax.pictures import grid
from dfrec_jax.training import sharding, state, validation
from dfrec_jax.training.step import Batch, Loss, TrainStep, make_train_step
from dfrec_jax.training.step_metrics import Numbers
from dfrec_jax.training.stopping import never
from dfrec_jax.training.streams import stream

COLOURS = 0.35  # of a seam: brightness, contrast and saturation inside are multiplied by 1 +- this
BLUR = 0.03  # largest deviation of the blur inside, in sides
EDGES = 1.0  # weight of the differences of neighbouring pixels beside that of pixels
NUM_SAMPLES = 8


class AutoencoderTask:
    """See `task.Task`."""

    score_name = autoencoder.SCORE

    def __init__(self, config: ConfigDict):
        """Opens the data. Raises ConfigError for a config that cannot be run, or data that are not there."""
        self.config = tasks.resolved(config)
        autoencoder.validate(self.config)
        self.config = mixture.with_frame(self.config)
        mixture.train_kinds(self.config)
        self.constants = ()
        self._module, self._optimizer = build(self.config), state.make_optimizer(self.config)

    def init(self) -> state.TrainState:
        """Fresh parameters."""
        size = self.config.autoencoder.size

        def init_variables(key: jax.Array) -> dict[str, Any]:
            return dict(self._module.init(key, jnp.zeros((1, size, size, 3)), train=False))

        return state.init_function(init_variables, self._optimizer, self.config)()

    def initialise(self, fresh: state.TrainState) -> state.TrainState:
        """Nothing: it is trained from scratch."""
        return fresh

    def make_step(self, num_devices: int) -> TrainStep:
        """Seams, and the distance of what is drawn to the face without them."""
        del num_devices  # every row is worked on by itself
        return make_train_step(make_loss(self._module, self.config), self._optimizer, ema=self.config.optimizer.ema)

    def batches(self, start_step: int) -> pipeline.TrainBatches:
        """Photographs."""
        return pipeline.batches_of_this_host(self.config, start_step)

    def fingerprint(self) -> dict[str, Any]:
        """See `pipeline.fingerprint`."""
        return pipeline.fingerprint(self.config)

    def make_validator(self, mesh: Mesh) -> "AutoencoderValidator":
        """PSNR of the validation faces."""
        return AutoencoderValidator(self._module, self.config, mesh)


def build(config: ConfigDict) -> FaceAutoencoder:
    """The module of a valid config."""
    return FaceAutoencoder(tuple(config.autoencoder.features), config.autoencoder.latent)


def make_loss(module: FaceAutoencoder, config: ConfigDict) -> Loss:
    """The loss of `make_train_step`; it takes no constants."""
    size, share = config.autoencoder.size, config.autoencoder.seams

    def loss(
        params: Any, batch_stats: Any, constants: Any, batch: Batch, rng: jax.Array
    ) -> tuple[jax.Array, tuple[Any, Numbers]]:
        del constants
        num = batch["image"].shape[0]
        faces = jax.vmap(lambda image, five: upright(image, five, size))(batch["image"], batch["landmarks"])
        for_flips, for_choice, for_seams = jax.random.split(stream(rng, "augmentation"), 3)
        chosen = jax.random.bernoulli(for_flips, config.data.flip, (num,))
        faces = jnp.where(chosen[:, None, None, None], faces[:, :, ::-1], faces)
        given = jax.vmap(with_seam)(jax.random.split(for_seams, num), faces)
        chosen = jax.random.bernoulli(for_choice, share, (num,))
        given = jnp.where(chosen[:, None, None, None], given, faces)
        drawn, updated = module.apply(
            {"params": params, "batch_stats": batch_stats}, given, train=True, mutable=["batch_stats"]
        )
        pixels, edges = distances(drawn, faces)
        return pixels + EDGES * edges, (updated["batch_stats"], {"loss_pixels": pixels, "loss_edges": edges})

    return loss


def distances(drawn: Float[Array, "b s s 3"], faces: Float[Array, "b s s 3"]) -> tuple[Array, Array]:
    """Mean differences of pixels, and of the steps from each pixel to the next across and down."""
    difference = drawn - faces
    edges = [jnp.mean(jnp.abs(jnp.diff(difference, axis=axis))) for axis in (1, 2)]
    return jnp.mean(jnp.abs(difference)), edges[0] + edges[1]


def with_seam(key: PRNGKeyArray, face: Float[Array, "s s 3"]) -> Float[Array, "s s 3"]:
    """An upright face whose inner part, drawn as a swap's, has other colours and less of what is fine."""
    for_region, for_numbers = jax.random.split(key)
    size = face.shape[0]
    region = forge.source_weight(
        forge.draw_forging(for_region, forge.SWAP), jnp.asarray(on_square(MEAN_FACE, size)), size
    )
    numbers = jax.random.uniform(for_numbers, (4,))
    inner = bands.blurred(face, 0.1 + BLUR * size * numbers[3])
    inner = recoloured(inner, 1 + COLOURS * (2 * numbers[:3] - 1))
    return face + region * (inner - face)


class AutoencoderValidator:
    """Gives back the faces of the validation split."""

    def __init__(self, module: FaceAutoencoder, config: ConfigDict, mesh: Mesh):
        self._config, self._mesh = config, mesh
        size = config.autoencoder.size

        def run(variables: Any, batch: Batch) -> tuple[Any, ...]:
            pictures = fields.to_float(batch)
            faces = jax.vmap(lambda image, five: upright(image, five, size))(pictures["image"], pictures["landmarks"])
            given = jax.vmap(with_seam)(jax.random.split(jax.random.key(0), len(faces)), faces)
            drawn: Any = module.apply(variables, given, train=False)
            is_counted = batch["is_valid"] & ~batch["is_forgery"] & jnp.isfinite(faces).all(axis=(1, 2, 3))
            return image_metrics.psnr(drawn, faces), is_counted, faces, given, drawn

        self._run = jax.jit(run, out_shardings=sharding.replicated(mesh))

    def score(self, variables: Any, is_told_to_stop: Callable[[], bool] = never) -> float | None:
        """Mean PSNR of what is drawn of faces with seams, to the faces without; see `task`."""
        psnr = Mean.empty()
        for batch in self._batches():
            if is_told_to_stop():
                return None
            values, is_counted = self._run(variables, sharding.to_global(self._mesh, batch))[:2]
            psnr = psnr.merge(Mean.from_model_output(values, is_counted))
        if not psnr.count:
            raise ConfigError(
                f"data.validation_examples={self._config.data.validation_examples}: none of them in the validation "
                "split is a face with known landmarks, so that nothing could be scored; use more"
            )
        return psnr.compute()

    def sample_grid(self, variables: Any) -> Image.Image:
        """The first faces: as they are, as they are given, as they are drawn."""
        _, is_counted, *columns = self._run(variables, sharding.to_global(self._mesh, next(self._batches())))
        chosen = np.flatnonzero(np.asarray(is_counted))[:NUM_SAMPLES]
        shown = [np.asarray(column)[chosen] for column in columns]
        return grid.grid(list(zip(*shown, strict=True)), ("face", "with a seam", "as drawn"))

    def _batches(self) -> Iterator[pipeline.Batch]:
        return validation.batches_of_this_host(self._config, self._config.data.validation_examples)
