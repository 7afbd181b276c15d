"""What pictures suffer on their way: loss of resolution and JPEG, drawn with Face X-ray's probabilities and ranges."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from dfrec_jax.forging.jpeg import jpeg

RECIPE_SIZE = 317.0  # pixels a side in Face X-ray, to which its ranges refer


class Perturbation(NamedTuple):
    """One draw: whether and to which share of the side the picture is reduced, how, and whether and how it is coded."""

    is_reduced: Bool[Array, ""]
    share: Float[Array, ""]
    is_nearest: Bool[Array, ""]
    is_coded: Bool[Array, ""]
    quality: Float[Array, ""]


def draw_perturbation(key: PRNGKeyArray) -> Perturbation:
    """Half of all pictures go down to 64..317 of 317 and up again, half to JPEG quality 60..100, independently."""
    numbers = jax.random.uniform(key, (5,))
    lowest = 64 / RECIPE_SIZE
    return Perturbation(
        is_reduced=numbers[0] < 0.5,
        share=lowest + (1 - lowest) * numbers[1],
        is_nearest=numbers[2] < 0.5,
        is_coded=numbers[3] < 0.5,
        quality=jnp.minimum(60 + jnp.floor(41 * numbers[4]), 100.0),
    )


def _linear_weights(size: int, from_size: Array, to_size: Array) -> Array:
    """[to, from]: bilinear resampling without antialiasing between sizes known at run time only, in `size` slots."""
    to, from_ = jnp.arange(size, dtype=jnp.float32), jnp.arange(size, dtype=jnp.float32)
    at = jnp.clip((to + 0.5) * from_size / to_size - 0.5, 0.0, from_size - 1)
    weights = jnp.maximum(0.0, 1.0 - jnp.abs(at[:, None] - from_[None]))
    return jnp.where((to < to_size)[:, None], weights, 0.0)


def _nearest_index(size: int, reduced: Array) -> Array:
    index = jnp.floor(jnp.arange(size) * reduced / size)  # up: which pixel of the reduced picture
    return jnp.floor(index * size / reduced).astype(jnp.int32)  # down: which pixel it came from


def reduced_size(size: int, share: Float[Array, ""]) -> Float[Array, ""]:
    """Whole pixels of a side of `size` pixels reduced to `share`, at least 8."""
    return jnp.clip(jnp.round(size * share), min(8, size), size)


def lose_resolution(
    image: Float[Array, "h w 3"], share: Float[Array, ""], is_nearest: Bool[Array, ""] | None = None
) -> Float[Array, "h w 3"]:
    """The picture resized to `share` of its sides and back, bilinear without antialiasing or by nearest neighbour."""
    height, width = image.shape[:2]
    rows, columns = reduced_size(height, share), reduced_size(width, share)
    down = [_linear_weights(size, jnp.float32(size), to) for size, to in ((height, rows), (width, columns))]
    up = [_linear_weights(size, to, jnp.float32(size)) for size, to in ((height, rows), (width, columns))]
    along_y, along_x = (
        jnp.matmul(back, there, precision=jax.lax.Precision.HIGHEST) for back, there in zip(up, down, strict=True)
    )
    linear = jnp.einsum("yi,ijc,xj->yxc", along_y, image, along_x, precision=jax.lax.Precision.HIGHEST)
    if is_nearest is None:
        return linear
    nearest = image[_nearest_index(height, rows)][:, _nearest_index(width, columns)]
    return jnp.where(is_nearest, nearest, linear)


def perturb(image: Float[Array, "h w 3"], draw: Perturbation) -> Float[Array, "h w 3"]:
    """`image` ([0, 1]) after one drawn perturbation."""
    image = jnp.where(draw.is_reduced, lose_resolution(image, draw.share, draw.is_nearest), image)
    return jnp.where(draw.is_coded, jpeg(image, draw.quality), image)
