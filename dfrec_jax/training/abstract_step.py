"""A training step of DFREC as shapes alone: no weights, no data and no device are needed."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from dfrec_jax import perceptors
from dfrec_jax.config import defaults
from dfrec_jax.config.errors import ConfigError
from dfrec_jax.examples.fields import FIELDS, PICTURES
from dfrec_jax.frozen import load
from dfrec_jax.frozen.network import Perceptors
from dfrec_jax.models import dfrec
from dfrec_jax.training import state
from dfrec_jax.training.step import TrainStep, make_train_step
from dfrec_jax.training.tasks.dfrec import init_function, make_loss

# What the loss reads of a batch; forging reads more, and is not counted.
READ = (
    "image", "source", "target", "source_mask", "is_forgery", "has_source", "has_target", "has_mask", "landmarks",
    "source_landmarks",
)  # fmt: skip


class AbstractStep(NamedTuple):
    """The step of `training.tasks.dfrec.DfrecTask` and what it takes, as shapes.

    Attributes:
      step: `(state, constants, batch) -> (state, metrics)`.
      state: of `state.TrainState`.
      constants: the frozen networks of the losses.
    """

    step: TrainStep
    state: state.TrainState
    constants: Perceptors


def of_config(config: ConfigDict) -> AbstractStep:
    """The step of a valid, resolved config.

    Raises:
      ConfigError: for another task than DFREC.
    """
    if (task := defaults.task_of(config)) != "dfrec":
        raise ConfigError(f"task={task!r}: only the step of 'dfrec' can be counted without running it")
    model, optimizer = dfrec.build(config), state.make_optimizer(config)
    shapes = jax.eval_shape(init_function(model, optimizer, config))
    step = make_train_step(
        make_loss(model, config), optimizer, ema=config.optimizer.ema, accumulate=config.train.accumulate
    )
    return AbstractStep(step, shapes, _networks(config))


def batch_of(config: ConfigDict, rows: int) -> dict[str, Any]:
    """Shapes of so many rows of a batch as the loss reads it."""
    pixels = (config.image_size, config.image_size)
    batch = {}
    for name in READ:
        dtype, shape = FIELDS[name].kind.value
        shape = (rows, *pixels, *shape[2:]) if name in PICTURES else (rows, *shape)
        batch[name] = jax.ShapeDtypeStruct(shape, np.int32 if dtype is np.integer else dtype)
    return batch


def _networks(config: ConfigDict) -> Perceptors:
    names = perceptors.loss_networks(config)
    dtype = jnp.dtype(config.compute_dtype)
    networks = {
        name: jax.eval_shape(lambda network: network.astype(dtype), perceptors.network_shapes(name))
        for name in set(names.values())
    }
    return load.perceptors({role: networks[name] for role, name in names.items()})
