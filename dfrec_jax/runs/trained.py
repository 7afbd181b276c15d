"""A trained DFREC taken from a workdir: its config, its modules and the variables of one checkpoint."""

import os
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax.traverse_util import unflatten_dict
from ml_collections import ConfigDict

from dfrec_jax.config import defaults, rules
from dfrec_jax.config.errors import Option
from dfrec_jax.models import dfrec
from dfrec_jax.runs import packed, stored_config
from dfrec_jax.runs.checkpoint import Checkpoints
from dfrec_jax.runs.errors import CheckpointError
from dfrec_jax.weights import shapes

_PACKAGE = Path(__file__).parents[1]
CODE = tuple(_PACKAGE / part for part in ("config", "models", "nets"))  # on which the shapes of variables depend


class Trained(NamedTuple):
    """What evaluation and recovery run; `step` says which checkpoint it is."""

    config: ConfigDict
    model: dfrec.Dfrec
    variables: Any
    step: int


def abstract_variables(config: ConfigDict, model: dfrec.Dfrec) -> Any:
    """Shape and dtype of every variable of the `model` of `config`, placed on the first device."""
    image = jax.ShapeDtypeStruct((1, config.image_size, config.image_size, 3), jnp.float32)
    keys = jax.eval_shape(lambda: jax.random.split(jax.random.key(0), 1))

    def trace() -> Any:
        return jax.eval_shape(lambda image, keys: model.init(jax.random.key(0), image, keys, train=False), image, keys)

    found = shapes.of_variables(f"Dfrec {config.to_json(sort_keys=True)}", CODE, trace)
    return on_first_device(unflatten_dict(found, sep="/"))


def on_first_device(shapes: Any) -> Any:
    """The same shapes and dtypes, to be restored to the first device."""
    place = jax.sharding.SingleDeviceSharding(jax.local_devices()[0])
    return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=place), shapes)


def load(workdir: str | os.PathLike[str], which: str = "best") -> Trained:
    """Restores one checkpoint of a run.

    Args:
      workdir: the folder of a training run, of an imported network or of a packed one.
      which: `best`, `newest`, or a step.

    Raises:
      CheckpointError: where the folder, its config or the checkpoint is missing or cannot be read.
      ConfigError: where its config is not valid.
    """
    config = stored_config.load(workdir)
    if (task := defaults.task_of(config)) != "dfrec":
        raise CheckpointError(Option("workdir", workdir), f": trained {task}, and a DFREC is needed here")
    rules.validate(config)
    model = dfrec.build(config)
    restore = packed.restore if packed.is_packed(workdir) else _restore
    step, variables = restore(workdir, which, abstract_variables(config, model))
    return Trained(config, model, variables, step)


def _restore(workdir: str | os.PathLike[str], which: str, abstract: Any) -> tuple[int, Any]:
    return Checkpoints(workdir).restore_variables(which, abstract)
