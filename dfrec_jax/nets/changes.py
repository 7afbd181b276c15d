"""Pictures that are made by changing a picture."""

import flax.linen as nn
import jax.numpy as jnp
from jax.scipy.special import logit
from jaxtyping import Array, Float

DARKEST = 0.02  # below it, and as near to 1, a sigmoid hardly moves


def changed(image: Float[Array, "b h w 3"], changes: Float[Array, "b h w 3"]) -> Float[Array, "b h w 3"]:
    """`image` (RGB in [0, 1]) with `changes` added to its log-odds; in (0, 1), float32.

    Changes of zero give the image back but for pixels below `DARKEST` or above 1 - `DARKEST`, which become that.
    """
    return nn.sigmoid(logit(jnp.clip(image, DARKEST, 1 - DARKEST)) + changes.astype(jnp.float32))


def without_grid(changes: Float[Array, "b h w c"], side: int) -> Float[Array, "b h w c"]:
    """`changes` that squares of `side` pixels were unfolded to, less every pattern that repeats from square to square.

    Such a pattern is what a layer draws that has channels of its own for each place in the square, and what a frozen
    network mistakes for a person. The mean over as large a square around each pixel removes it (the zero-order hold of
    Sugawara et al. 2018, "Super-resolution using convolutional neural networks without any checkerboard artifacts").
    Edges are repeated outwards.
    """
    before, after = side // 2, (side - 1) // 2
    padded = jnp.pad(changes, ((0, 0), (before, after), (before, after), (0, 0)), mode="edge")
    return nn.avg_pool(padded, (side, side))
