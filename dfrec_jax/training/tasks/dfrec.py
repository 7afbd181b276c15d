"""DFREC as a task of the loop: its loss (Eq. 10) on the outputs of one forward pass, its frozen networks, its data."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import Mesh
from ml_collections import ConfigDict

from dfrec_jax import perceptors
from dfrec_jax.config import defaults, rules
from dfrec_jax.data import mixture, pipeline
from dfrec_jax.forging.candidate_region import face_regions
from dfrec_jax.frozen.network import Perceptors
from dfrec_jax.losses.terms import weighted_mean
from dfrec_jax.losses.total import ism_terms, loss_terms, weighted_sum
from dfrec_jax.models import dfrec, region
from dfrec_jax.training import sharding, state
from dfrec_jax.training.step import Loss, TrainStep, make_train_step
from dfrec_jax.training.step_metrics import Numbers
from dfrec_jax.training.streams import stream
from dfrec_jax.training.tasks import conditioning, initialisation, neural_swaps
from dfrec_jax.training.validation import RECOVERED, Shown, Validator

SAMPLE_COLUMNS = (
    "input", "source map", "source region", "masked input", "recovered source", RECOVERED, "true source",
    "true target",
)  # fmt: skip


class DfrecTask:
    """See `task.Task`."""

    score_name = "idsim"

    def __init__(self, config: ConfigDict):
        """Builds the modules and loads the frozen networks.

        Raises:
          ConfigError: for a config that cannot be run.
          WeightsError: for frozen weights that are not at hand.
        """
        self.config = defaults.resolve(config)
        rules.validate(self.config)
        self.config = mixture.with_frame(self.config)
        self.constants = perceptors.load_perceptors(self.config)
        conditioning.check_identity_width(self.config, self.constants)
        self._neural = neural_swaps.load(self.config)
        self._metric = perceptors.load_metric_network(self.config)
        self._model, self._optimizer = dfrec.build(self.config), state.make_optimizer(self.config)

    def init(self) -> state.TrainState:
        """Fresh parameters of the three modules."""
        return init_function(self._model, self._optimizer, self.config)()

    def initialise(self, fresh: state.TrainState) -> state.TrainState:
        """The pretrained encoders of `ism.initialisation` and `tirm.initialisation`."""
        return initialisation.initialise(fresh, self.config)

    def make_step(self, num_devices: int) -> TrainStep:
        """Forging and augmentation, then the loss of Eq. 10."""
        complete = pipeline.make_completion(self.config, num_devices, self._neural.forge_row)
        loss = make_loss(self._model, self.config, num_devices)
        return make_train_step(
            loss,
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

    def make_validator(self, mesh: Mesh) -> Validator:
        """IDSIM of the validation split."""
        metric = jax.device_put(self._metric, sharding.replicated(mesh))
        return Validator(make_recover(self._model, self.config), SAMPLE_COLUMNS, metric, self.config, mesh)


def make_recover(model: dfrec.Dfrec, config: ConfigDict) -> Callable[[Any, Mapping[str, Any]], Shown]:
    """What the validator shows and scores.

    A network that learns on photographs alone has no map yet: it is validated as it learns, with the faces' regions for
    maps and hidden.
    """

    def recover(variables: Any, batch: Mapping[str, Any]) -> Shown:
        image = batch["image"]
        keys = jnp.broadcast_to(jax.random.key(0), image.shape[:1])
        options: dict[str, Any] = {"face_region": dfrec.region_without_ism(model, image, batch.get("landmarks"))}
        if config.data.photograph_share == 1:
            regions = face_regions(batch["landmarks"], config.image_size)
            options = region.told("region", regions) | {"is_hidden": jnp.ones(len(regions), bool)}
        output: Any = model.apply(variables, image, keys, train=False, **options)
        return {
            "source map": output.used_map,
            "source region": output.source_region,
            "masked input": output.masked_image,
            "recovered source": output.source_face,
            RECOVERED: output.target_face,
        }

    return recover


def init_function(model: dfrec.Dfrec, optimizer: Any, config: ConfigDict) -> Callable[[], state.TrainState]:
    """`() -> TrainState`, as `state.create` takes it."""
    return state.init_function(lambda key: state.init_variables(model, config.image_size, key), optimizer, config)


def make_loss(model: dfrec.Dfrec, config: ConfigDict, num_groups: int = 1) -> Loss:
    """The loss of `make_train_step`, its terms among the metrics; its constants are the `Perceptors`.

    With `train.ism_alone` the ISM's own two terms are all of it, and nothing else is computed.

    Args:
      model: of `config`.
      config: a valid config.
      num_groups: of `loss_terms`.
    """
    if config.train.ism_alone:
        return _make_ism_loss(model, config)

    def loss(
        params: Any, batch_stats: Any, perceptors: Perceptors, batch: Mapping[str, jax.Array], rng: jax.Array
    ) -> tuple[jax.Array, tuple[Any, Numbers]]:
        mask_keys = jax.random.split(stream(rng, "masks"), batch["image"].shape[0])
        is_hidden = conditioning.hidden(batch, config, stream(rng, "hidden regions"))
        batch = conditioning.judged(batch, config, is_hidden)
        output, updated = model.apply(
            {"params": params, "batch_stats": batch_stats},
            batch["image"],
            mask_keys,
            train=True,
            face_region=dfrec.region_without_ism(model, batch["image"], batch.get("landmarks")),
            is_swap=batch["is_forgery"] if config.ism.verdict != "map" else None,
            known_map=conditioning.known_maps(batch, config, stream(rng, "known maps")),
            is_hidden=is_hidden,
            identity=conditioning.identities(batch, perceptors, config, stream(rng, "identities")),
            rngs={"dropout": stream(rng, "dropout")},
            mutable=["batch_stats"],
        )
        terms = loss_terms(
            output,
            batch,
            perceptors,
            config.loss,
            patch_size=config.tirm.patch_size,
            key=stream(rng, "looked at"),
            num_groups=num_groups,
        )
        metrics = _metrics(terms, output.source_map, batch)
        return weighted_sum(terms, config.loss), (updated["batch_stats"], metrics)

    return loss


def _make_ism_loss(model: dfrec.Dfrec, config: ConfigDict) -> Loss:
    """That of `train.ism_alone`."""

    def loss(
        params: Any, batch_stats: Any, perceptors: Perceptors, batch: Mapping[str, jax.Array], rng: jax.Array
    ) -> tuple[jax.Array, tuple[Any, Numbers]]:
        del perceptors
        batch = conditioning.judged(batch, config, None)
        seen, updated = model.apply(
            {"params": params, "batch_stats": batch_stats},
            batch["image"],
            None,
            train=True,
            rngs={"dropout": stream(rng, "dropout")},
            mutable=["batch_stats"],
            method=dfrec.Dfrec.segment,
        )
        terms = ism_terms(seen, batch, config.loss)
        metrics = _metrics(terms, seen.source_map, batch)
        return weighted_sum(terms, config.loss), (updated["batch_stats"], metrics)

    return loss


def _metrics(terms: Mapping[str, jax.Array], source_map: jax.Array, batch: Mapping[str, jax.Array]) -> Numbers:
    losses = {f"loss_{name}": value for name, value in terms.items()}
    return losses | mean_maps(source_map, batch["is_forgery"]) | count_missing(batch)


def mean_maps(source_map: jax.Array, is_forgery: jax.Array) -> Numbers:
    """The mean of the ISM's own map over forgeries and over pristine faces: alike, it has collapsed."""
    mean = jnp.mean(source_map, axis=(1, 2, 3))
    groups = {"forged": is_forgery, "pristine": ~is_forgery}
    return {f"mean_map_{name}": weighted_mean(mean, chosen) for name, chosen in groups.items()}


def count_missing(batch: Mapping[str, jax.Array]) -> Numbers:
    """How many examples the losses pass over for want of what they need.

    Without a source, a target, or the landmarks that a source is aligned by; and left unforged by `completion`, which
    has room for as many as the shares of the config ask for: never more than 0.
    """
    is_found = jnp.all(jnp.isfinite(batch["source_landmarks"]), axis=(1, 2))
    missing = {
        "without_source": ~batch["has_source"],
        "without_target": ~batch["has_target"],
        "without_source_landmarks": batch["has_source"] & ~is_found,
        "left_unforged": ~batch["is_forgery"] & ~batch["has_target"],
    }
    return {name: jnp.sum(rows).astype(jnp.float32) for name, rows in missing.items()}
