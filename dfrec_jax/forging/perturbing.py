"""What pictures suffer on their way: loss of resolution, blur, noise, JPEG, and a border that is too near.

Loss of resolution and JPEG are drawn with Face X-ray's probabilities and ranges; the others are ours.
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray, Shaped

from dfrec_jax.forging.jpeg import jpeg

RECIPE_SIZE = 317.0  # pixels a side in Face X-ray, to which its ranges refer
MOST_BLUR = 5 / RECIPE_SIZE  # standard deviation, in sides of the picture
MOST_NOISE = 10 / 255  # standard deviation
MOST_CUT = 0.2  # of the side of a crop, from each of its borders


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


def perturb(
    image: Float[Array, "h w 3"], draw: Perturbation, damage: "Damage | None" = None, key: PRNGKeyArray | None = None
) -> Float[Array, "h w 3"]:
    """`image` ([0, 1]) after one drawn perturbation: resolution, blur, noise (drawn by `key`), codec, in this order."""
    image = jnp.where(draw.is_reduced, lose_resolution(image, draw.share, draw.is_nearest), image)
    if damage is not None and key is not None:
        image = jnp.where(damage.blur > 0, blur(image, damage.blur), image)
        image = jnp.where(damage.noise > 0, grain(key, image, damage.noise), image)
    return jnp.where(draw.is_coded, jpeg(image, draw.quality), image)


class Damage(NamedTuple):
    """One draw beside a `Perturbation`: standard deviations of a blur (sides of the picture) and of noise; 0: none."""

    blur: Float[Array, ""]
    noise: Float[Array, ""]


def draw_damage(key: PRNGKeyArray, blurred: float, noisy: float) -> Damage:
    """Up to `MOST_BLUR` with probability `blurred`, up to `MOST_NOISE` with probability `noisy`, independently."""
    numbers = jax.random.uniform(key, (4,))
    return Damage(
        blur=jnp.where(numbers[0] < blurred, MOST_BLUR * numbers[1], 0.0),
        noise=jnp.where(numbers[2] < noisy, MOST_NOISE * numbers[3], 0.0),
    )


def blur(image: Float[Array, "h w 3"], spread: Float[Array, ""]) -> Float[Array, "h w 3"]:
    """Gaussian of standard deviation `spread` (in sides of the picture), along rows and columns; the border goes on."""
    reach = math.ceil(3 * MOST_BLUR * image.shape[0])
    offsets = jnp.arange(-reach, reach + 1)
    pixels = jnp.maximum(spread * image.shape[0], 1e-3)
    weights = jnp.exp(-0.5 * jnp.square(offsets / pixels))
    weights = weights / jnp.sum(weights)
    for axis in (0, 1):
        padding = [(reach, reach) if axis == other else (0, 0) for other in range(3)]
        padded = jnp.pad(image, padding, mode="edge")
        image = sum(
            weights[i] * jax.lax.slice_in_dim(padded, i, i + image.shape[axis], axis=axis) for i in range(len(offsets))
        )  # pyright: ignore[reportAssignmentType]
    return image


def grain(key: PRNGKeyArray, image: Float[Array, "h w 3"], deviation: Float[Array, ""]) -> Float[Array, "h w 3"]:
    """Gaussian noise of standard deviation `deviation`, each colour of each pixel by itself; in [0, 1]."""
    return jnp.clip(image + deviation * jax.random.normal(key, image.shape), 0.0, 1.0)


def draw_border(key: PRNGKeyArray, tightened: float) -> Float[Array, "4"]:
    """Shares of the side that left, top, right and bottom lose: up to `MOST_CUT` with probability `tightened`, or 0."""
    numbers = jax.random.uniform(key, (5,))
    return jnp.where(numbers[4] < tightened, MOST_CUT * numbers[:4], 0.0)


def tighten(picture: Shaped[Array, "h w c"], border: Float[Array, "4"]) -> Shaped[Array, "h w c"]:
    """The picture as if it had ended so much earlier: its border pixels go on, as in `framing.cut_out`."""
    height, width = picture.shape[:2]
    first_x, first_y, last_x, last_y = jnp.round(border * jnp.array([width, height, width, height])).astype(jnp.int32)
    rows = jnp.clip(jnp.arange(height), first_y, height - 1 - last_y)
    columns = jnp.clip(jnp.arange(width), first_x, width - 1 - last_x)
    return picture[rows][:, columns]


def within(border: Float[Array, "4"], height: int, width: int) -> Bool[Array, "h w 1"]:
    """The pixels that `tighten` leaves as they are."""
    first_x, first_y, last_x, last_y = jnp.round(border * jnp.array([width, height, width, height])).astype(jnp.int32)
    y, x = jnp.arange(height)[:, None, None], jnp.arange(width)[None, :, None]
    return (y >= first_y) & (y <= height - 1 - last_y) & (x >= first_x) & (x <= width - 1 - last_x)
