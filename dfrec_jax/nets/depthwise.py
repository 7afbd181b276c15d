"""Depthwise convolution, fast on every platform."""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float


class DepthwiseConv(nn.Module):
    """One square filter for each channel, no bias, zero padding as TensorFlow's SAME.

    Attributes:
      kernel_size: taps along each side.
      stride: of the output grid.
      dilation: distance between taps.
      dtype: of the computation; the kernel stays float32.
    """

    kernel_size: int
    stride: int = 1
    dilation: int = 1
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b i j c"]:
        """Returns ceil(h / stride) rows and ceil(w / stride) columns."""
        size = self.kernel_size
        kernel = self.param("kernel", nn.initializers.he_normal(batch_axis=3), (size, size, 1, x.shape[-1]))
        x, kernel = x.astype(self.dtype), kernel.astype(self.dtype)
        # XLA's grouped convolution on CPU is 20 to 40 times slower than the sum of its taps, its gradient as well.
        return lax.platform_dependent(
            x,
            kernel,
            cpu=lambda x, kernel: sum_of_taps(x, kernel, self.stride, self.dilation),
            default=lambda x, kernel: grouped_conv(x, kernel, self.stride, self.dilation),
        )


def grouped_conv(
    x: Float[Array, "b h w c"], kernel: Float[Array, "k k 1 c"], stride: int, dilation: int
) -> Float[Array, "b i j c"]:
    """The depthwise convolution as XLA's primitive: as many groups as channels."""
    return lax.conv_general_dilated(
        x,
        kernel,
        (stride, stride),
        "SAME",
        rhs_dilation=(dilation, dilation),
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=x.shape[-1],
    )


def sum_of_taps(
    x: Float[Array, "b h w c"], kernel: Float[Array, "k k 1 c"], stride: int, dilation: int
) -> Float[Array, "b i j c"]:
    """The same convolution as a sum of shifted products, which XLA fuses into one pass over the output.

    Taps that fall outside the image for every output pixel, as most of ASPP's do on a small grid, cost nothing.
    """
    size, (height, width) = kernel.shape[0], x.shape[1:3]
    above, below = _same_padding(height, size, stride, dilation)
    before, after = _same_padding(width, size, stride, dilation)
    padded = jnp.pad(x, ((0, 0), (above, below), (before, after), (0, 0)))
    rows, columns = -(-height // stride), -(-width // stride)

    def reaches_image(offset: int, low: int, side: int, outputs: int) -> bool:
        return offset < low + side and offset + (outputs - 1) * stride >= low

    total = jnp.zeros((x.shape[0], rows, columns, x.shape[-1]), x.dtype)
    for i in range(size):
        for j in range(size):
            top, left = i * dilation, j * dilation
            if reaches_image(top, above, height, rows) and reaches_image(left, before, width, columns):
                bottom, right = top + (rows - 1) * stride + 1, left + (columns - 1) * stride + 1
                total += padded[:, top:bottom:stride, left:right:stride] * kernel[i, j, 0][None, None, None]
    return total


def _same_padding(side: int, kernel_size: int, stride: int, dilation: int) -> tuple[int, int]:
    """Zeros before and after an axis of `side` pixels, the odd one after."""
    total = max((-(-side // stride) - 1) * stride + (kernel_size - 1) * dilation + 1 - side, 0)
    return total // 2, total - total // 2
