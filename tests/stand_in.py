"""Stand-in variables for tests: drawn by NumPy from a module's shapes, without compiling its `init`."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict


def variables(module: nn.Module, *inputs: Any, seed: int = 0, **static: Any) -> Any:
    """Variables of `module` for `inputs`, of a size that keeps activations of order one."""
    key = jax.random.key(0)
    abstract = jax.eval_shape(lambda *inputs: module.init(key, *inputs, **static), *inputs)
    rng = np.random.default_rng(seed)
    flat = flatten_dict(abstract, sep="/")
    return unflatten_dict({path: jnp.asarray(_leaf(path, leaf.shape, rng)) for path, leaf in flat.items()}, sep="/")


def _leaf(path: str, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    draw = rng.standard_normal(shape, np.float32)
    if path.endswith("/kernel"):
        return draw * np.float32(1.5 / np.sqrt(np.prod(shape[:-1])))
    if path.endswith(("/scale", "/var")):
        return np.exp(np.float32(0.1) * draw)
    return np.float32(0.1) * draw
