"""Colour transfer between faces, and the conversion to luma and chroma that it shares with JPEG."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

# ITU-R BT.601, full range, as JFIF states it; chroma is centred on 0 here.
RGB_TO_YCC = np.array(
    [[0.299, 0.587, 0.114], [-0.168735892, -0.331264108, 0.5], [0.5, -0.418687589, -0.081312411]], np.float32
)
YCC_TO_RGB = np.array([[1.0, 0.0, 1.402], [1.0, -0.344136286, -0.714136286], [1.0, 1.772, 0.0]], np.float32)
CONTRAST_LIMITS = (0.6, 1.6)  # of a channel's spread: beyond them noise and clipping would be blown up


def multiply(image: Float[Array, "*b h w 3"], matrix: np.ndarray) -> Float[Array, "*b h w 3"]:
    """Each pixel times a 3x3 colour matrix; written out, since no device multiplies matrices of three columns well."""
    channels = [image[..., i] for i in range(3)]
    return jnp.stack([sum(float(row[i]) * channels[i] for i in range(3)) for row in matrix], axis=-1)


def _moments(image: Array, weight: Array) -> tuple[Array, Array]:
    total = jnp.sum(weight) + 1e-6
    mean = jnp.sum(image * weight, axis=(0, 1)) / total
    variance = jnp.sum(jnp.square(image - mean[None, None]) * weight, axis=(0, 1)) / total
    return mean, jnp.sqrt(variance + 1e-8)


def match_mean(
    image: Float[Array, "h w 3"], reference: Float[Array, "h w 3"], weight: Float[Array, "h w 1"]
) -> Float[Array, "h w 3"]:
    """`image` ([0, 1]) shifted to the mean colour of `reference` where `weight` is; clipped (Face X-ray's recipe)."""
    shift = _moments(reference, weight)[0] - _moments(image, weight)[0]
    return jnp.clip(image + shift[None, None], 0.0, 1.0)


def match_colours(
    image: Float[Array, "h w 3"], reference: Float[Array, "h w 3"], weight: Float[Array, "h w 1"]
) -> Float[Array, "h w 3"]:
    """`image` ([0, 1]) with the mean and spread of `reference`, channel by channel of luma and chroma; clipped.

    After Reinhard et al. 2001, whose decorrelated space YCbCr stands in for; the change of spread is limited.
    """
    image, reference = multiply(image, RGB_TO_YCC), multiply(reference, RGB_TO_YCC)
    mean, spread = _moments(image, weight)
    wanted_mean, wanted_spread = _moments(reference, weight)
    contrast = jnp.clip(wanted_spread / spread, *CONTRAST_LIMITS)
    matched = (image - mean[None, None]) * contrast[None, None] + wanted_mean[None, None]
    return jnp.clip(multiply(matched, YCC_TO_RGB), 0.0, 1.0)
