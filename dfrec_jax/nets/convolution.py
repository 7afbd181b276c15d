"""Convolution over all channels of networks that are not trained, fast on every platform: `Conv` takes the place of
`flax.linen.Conv` in `frozen`."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import flax.linen as nn
from jax import lax
from jaxtyping import Array, Float

Padding = str | Sequence[tuple[int, int]]  # as flax.linen.Conv hands it over


def convolve(
    x: Float[Array, "b h w c"],
    kernel: Float[Array, "k l c d"],
    strides: Sequence[int],
    padding: Padding,
    **options: Any,
) -> Float[Array, "b i j d"]:
    """`lax.conv_general_dilated` with a kernel that nobody differentiates by, as XLA (jaxlib 0.10) does it fast.

    A kernel of 1x1 is a product of matrices, and computed as one. What is not padded it gives to another library,
    which takes three times as long: a row and a column of zeros at the far ends keep it from that, and what they add to
    the grid is cut off again. The gradient by that kernel would take forty times as long.
    """
    if not _is_unpadded(kernel, padding) or kernel.shape[2] != x.shape[-1]:
        return lax.conv_general_dilated(x, kernel, strides, padding, **options)
    if kernel.shape[:2] == (1, 1):
        taken = x[:, :: strides[0], :: strides[1]]
        return lax.dot_general(taken, kernel[0, 0], (((3,), (0,)), ((), ())), precision=options.get("precision"))
    height, width = ((x.shape[side + 1] - kernel.shape[side]) // strides[side] + 1 for side in (0, 1))

    def with_zeros(x: Array, kernel: Array) -> Array:
        return lax.conv_general_dilated(x, kernel, strides, [(0, 1), (0, 1)], **options)[:, :height, :width]

    def as_it_is(x: Array, kernel: Array) -> Array:
        return lax.conv_general_dilated(x, kernel, strides, "VALID", **options)

    return lax.platform_dependent(x, kernel, cpu=with_zeros, default=as_it_is)


def _is_unpadded(kernel: Array, padding: Padding) -> bool:
    if isinstance(padding, str):
        return padding == "VALID" or kernel.shape[:2] == (1, 1)
    return not any(amount for side in padding for amount in side)


Conv = partial(nn.Conv, conv_general_dilated=convolve)
