"""PSNR and SSIM of one image at a time, over the whole picture or over a region of it."""

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Images = Float[Array, "b h w c"]
Region = Float[Array, "b h w 1"]
PerImage = Float[Array, " b"]

UNIFORM_WINDOW = (1 / 7,) * 7  # scikit-image's default window
GAUSSIAN_WINDOW = tuple(  # sigma 1.5 cut at 3.5 sigma: the 11 taps of Wang et al. 2004
    math.exp(-(d**2) / 4.5) / sum(math.exp(-(e**2) / 4.5) for e in range(-5, 6)) for d in range(-5, 6)
)


def psnr(recovered: Images, reference: Images, region: Region | None = None) -> PerImage:
    """Peak signal-to-noise ratio in dB of images in [0, 1]; infinite where the two are equal.

    Args:
      recovered: images in [0, 1].
      reference: the images they should equal.
      region: weights in [0, 1] of the pixels; None counts every pixel once. An empty region gives NaN.
    """
    return -10 * jnp.log10(_mean(jnp.square(recovered - reference), region))


def ssim_uniform(recovered: Images, reference: Images, region: Region | None = None) -> PerImage:
    """SSIM with a uniform 7x7 window and sample covariance: scikit-image's default (`data_range=1`, `channel_axis=-1`).

    Only windows that lie wholly inside the picture count. Shapes, range and `region` as in `psnr`; the region weighs
    each window by its centre pixel.

    Raises:
      ValueError: for images smaller than the window.
    """
    return _ssim(recovered, reference, region, UNIFORM_WINDOW, 49 / 48)


def ssim_gaussian(recovered: Images, reference: Images, region: Region | None = None) -> PerImage:
    """SSIM of Wang et al. 2004: Gaussian 11x11 window of sigma 1.5, population covariance; see `ssim_uniform`."""
    return _ssim(recovered, reference, region, GAUSSIAN_WINDOW, 1.0)


def _ssim(a: Images, b: Images, region: Region | None, window: Sequence[float], covariance_scale: float) -> PerImage:
    if min(a.shape[1:3]) < len(window):
        raise ValueError(f"images of {a.shape[1]}x{a.shape[2]} pixels: SSIM's window needs {len(window)}x{len(window)}")
    mean_a, mean_b = _filter(a, window), _filter(b, window)
    variance_a = covariance_scale * (_filter(a * a, window) - mean_a**2)
    variance_b = covariance_scale * (_filter(b * b, window) - mean_b**2)
    covariance = covariance_scale * (_filter(a * b, window) - mean_a * mean_b)
    c1, c2 = 0.01**2, 0.03**2
    luminance = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    structure = (2 * covariance + c2) / (variance_a + variance_b + c2)
    margin = len(window) // 2
    inside = None if region is None else region[:, margin:-margin, margin:-margin]
    return _mean(luminance * structure, inside)


def _filter(images: Images, window: Sequence[float]) -> Float[Array, "b hh ww c"]:
    """Separable filter without padding, as shifted sums: exact in float32 on every device, and XLA fuses it."""
    for axis in (1, 2):
        length = images.shape[axis] - len(window) + 1
        images = sum(
            weight * jax.lax.slice_in_dim(images, start, start + length, axis=axis)
            for start, weight in enumerate(window)
        )  # type: ignore[assignment]
    return images


def _mean(values: Float[Array, "b hh ww c"], region: Float[Array, "b hh ww 1"] | None) -> PerImage:
    if region is None:
        return jnp.mean(values, axis=(1, 2, 3))
    return jnp.sum(jnp.mean(values, axis=3, keepdims=True) * region, axis=(1, 2, 3)) / jnp.sum(region, axis=(1, 2, 3))
