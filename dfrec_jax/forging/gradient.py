"""Gradient-domain blending on the device: the seam's difference, spread smoothly into the pasted region.

Poisson image editing (Perez et al. 2003) keeps the gradients of the pasted face and takes its border from the picture
below. The correction it adds is the membrane through the differences along the border (Farbman et al. 2009), smooth, so
it is relaxed from coarse to fine in a fixed number of steps.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

COARSEST = 7  # pixels a side where the relaxation starts
STEPS, FEW_STEPS = 24, 8  # of relaxation at each size; at the finest, which only smooths, few


def _neighbours(field: Array) -> Array:
    """Mean of the four neighbours; at the picture's border the pixel itself stands in."""
    padded = jnp.pad(field, ((1, 1), (1, 1), (0, 0)), mode="edge")
    return (padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]) / 4


def _halved(value: Array, weight: Array) -> tuple[Array, Array]:
    """Values and weights at half the size: means by weight over two by two pixels, known where one of them is."""
    height, width = weight.shape[0] // 2, weight.shape[1] // 2
    total = jnp.sum(weight.reshape(height, 2, width, 2, 1), axis=(1, 3))
    value = jnp.sum((value * weight).reshape(height, 2, width, 2, -1), axis=(1, 3)) / jnp.maximum(total, 1e-6)
    return value, jnp.minimum(total, 1.0)


def _relaxed(surface: Array, value: Array, weight: Array, pull: float, steps: int) -> Array:
    """Jacobi's steps towards the mean of the neighbours, times `pull`, where `weight` is 0; elsewhere `value` stays."""
    step = lambda _, surface: weight * value + (1 - weight) * pull * _neighbours(surface)  # noqa: E731
    return jax.lax.fori_loop(0, steps, step, weight * value + (1 - weight) * surface)


def membrane(
    difference: Float[Array, "h w c"], inside: Float[Array, "h w 1"], stiffness: float = 0.0
) -> Float[Array, "h w c"]:
    """`difference` where `inside` is 0, and where it is 1 the smooth surface through it.

    Args:
      difference: the known values; what it holds inside is not used.
      inside: 1 where the surface is wanted, 0 where it is known.
      stiffness: pulls the surface to 0, by 1/e over 1 / (2 sqrt(stiffness)) pixels; 0 is Laplace's equation.
    """
    levels = [(difference, 1.0 - inside)]
    while min(levels[-1][1].shape[:2]) >= 2 * COARSEST and all(side % 2 == 0 for side in levels[-1][1].shape[:2]):
        levels.append(_halved(*levels[-1]))
    value, weight = levels[-1]
    surface = jnp.sum(value * weight, axis=(0, 1)) / jnp.maximum(jnp.sum(weight), 1e-6)
    for value, weight in reversed(levels):
        if surface.shape != value.shape:
            surface = jax.image.resize(surface[(None,) * (3 - surface.ndim)], value.shape, "linear")
        coarseness = difference.shape[0] / value.shape[0]  # a coarse pixel is this many fine ones
        steps = STEPS if coarseness > 1 else FEW_STEPS
        surface = _relaxed(surface, value, weight, 1.0 / (1.0 + stiffness * coarseness**2), steps)
    return surface


def gradient_blend(
    face: Float[Array, "h w 3"], background: Float[Array, "h w 3"], inside: Float[Array, "h w 1"], stiffness: float
) -> Float[Array, "h w 3"]:
    """`face` with its gradients where `inside` is 1, its seam lifted to meet `background`; clipped to [0, 1]."""
    return jnp.clip(face + membrane(background - face, inside, stiffness), 0.0, 1.0)
