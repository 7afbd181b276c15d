"""The trace head as a task of the loop: a softmax over the training people, with a margin (Wang et al. 2018).

What stands for a person there is what would stand in a gallery: the mean of the recogniser's embeddings of their
pictures, which is not trained, so that the head learns to search galleries of anybody.
"""

import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray
from ml_collections import ConfigDict
from PIL import Image

from dfrec_jax import perceptors
from dfrec_jax.config import tasks, trace
from dfrec_jax.config.errors import ConfigError
from dfrec_jax.data import mixture, pipeline
from dfrec_jax.examples import fields
from dfrec_jax.frozen.network import FrozenNetwork
from dfrec_jax.losses.terms import weighted_mean
from dfrec_jax.metrics.mean import Mean
from dfrec_jax.models import residual
from dfrec_jax.models.trace import TraceHead, maps_of
from dfrec_jax.nets import joining
from dfrec_jax.pictures import grid
from dfrec_jax.runs.trace_head import build, init_function
from dfrec_jax.training import sharding, state, validation
from dfrec_jax.training.step import Batch, Loss, TrainStep, make_train_step
from dfrec_jax.training.step_metrics import Numbers
from dfrec_jax.training.stopping import never
from dfrec_jax.training.streams import stream
from dfrec_jax.training.tasks import neural_swaps
from dfrec_jax.training.tasks.trace_people import NOBODY, People, cosines, others_of, people_of, ranks

NUM_SAMPLES = 8
SAMPLE_COLUMNS = ("input", "visible", "hidden")


class Constants(NamedTuple):
    """What no step changes: the recogniser, and the people who are sought."""

    network: FrozenNetwork
    people: People


class Seen(NamedTuple):
    """What the recogniser sees of a batch.

    Attributes:
      maps: of the swaps.
      embedding: of the swaps.
      own: the persons sought, by their other pictures.
      visible: the visible persons, by their pictures; zeros where it is not known who they are.
      place: of the persons sought among the people; `NOBODY` of rows that count for nothing.
    """

    maps: dict[str, Array]
    embedding: Float[Array, "b e"]
    own: Float[Array, "b e"]
    visible: Float[Array, "b e"]
    place: Int[Array, " b"]


class TraceTask:
    """See `task.Task`."""

    score_name = trace.SCORE

    def __init__(self, config: ConfigDict):
        """Loads the recogniser and embeds the people of the training split.

        Raises:
          ConfigError: for a config that cannot be run, or data that are not there or show too few people.
          WeightsError: for a recogniser that is not at hand.
        """
        self.config = tasks.resolved(config)
        trace.validate(self.config)
        self.config = mixture.with_frame(self.config)
        mixture.train_kinds(self.config)
        network = perceptors.load_network(self.config.frozen.identity, self.config)
        if "identity" not in network.taps:
            raise ConfigError(f"frozen.identity={network.name!r}: this network tells no identities; use a recogniser")
        self.constants = _constants(self.config, network, "train")
        self._neural = neural_swaps.load(self.config)
        self._module, self._optimizer = build(self.config), state.make_optimizer(self.config)

    def init(self) -> state.TrainState:
        """Fresh parameters."""
        return state.init_function(
            init_function(self._module, self.constants.network, self.config.image_size), self._optimizer, self.config
        )()

    def initialise(self, fresh: state.TrainState) -> state.TrainState:
        """Nothing: it is trained from its start, at which it takes the visible identity away."""
        return fresh

    def make_step(self, num_devices: int) -> TrainStep:
        """Forging and augmentation, then the softmax."""
        complete = pipeline.make_completion(self.config, num_devices, self._neural.forge_row)
        return make_train_step(
            make_loss(self._module, self.config),
            self._optimizer,
            ema=self.config.optimizer.ema,
            complete=complete,
            accumulate=self.config.train.accumulate,
        )

    def batches(self, start_step: int) -> pipeline.TrainBatches:
        """Rows of the data set of the config."""
        return pipeline.batches_of_this_host(self.config, start_step)

    def fingerprint(self) -> dict[str, Any]:
        """See `pipeline.fingerprint`."""
        return pipeline.fingerprint(self.config) | self._neural.fingerprint

    def make_validator(self, mesh: Mesh) -> "TraceValidator":
        """How often the hidden person is first among those of the validation split."""
        constants = _constants(self.config, self.constants.network, "validation")
        return TraceValidator(self._module, constants, self.config, mesh)


def _constants(config: ConfigDict, network: FrozenNetwork, split: str) -> Constants:
    if jax.process_index() == 0:
        print(f"embedding the people of the {split} split ...", file=sys.stderr, flush=True)
    return Constants(network, people_of(config, split, network))


def seen(constants: Constants, batch: Batch) -> Seen:
    """Runs the recogniser on swaps and targets, once for both.

    A row counts whose face has landmarks, that is a forgery with a known target, and whose target has other pictures.
    """
    network, people = constants
    image, landmarks = jnp.asarray(batch["image"]), jnp.asarray(batch["landmarks"])
    points = _somewhere(landmarks, image.shape[1])
    features = network(joining.join([image, jnp.asarray(batch["target"])]), joining.join([points, points]))
    of_swaps, of_targets = (partial(joining.part_of, lengths=(len(image), len(image)), place=place) for place in (0, 1))
    embedding, frame = (of(jnp.asarray(features["embedding"], jnp.float32)) for of in (of_swaps, of_targets))
    maps = {name: of_swaps(value) for name, value in maps_of(features, network.taps["identity"]).items()}
    place, visible = people.place[batch["target_id"]], people.place[batch["source_id"]]
    own, has_others = others_of(people, place, frame)
    counts = batch["is_forgery"] & batch["has_target"] & _is_known(landmarks) & has_others
    return Seen(
        maps,
        embedding,
        own,
        residual.or_none(residual.unit(people.sums[visible]), jnp.asarray(batch["has_source"]) & (visible != NOBODY)),
        jnp.where(counts, place, NOBODY),
    )


def _is_known(landmarks: Float[Array, "b 5 2"]) -> Bool[Array, " b"]:
    return jnp.all(jnp.isfinite(landmarks), axis=(1, 2)) & (jnp.ptp(landmarks[..., 0], axis=1) > 0)


def _somewhere(landmarks: Float[Array, "b 5 2"], size: int) -> Float[Array, "b 5 2"]:
    """Points of the picture in place of those that are not known: a NaN would reach all gradients, used or not."""
    corners = jnp.array([[0.3, 0.3], [0.7, 0.3], [0.5, 0.5], [0.3, 0.7], [0.7, 0.7]]) * size
    return jnp.where(_is_known(landmarks)[:, None, None], landmarks, corners[None])


def told_visible(
    key: PRNGKeyArray, visible: Float[Array, "b e"], cosine: tuple[float, float], untold: float
) -> Float[Array, "b e"]:
    """The visible persons as they are given in training: with noise as few references, or a recovered source, have it,
    and zeros of a share of the rows.

    Args:
      key: of the draw.
      visible: of `Seen`.
      cosine: range, of what is given to what is without noise.
      untold: that share.
    """
    for_noise, for_cosine, for_rows = jax.random.split(key, 3)
    num = len(visible)
    noise = residual.without_component(jax.random.normal(for_noise, visible.shape), visible)
    share = jax.random.uniform(for_cosine, (num, 1), minval=cosine[0], maxval=cosine[1])
    given = residual.unit(share * visible + jnp.sqrt(1 - jnp.square(share)) * noise)
    is_known = jnp.any(visible != 0, axis=1)
    return residual.or_none(given, is_known & (jax.random.uniform(for_rows, (num,)) >= untold))


def make_loss(module: TraceHead, config: ConfigDict) -> Loss:
    """The loss of `make_train_step`, over the rows that count; its constants are `Constants`.

    Among the metrics: how often the person sought is first of all training people, and how often the start is, which
    takes the visible identity away and has learned nothing.
    """
    own = config.trace

    def loss(
        params: Any, batch_stats: Any, constants: Constants, batch: Batch, rng: jax.Array
    ) -> tuple[jax.Array, tuple[Any, Numbers]]:
        known = jax.lax.stop_gradient(seen(constants, batch))
        visible = told_visible(stream(rng, "identities"), known.visible, tuple(own.reference_cosine), own.untold)
        found: Any = module.apply(
            {"params": params},
            known.maps,
            known.embedding,
            visible,
            train=True,
            rngs={"dropout": stream(rng, "dropout")},
        )
        is_counted = known.place != NOBODY
        alike = cosines(constants.people, found, known.place, known.own)
        penalty = margin_softmax(alike, known.place, own.scale, own.margin)
        start = residual.without_component(known.embedding, visible)
        first = {
            "rank_1": ranks(alike, known.place) == 1,
            "rank_1_start": ranks(cosines(constants.people, start, known.place, known.own), known.place) == 1,
        }
        metrics = {name: weighted_mean(value.astype(jnp.float32), is_counted) for name, value in first.items()}
        metrics["without_others"] = jnp.sum(~is_counted).astype(jnp.float32)
        return weighted_mean(penalty, is_counted), (batch_stats, metrics)

    return loss


def margin_softmax(
    alike: Float[Array, "b p"], place: Int[Array, " b"], scale: float, margin: float
) -> Float[Array, " b"]:
    """Cross-entropy of scaled cosines, that of the true person lowered by a margin (AM-Softmax, Wang et al. 2018)."""
    is_own = jnp.arange(alike.shape[1])[None] == place[:, None]
    logits = scale * (alike - margin * is_own)
    return jax.nn.logsumexp(logits, axis=1) - jnp.sum(jnp.where(is_own, logits, 0.0), axis=1)


class TraceValidator:
    """Searches the hidden people of the validation split among all of that split."""

    def __init__(self, module: TraceHead, constants: Constants, config: ConfigDict, mesh: Mesh):
        self._config, self._mesh = config, mesh
        self._constants = jax.device_put(constants, sharding.replicated(mesh))

        def run(variables: Any, constants: Constants, batch: Batch) -> tuple[Array, Array]:
            pictures = fields.to_float(batch)
            known = seen(constants, pictures)
            found: Any = module.apply(variables, known.maps, known.embedding, known.visible, train=False)
            alike = cosines(constants.people, found, known.place, known.own)
            return ranks(alike, known.place) == 1, (known.place != NOBODY) & pictures["is_valid"]

        self._run = jax.jit(run, out_shardings=sharding.replicated(mesh))

    def score(self, variables: Any, is_told_to_stop: Callable[[], bool] = never) -> float | None:
        """The share of swaps whose hidden person is first, the visible one given; see `task`."""
        first = Mean.empty()
        for batch in self._batches():
            if is_told_to_stop():
                return None
            values, is_counted = self._run(variables, self._constants, sharding.to_global(self._mesh, batch))
            first = first.merge(Mean.from_model_output(values, is_counted))
        if not first.count:
            raise ConfigError(
                f"data.validation_examples={self._config.data.validation_examples}: none of them in the validation "
                "split is a swap whose target is known by other pictures, so that nothing could be scored; use more"
            )
        return first.compute()

    def sample_grid(self, variables: Any) -> Image.Image:
        """The first swaps of the validation split, with who is seen and who is sought."""
        del variables  # the same at every step: it shows what goes in
        batch = fields.to_float(next(self._batches()))
        chosen = np.flatnonzero(np.asarray(batch["is_forgery"] & batch["is_valid"]))[:NUM_SAMPLES]
        shown = [np.asarray(batch[name])[chosen] for name in ("image", "source", "target")]
        return grid.grid(list(zip(*shown, strict=True)), SAMPLE_COLUMNS)

    def _batches(self) -> Iterator[pipeline.Batch]:
        return validation.batches_of_this_host(self._config, self._config.data.validation_examples)
