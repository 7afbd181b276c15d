"""A compared method as a task of the loop, with its own losses (`compared_losses.py`) on the pipeline's batches."""

from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import Mesh
from ml_collections import ConfigDict

from dfrec_jax import perceptors
from dfrec_jax.baselines import methods, published
from dfrec_jax.config import compared, tasks
from dfrec_jax.data import mixture, pipeline
from dfrec_jax.training import sharding, state
from dfrec_jax.training.step import Batch, TrainStep, make_train_step
from dfrec_jax.training.tasks import compared_losses, conditioning, neural_swaps
from dfrec_jax.training.validation import RECOVERED, Shown, Validator
from dfrec_jax.weights.rules import WeightsError

SAMPLE_COLUMNS = ("input", RECOVERED, "true target")


class ComparedTask:
    """See `task.Task`."""

    score_name = "idsim"

    def __init__(self, config: ConfigDict):
        """Builds the network and loads those of its losses and the one that IDSIM is measured with.

        Raises:
          ConfigError: for a config that cannot be run.
          WeightsError: for frozen weights that are not at hand.
        """
        self.config = tasks.resolved(config)
        compared.validate(self.config)
        self.config = mixture.with_frame(self.config)
        self.constants = perceptors.load_perceptors(self.config)
        conditioning.check_identity_width(self.config, self.constants)
        self._neural = neural_swaps.load(self.config)
        self._metric = perceptors.load_metric_network(self.config)
        self._module, self._optimizer = methods.build(self.config), state.make_optimizer(self.config)

    def init(self) -> state.TrainState:
        """Fresh parameters."""
        return state.init_function(methods.init_function(self._module, self.config), self._optimizer, self.config)()

    def initialise(self, fresh: state.TrainState) -> state.TrainState:
        """The published network of the method's `initialisation`, where one is named."""
        return initialise(fresh, self.config)

    def make_step(self, num_devices: int) -> TrainStep:
        """Forging and augmentation, then the method's own loss."""
        complete = pipeline.make_completion(self.config, num_devices, self._neural.forge_row)
        loss = compared_losses.make_loss(self._module, self.config)
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
        recover = methods.recover_function(self._module, self.config)

        def shown(variables: Any, batch: Batch) -> Shown:
            image, landmarks = jnp.asarray(batch["image"]), jnp.asarray(batch["landmarks"])
            points = jnp.asarray(batch["points"]) if "points" in batch else None
            keys = jnp.broadcast_to(jax.random.key(0), image.shape[:1])
            return {RECOVERED: recover(variables, methods.Inputs(image, landmarks, keys, points)).target}

        metric = jax.device_put(self._metric, sharding.replicated(mesh))
        return Validator(shown, SAMPLE_COLUMNS, metric, self.config, mesh)


def initialise(fresh: state.TrainState, config: ConfigDict) -> state.TrainState:
    """The fresh state with the published weights of `initialisation`, where the config names some.

    Raises:
      WeightsError: for a file that is not at hand, or a network of another width.
    """
    name = config[config.task].get("initialisation", "")
    if not name:
        return fresh
    loaded = {"batch_stats": {}, **published.load(name, weights_dir=config.frozen.weights_dir)}
    ours = {"params": fresh.params, "batch_stats": fresh.batch_stats}
    of_ours, of_loaded = (jax.tree.map(jnp.shape, tree) for tree in (ours, loaded))
    if of_ours != of_loaded:
        raise WeightsError(
            f"{config.task}.initialisation={name!r}: the published network has other sizes than this one; leave the "
            f"sizes of the section `{config.task}` at their defaults, or leave the initialisation out"
        )
    placed = jax.tree.map(lambda leaf, value: jax.device_put(jnp.asarray(value), leaf.sharding), ours, loaded)
    return state.started_from(fresh, placed)
