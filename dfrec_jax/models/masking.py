"""Semantic-guided masking (Algorithm 1): the patches that most likely show the source face are hidden."""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from einops import reduce
from jaxtyping import Array, Float, Int, Key

from dfrec_jax.nets.patches import unpatchify


class PatchSplit(NamedTuple):
    """A partition of the patch grid; both index sets address patches 0..n-1, no class token.

    `idx_keep` is in the order of Algorithm 1's argsort, by which `rank` fusion binds the target tokens.
    """

    idx_keep: Int[Array, "b k"]
    idx_mask: Int[Array, "b m"]


class Masking(NamedTuple):
    """The numbers of Algorithm 1."""

    num_keep: int  # n - m: patches that stay visible, those of the lowest weight; ties keep the order of the grid
    full_map_threshold: float = 0.9  # where the mean of all scores reaches it, the map tells nothing: a random split
    patch_threshold: float = 0.5  # scores below it are replaced by noise
    noise_scale: float = 0.1  # upper end of nu


def patch_scores(source_map: Float[Array, "b h w 1"], patch_size: int) -> Float[Array, "b n"]:
    """Mean of m_s over each patch (Algorithm 1, line 3): how much of it belongs to the source face."""
    return reduce(source_map, "b (i p) (j q) 1 -> b (i j)", "mean", p=patch_size, q=patch_size)


def draw_noise(keys: Key[Array, " b"], num_patches: int) -> Float[Array, "b {num_patches}"]:
    """Uniform in [0, 1), from one key for each example: an image gets the same draw alone and in any batch."""
    return jax.vmap(lambda key: jax.random.uniform(key, (num_patches,)))(keys)


def semantic_guided_masking(scores: Float[Array, "b n"], noise: Float[Array, "b n"], masking: Masking) -> PatchSplit:
    """Algorithm 1, lines 2 and 4-16.

    Args:
      scores: omega, of `patch_scores`.
      noise: uniform in [0, 1), of `draw_noise`; nu is `masking.noise_scale` times this.
      masking: how many patches stay visible, and the thresholds.
    """
    nu = masking.noise_scale * noise
    is_full = jnp.mean(scores, axis=-1, keepdims=True) >= masking.full_map_threshold
    weights = jnp.where(is_full | (scores < masking.patch_threshold), nu, scores)
    order = jnp.argsort(weights, axis=-1, stable=True)
    return PatchSplit(order[:, : masking.num_keep], order[:, masking.num_keep :])


def generated_region(idx_mask: Int[Array, "b m"], num_patches: int, patch_size: int) -> Float[Array, "b h w 1"]:
    """1 on the pixels of the masked patches, which are generated; 0 where the input's own pixels stand."""
    masked = jax.vmap(lambda row: jnp.zeros(num_patches).at[row].set(1.0))(idx_mask)
    pixels = jnp.broadcast_to(masked[..., None], (*masked.shape, 3 * patch_size**2))
    return unpatchify(pixels, patch_size, math.isqrt(num_patches))[..., :1]


def face_ellipse(
    height: int, width: int, *, centre: tuple[float, float] = (0.5, 0.5), axes: tuple[float, float] = (0.42, 0.32)
) -> Float[Array, "{height} {width} 1"]:
    """The face region where neither an ISM nor landmarks tell it: 1 inside an ellipse, 0 outside.

    Args:
      height: rows of the map.
      width: columns of the map.
      centre: (y, x), as shares of height and width.
      axes: half axes (y, x), as shares of height and width; the default covers 42 % of the picture, that is fewer
        patches than a mask ratio of one half hides.
    """
    y = (jnp.arange(height) + 0.5) / height
    x = (jnp.arange(width) + 0.5) / width
    distance = ((y - centre[0]) / axes[0])[:, None] ** 2 + ((x - centre[1]) / axes[1])[None, :] ** 2
    return (distance <= 1).astype(jnp.float32)[..., None]


# Of an upright face whose eyes are 1 apart, from the middle between them, y down: what `landmarks` are laid on
# (InsightFace's template of five), and the ellipse that goes from the hairline to the chin and over both cheeks.
_FIVE = np.array([-0.5 - 0.003j, 0.5 - 0.003j, 0.006 + 0.571j, -0.406 + 1.157j, 0.423 + 1.153j], np.complex64)
_CENTRE, _HALF_WIDTH, _HALF_HEIGHT = 0.45, 1.15, 1.55


def face_region(landmarks: Float[Array, "b 5 2"], height: int, width: int) -> Float[Array, "b {height} {width} 1"]:
    """The face where no ISM tells it (Table VI): 1 inside an ellipse that five landmarks place, turn and scale.

    Where a face's landmarks are not known (NaN) it is `face_ellipse`.

    Args:
      landmarks: left eye, right eye, nose, left and right corner of the mouth as seen in the picture, in pixels.
      height: rows of the map.
      width: columns of the map.
    """
    known = jnp.isfinite(landmarks).all(axis=(1, 2))
    points = jnp.where(known[:, None, None], landmarks, np.stack([_FIVE.real, _FIVE.imag], axis=-1)[None])
    x, y = points[..., 0], points[..., 1]
    template = _FIVE - _FIVE.mean()
    a, b = jnp.asarray(template.real)[None], jnp.asarray(template.imag)[None]
    norm = float((np.abs(template) ** 2).sum())
    # Least squares of a similarity in the plane: a regression of complex numbers, scale * (cos + i sin).
    real = jnp.sum(a * x + b * y, axis=1) / norm
    imaginary = jnp.sum(a * y - b * x, axis=1) / norm
    origin_x = x.mean(axis=1) - (real * float(_FIVE.mean().real) - imaginary * float(_FIVE.mean().imag))
    origin_y = y.mean(axis=1) - (imaginary * float(_FIVE.mean().real) + real * float(_FIVE.mean().imag))
    spread = lambda values: values[:, None, None]  # noqa: E731
    dx = jnp.arange(width, dtype=jnp.float32)[None, None, :] - spread(origin_x)
    dy = jnp.arange(height, dtype=jnp.float32)[None, :, None] - spread(origin_y)
    scale = spread(real**2 + imaginary**2)
    along = (spread(real) * dx + spread(imaginary) * dy) / scale
    down = (spread(real) * dy - spread(imaginary) * dx) / scale
    inside = (along / _HALF_WIDTH) ** 2 + ((down - _CENTRE) / _HALF_HEIGHT) ** 2 <= 1
    region = jnp.where(spread(known), inside.astype(jnp.float32), face_ellipse(height, width)[None, ..., 0])
    return region[..., None]
