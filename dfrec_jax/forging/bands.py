"""Frequency bands of a picture, by Gaussian blurs: what is coarse in it, what is fine, and mixtures of two pictures."""

import jax.numpy as jnp
from jaxtyping import Array, Float


def blurred(image: Float[Array, "h w c"], deviation: Float[Array, ""]) -> Float[Array, "h w c"]:
    """By a Gaussian of `deviation` pixels; beyond the border its weights are those of the pixels that are there."""

    def weights(size: int) -> Array:
        at = jnp.arange(size, dtype=jnp.float32)
        found = jnp.exp(-0.5 * jnp.square((at[:, None] - at[None]) / deviation))
        return found / jnp.sum(found, axis=1, keepdims=True)

    return jnp.einsum("yh,hwc,xw->yxc", weights(image.shape[0]), image, weights(image.shape[1]))


def mixed(
    fine: Float[Array, "h w 3"],
    coarse: Float[Array, "h w 3"],
    deviations: tuple[Float[Array, ""], Float[Array, ""]],
    middle: float,
) -> Float[Array, "h w 3"]:
    """The fine band of one picture on the coarse band of the other, in [0, 1].

    Args:
      fine: gives what a blur of the smaller deviation takes away.
      coarse: gives what is left after a blur of the larger one.
      deviations: the larger one, then the smaller, in pixels.
      middle: share of `fine` in what lies between.
    """
    large, small = deviations
    of_fine, of_coarse = blurred(fine, large), blurred(coarse, large)
    fine_small, coarse_small = blurred(fine, small), blurred(coarse, small)
    between = middle * (fine_small - of_fine) + (1 - middle) * (coarse_small - of_coarse)
    return jnp.clip(of_coarse + between + (fine - fine_small), 0.0, 1.0)
