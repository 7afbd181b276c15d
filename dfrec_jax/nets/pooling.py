"""Shrinking a grid by maxima, with gradients that CPUs compute quickly."""

import flax.linen as nn
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float


def max_pool(x: Float[Array, "b h w c"]) -> Float[Array, "b i j c"]:
    """The largest of each 2x2; the last row or column of an odd side is left out.

    As `flax.linen.max_pool`, ten times as fast backwards on a CPU. Where two of the four are equal they share the
    gradient; Flax's goes to the first.
    """
    x = x[:, : x.shape[1] // 2 * 2, : x.shape[2] // 2 * 2]
    rows = jnp.maximum(x[:, ::2], x[:, 1::2])
    return jnp.maximum(rows[:, :, ::2], rows[:, :, 1::2])


def overlapping_max_pool(x: Float[Array, "b h w c"], *, padding: int = 0) -> Float[Array, "b i j c"]:
    """The largest of each 3x3, two pixels apart: `flax.linen.max_pool(x, (3, 3), (2, 2), padding)`.

    `padding` pixels around the grid count for nothing. On a CPU the gradient of that takes four to ten times as long as
    this one's, in which equal pixels share what there goes to the first.
    """
    around = ((0, 0), (padding, padding), (padding, padding), (0, 0))
    return lax.platform_dependent(
        x,
        cpu=lambda x: max_of_slices(jnp.pad(x, around, constant_values=-jnp.inf) if padding else x),
        default=lambda x: nn.max_pool(x, (3, 3), (2, 2), padding=around[1:3]),  # type: ignore[arg-type]
    )


def max_of_slices(x: Float[Array, "b h w c"]) -> Float[Array, "b i j c"]:
    """The same, rows first."""
    for axis in (1, 2):
        outputs = (x.shape[axis] - 3) // 2 + 1
        first, second, third = (lax.slice_in_dim(x, i, i + 2 * outputs - 1, 2, axis) for i in range(3))
        x = jnp.maximum(jnp.maximum(first, second), third)
    return x
