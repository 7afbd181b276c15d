"""A compared method as a task of the loop: RECCE, with its own losses on the pipeline's batches."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import Mesh
from ml_collections import ConfigDict

from dfrec_jax import perceptors
from dfrec_jax.baselines import methods, published
from dfrec_jax.baselines.recce import Recce
from dfrec_jax.baselines.recce_losses import recce_loss
from dfrec_jax.config import compared, tasks
from dfrec_jax.data import mixture, pipeline
from dfrec_jax.training import sharding, state
from dfrec_jax.training.step import Batch, Loss, Metrics, TrainStep, make_train_step
from dfrec_jax.training.streams import stream
from dfrec_jax.training.validation import RECOVERED, Shown, Validator
from dfrec_jax.weights.rules import WeightsError

SAMPLE_COLUMNS = ("input", RECOVERED, "target")


class ComparedTask:
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
        self._module, self._optimizer = methods.build(self.config), state.make_optimizer(self.config)

    def init(self) -> state.TrainState:
        """Fresh parameters."""
        return state.init_function(methods.init_function(self._module, self.config), self._optimizer, self.config)()

    def initialise(self, fresh: state.TrainState) -> state.TrainState:
        """The published network of `recce.initialisation`, where one is named."""
        return initialise(fresh, self.config)

    def make_step(self, num_devices: int) -> TrainStep:
        """Forging and augmentation, then the method's own loss."""
        complete = pipeline.make_completion(self.config, num_devices)
        loss = make_recce_loss(self._module, self.config)
        return make_train_step(loss, self._optimizer, ema=self.config.optimizer.ema, complete=complete)

    def batches(self, start_step: int) -> pipeline.TrainBatches:
        """Rows of the data set of the config."""
        return pipeline.batches_of_this_host(self.config, start_step)

    def fingerprint(self) -> dict[str, Any]:
        """See `pipeline.fingerprint`."""
        return pipeline.fingerprint(self.config)

    def make_validator(self, mesh: Mesh) -> Validator:
        """IDSIM of the validation split."""
        recover = methods.recover_function(self._module, self.config)

        def shown(variables: Any, batch: Batch) -> Shown:
            return {RECOVERED: recover(variables, jnp.asarray(batch["image"])).target}

        metric = jax.device_put(self._metric, sharding.replicated(mesh))
        return Validator(shown, SAMPLE_COLUMNS, metric, self.config, mesh)


def initialise(fresh: state.TrainState, config: ConfigDict) -> state.TrainState:
    """The fresh state with the published weights of `initialisation`, where the config names some.

    Raises:
      WeightsError: for a file that is not at hand, or a network of another width.
    """
    name = config[config.task].initialisation
    if not name:
        return fresh
    loaded = published.load(name, weights_dir=config.frozen.weights_dir)
    ours = {"params": fresh.params, "batch_stats": fresh.batch_stats}
    of_ours, of_loaded = (jax.tree.map(jnp.shape, tree) for tree in (ours, loaded))
    if of_ours != of_loaded:
        raise WeightsError(
            f"{config.task}.initialisation={name!r} with {config.task}.width={config[config.task].width}: the "
            f"published network has another size; use {config.task}.width=1.0, or leave the initialisation out"
        )
    placed = jax.tree.map(lambda leaf, value: jax.device_put(jnp.asarray(value), leaf.sharding), ours, loaded)
    return state.started_from(fresh, placed)


def make_recce_loss(module: Recce, config: ConfigDict) -> Loss:
    """RECCE's loss (`recce_losses`) for `make_train_step`, its terms among the metrics; it takes no constants."""
    resized: Callable[[jax.Array], jax.Array] = methods.resizer(config.recce.image_size)

    def loss(
        params: Any, batch_stats: Any, constants: Any, batch: Mapping[str, jax.Array], rng: jax.Array
    ) -> tuple[jax.Array, tuple[Any, Metrics]]:
        del constants
        image = 2 * resized(batch["image"]) - 1
        output, updated = module.apply(
            {"params": params, "batch_stats": batch_stats},
            image,
            train=True,
            rngs={"noise": stream(rng, "white noise"), "dropout": stream(rng, "dropout")},
            mutable=["batch_stats"],
        )
        terms = recce_loss(output, image, batch["is_forgery"])
        metrics = {f"loss_{name}": value for name, value in terms._asdict().items() if name != "total"}
        return terms.total, (updated["batch_stats"], metrics)

    return loss
