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
