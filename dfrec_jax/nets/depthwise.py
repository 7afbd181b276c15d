"""Depthwise convolution, fast on every platform."""

from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from dfrec_jax.nets import initialisation


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
        kernel = self.param("kernel", initialisation.DEPTHWISE_CONV, (size, size, 1, x.shape[-1]))
        if self.is_initializing():  # its shape alone is asked for, and the taps are slow to trace
            return grouped_conv(x.astype(self.dtype), kernel.astype(self.dtype), self.stride, self.dilation)
        # XLA's grouped convolution on CPU is 20 to 40 times slower than the sum of its taps, its gradient as well.
        return lax.platform_dependent(
            x.astype(self.dtype),
            kernel.astype(self.dtype),
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


@partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def sum_of_taps(
    x: Float[Array, "b h w c"], kernel: Float[Array, "k k 1 c"], stride: int, dilation: int
) -> Float[Array, "b i j c"]:
    """The same convolution as a sum of shifted products, which XLA fuses into one pass over the output.

    Taps that meet zeros alone, as most of ASPP's do on a small grid, cost nothing. The gradient is written out below:
    derived, it takes four times as long to run and twice as long to compile.
    """
    shifts = _shifts(x.shape[1:3], kernel.shape[0], stride, dilation)
    shape = (-(-x.shape[1] // stride), -(-x.shape[2] // stride))
    return _correlate(x, kernel, shifts, shape, stride)


def _sum_of_taps_forward(x: Array, kernel: Array, stride: int, dilation: int) -> tuple[Array, tuple[Array, Array]]:
    return sum_of_taps(x, kernel, stride, dilation), (x, kernel)


def _sum_of_taps_backward(
    stride: int, dilation: int, residuals: tuple[Array, Array], gradient: Array
) -> tuple[Array, Array]:
    x, kernel = residuals
    shifts = _shifts(x.shape[1:3], kernel.shape[0], stride, dilation)
    zero = jnp.zeros((), gradient.dtype)
    spread = lax.pad(gradient, zero, ((0, 0, 0), (0, 0, stride - 1), (0, 0, stride - 1), (0, 0, 0)))
    mirrored = ([(tap, -shift) for tap, shift in shifts[0]], [(tap, -shift) for tap, shift in shifts[1]])
    return (
        _correlate(spread, kernel, mirrored, x.shape[1:3], 1),
        _kernel_gradient(x, gradient, shifts, stride, kernel),
    )


sum_of_taps.defvjp(_sum_of_taps_forward, _sum_of_taps_backward)

Shifts = tuple[list[tuple[int, int]], list[tuple[int, int]]]


def _shifts(shape: tuple[int, ...], kernel_size: int, stride: int, dilation: int) -> Shifts:
    """For rows and columns, (tap, shift) of each tap that meets the image; output r reads input r * stride + shift."""

    def along(side: int) -> list[tuple[int, int]]:
        last = (-(-side // stride) - 1) * stride  # where the first tap of the last output stands, but for the padding
        padding = max(last + (kernel_size - 1) * dilation + 1 - side, 0) // 2
        shifts = [(tap, tap * dilation - padding) for tap in range(kernel_size)]
        return [(tap, shift) for tap, shift in shifts if -last <= shift < side]

    return along(shape[0]), along(shape[1])


def _pad_for(x: Array, shifts: Shifts, shape: tuple[int, ...], stride: int) -> tuple[Array, list[int]]:
    """`x` with zeros wherever the shifts reach beyond it, and the zeros before its first row and column."""
    before, padding = [], [(0, 0)]
    for axis, side, outputs in zip(shifts, x.shape[1:3], shape, strict=True):
        reach = [shift for _, shift in axis]
        before.append(max(0, -min(reach)))
        padding.append((before[-1], max(0, max(reach) + (outputs - 1) * stride + 1 - side)))
    return jnp.pad(x, (*padding, (0, 0))), before


def _correlate(x: Array, kernel: Array, shifts: Shifts, shape: tuple[int, ...], stride: int) -> Array:
    """Output (r, c) is the sum over taps of x[r * stride + shift, c * stride + shift] * kernel[tap, tap]."""
    padded, (above, left) = _pad_for(x, shifts, shape, stride)
    total = jnp.zeros((x.shape[0], *shape, x.shape[3]), x.dtype)
    for i, down in shifts[0]:
        for j, right in shifts[1]:
            rows = slice(above + down, above + down + (shape[0] - 1) * stride + 1, stride)
            columns = slice(left + right, left + right + (shape[1] - 1) * stride + 1, stride)
            total += padded[:, rows, columns] * kernel[i, j, 0][None, None, None]
    return total


def _kernel_gradient(x: Array, gradient: Array, shifts: Shifts, stride: int, kernel: Array) -> Array:
    """One reduction a tap, in a loop: unrolled, each would be compiled by itself."""
    batch, *shape, channels = gradient.shape
    padded, (above, left) = _pad_for(x, shifts, tuple(shape), stride)
    taps = [(i, j) for i, _ in shifts[0] for j, _ in shifts[1]]
    starts = [(above + down, left + right) for _, down in shifts[0] for _, right in shifts[1]]
    sizes = (batch, (shape[0] - 1) * stride + 1, (shape[1] - 1) * stride + 1, channels)

    def reduce_tap(start: Array) -> Array:
        window = lax.dynamic_slice(padded, (0, start[0], start[1], 0), sizes)[:, ::stride, ::stride]
        return jnp.sum(window * gradient, axis=(0, 1, 2), dtype=jnp.float32)

    sums = lax.map(reduce_tap, jnp.array(starts)).astype(kernel.dtype)
    rows, columns = zip(*taps, strict=True)
    return jnp.zeros_like(kernel).at[jnp.array(rows), jnp.array(columns), 0].set(sums)
