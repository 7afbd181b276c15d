"""RePaint's denoiser as a task of the loop: it learns what pristine faces look like, and never sees a hole."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import Mesh
from ml_collections import ConfigDict

from dfrec_jax import perceptors
from dfrec_jax.baselines import repaint_method
from dfrec_jax.baselines.adm_unet import AdmUnet
from dfrec_jax.baselines.diffusion import linear_diffusion
from dfrec_jax.baselines.diffusion_losses import diffusion_loss, noised
from dfrec_jax.baselines.methods import resizer
from dfrec_jax.baselines.repaint import Resampling
from dfrec_jax.config import compared, tasks
from dfrec_jax.config.compared_methods import NUM_TRAINED
from dfrec_jax.data import mixture, pipeline
from dfrec_jax.training import sharding, state
from dfrec_jax.training.step import Batch, Loss, TrainStep, make_train_step
from dfrec_jax.training.step_metrics import Numbers
from dfrec_jax.training.streams import stream
from dfrec_jax.training.tasks.compared import SAMPLE_COLUMNS, initialise
from dfrec_jax.training.validation import RECOVERED, Shown, Validator

VALIDATED_STEPS = 25  # at most, and without jumps: a tenth or less of what a table takes


class RepaintTask:
    """See `task.Task`."""

    score_name = "idsim"

    def __init__(self, config: ConfigDict):
        """Builds the network and loads the one that IDSIM is measured with.

        Raises:
          ConfigError: for a config that cannot be run.
          WeightsError: for frozen weights that are not at hand.
        """
        self.config = tasks.resolved(config)
        compared.validate(self.config)
        self.config = mixture.with_frame(self.config)
        self.constants = ()
        self._metric = perceptors.load_metric_network(self.config)
        self._module, self._optimizer = repaint_method.build(self.config), state.make_optimizer(self.config)

    def init(self) -> state.TrainState:
        """Fresh parameters."""
        return state.init_function(repaint_method.init_function(self._module), self._optimizer, self.config)()

    def initialise(self, fresh: state.TrainState) -> state.TrainState:
        """The published network of `repaint.initialisation`, where one is named."""
        return initialise(fresh, self.config)

    def make_step(self, num_devices: int) -> TrainStep:
        """The pipeline's augmentation, then the denoiser's loss."""
        complete = pipeline.make_completion(self.config, num_devices)
        loss = make_denoising_loss(self._module)
        return make_train_step(loss, self._optimizer, ema=self.config.optimizer.ema, complete=complete)

    def batches(self, start_step: int) -> pipeline.TrainBatches:
        """Rows of the data set of the config."""
        return pipeline.batches_of_this_host(self.config, start_step)

    def fingerprint(self) -> dict[str, Any]:
        """See `pipeline.fingerprint`."""
        return pipeline.fingerprint(self.config)

    def make_validator(self, mesh: Mesh) -> Validator:
        """IDSIM of the validation split, painted in few steps."""
        num_steps = min(self.config.repaint.num_steps, VALIDATED_STEPS)
        paint = repaint_method.paint_function(self._module, Resampling(num_steps, num_steps, num_resamples=1))

        def shown(variables: Any, batch: Batch) -> Shown:
            image, landmarks = jnp.asarray(batch["image"]), jnp.asarray(batch["landmarks"])
            points = jnp.asarray(batch["points"]) if "points" in batch else None
            keys = jnp.broadcast_to(jax.random.key(0), image.shape[:1])
            return {RECOVERED: paint(variables, image, landmarks, points, keys).target}

        metric = jax.device_put(self._metric, sharding.replicated(mesh))
        return Validator(shown, SAMPLE_COLUMNS, metric, self.config, mesh)


def make_denoising_loss(module: AdmUnet) -> Loss:
    """The loss of `diffusion_losses` for `make_train_step`, on the pristine target of every row; takes no constants.

    The target of a forgery is a pristine face as well, so that every row teaches whose target is known.
    """
    diffusion = linear_diffusion(NUM_TRAINED, NUM_TRAINED)
    resized = resizer(module.image_size)

    def loss(
        params: Any, batch_stats: Any, constants: Any, batch: Mapping[str, jax.Array], rng: jax.Array
    ) -> tuple[jax.Array, tuple[Any, Numbers]]:
        del constants
        images = 2 * resized(batch["target"]) - 1
        for_steps, for_noise = (jax.random.fold_in(stream(rng, "diffusion"), number) for number in range(2))
        steps = jax.random.randint(for_steps, images.shape[:1], 0, NUM_TRAINED)
        noise = jax.random.normal(for_noise, images.shape)
        denoised: Any = module.apply(
            {"params": params},
            noised(diffusion, steps, images, noise),
            steps,
            train=True,
            rngs={"dropout": stream(rng, "dropout")},
        )
        weights = jnp.broadcast_to(batch["has_target"][:, None, None, None], (*images.shape[:3], 1)).astype(jnp.float32)
        if "inside_mask" in batch:  # what lies beyond the picture's border is no face's
            inside = jnp.broadcast_to(batch["inside_mask"], batch["target"].shape)
            weights = weights * (resized(inside)[..., :1] > 0.999)
        terms = diffusion_loss(diffusion, steps, images, noise, denoised, weights)
        return terms.total, (batch_stats, {"loss_noise": terms.noise, "loss_bound": terms.bound})

    return loss
