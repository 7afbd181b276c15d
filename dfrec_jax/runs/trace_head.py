"""A trained trace head, taken from the folder of its run."""

import os
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from dfrec_jax.config import defaults, trace
from dfrec_jax.frozen.network import FrozenNetwork
from dfrec_jax.models.trace import TraceHead, maps_of
from dfrec_jax.runs import stored_config, trained
from dfrec_jax.runs.checkpoint import Checkpoints
from dfrec_jax.runs.errors import CheckpointError
from dfrec_jax.weights.digest import sha256_of_variables


class Trained(NamedTuple):
    """What tracing runs; `step` says which checkpoint it is."""

    config: ConfigDict
    module: TraceHead
    variables: Any
    step: int

    def sha256(self) -> str:
        """Of its weights."""
        return sha256_of_variables(self.variables)


def build(config: ConfigDict) -> TraceHead:
    """The module of a valid config."""
    own = config.trace
    return TraceHead(own.width, own.depth, own.hidden, own.dropout)


def init_function(module: TraceHead, network: FrozenNetwork, size: int) -> Callable[[jax.Array], dict[str, Any]]:
    """From a key to fresh variables, for pictures of `size`; of the recogniser the shapes alone matter."""

    def seen(network: FrozenNetwork, image: jax.Array, landmarks: jax.Array) -> tuple[dict[str, jax.Array], jax.Array]:
        features = network(image, landmarks)
        return maps_of(features, network.taps["identity"]), features["embedding"]

    pictures = jax.ShapeDtypeStruct((1, size, size, 3), jnp.float32)
    shapes = jax.eval_shape(seen, network, pictures, jax.ShapeDtypeStruct((1, 5, 2), jnp.float32))

    def init_variables(key: jax.Array) -> dict[str, Any]:
        maps, embedding = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, jnp.float32), shapes)
        return {"batch_stats": {}, **module.init(key, maps, embedding, embedding, train=False)}

    return init_variables


def load(workdir: str | os.PathLike[str], network: FrozenNetwork, which: str = "best") -> Trained:
    """Restores one checkpoint of a run of `configs/trace.py`.

    Args:
      workdir: its folder.
      network: the recogniser that it is to stand on.
      which: `best` by validation, `newest`, or a step.

    Raises:
      CheckpointError: where the folder, its config or the checkpoint is missing, cannot be read, or is of another task
        or another recogniser.
      ConfigError: where its config is not valid.
    """
    config = stored_config.load(workdir)
    if (task := defaults.task_of(config)) != trace.TASK:
        raise CheckpointError(f"{workdir}: trained {task}, and a trace head of configs/trace.py is needed here")
    trace.validate(config)
    if config.frozen.identity != network.name:
        raise CheckpointError(
            f"{workdir}: its head stands on {config.frozen.identity}, and the gallery was made with {network.name}; "
            f"index the gallery with --recogniser {config.frozen.identity}, or train a head on the other"
        )
    module = build(config)
    shapes = jax.eval_shape(init_function(module, network, config.image_size), jax.random.key(0))
    abstract = trained.on_first_device(dict(shapes))
    step, variables = Checkpoints(workdir, trace.SCORE).restore_variables(which, abstract)
    return Trained(config, module, variables, step)
