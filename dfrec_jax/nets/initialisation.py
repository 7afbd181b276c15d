"""How parameters start: uniform with the variance of He et al. or Glorot and Bengio, and normal tokens.

Each draw is made flat and then shaped: over four axes the counter of JAX's generator costs four times the compilation,
and there are hundreds of draws.
"""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

Initialiser = Callable[..., Array]  # (key, shape, dtype) -> parameter


def _uniform(scale: float, fan: Callable[[tuple[int, ...]], float]) -> Initialiser:
    """Variance scale / fan(shape)."""

    def initialise(key: Array, shape: tuple[int, ...], dtype: Any = jnp.float32) -> Array:
        limit = math.sqrt(3 * scale / fan(shape))
        return jax.random.uniform(key, (math.prod(shape),), dtype, -limit, limit).reshape(shape)

    return initialise


def _fan_in(shape: tuple[int, ...]) -> int:
    return math.prod(shape[:-1])


def _fan_out(shape: tuple[int, ...]) -> int:
    return math.prod(shape[:-2]) * shape[-1]


CONV = _uniform(1.0, _fan_in)
BACKBONE_CONV = _uniform(2.0, _fan_out)  # EfficientNet's
DEPTHWISE_CONV = _uniform(2.0, _fan_in)  # (k, k, 1, c): the filters do not mix channels
DENSE = _uniform(1.0, lambda shape: (_fan_in(shape) + _fan_out(shape)) / 2)  # MAE's, on the fused query-key-value too


def token(key: Array, shape: tuple[int, ...], dtype: Any = jnp.float32) -> Array:
    """Normal of deviation 0.02, as MAE's tokens."""
    return 0.02 * jax.random.normal(key, (math.prod(shape),), dtype).reshape(shape)
