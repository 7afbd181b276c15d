"""Blocks that several frozen networks share: convolution with BatchNorm, and the preprocessing of images."""

from collections.abc import Callable
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from flax.traverse_util import flatten_dict
from jaxtyping import Array, Float

from dfrec_jax.nets.convolution import Conv
from dfrec_jax.nets.depthwise import DepthwiseConv

Variables = Any


class Layer(NamedTuple):
    """Sizes of one convolution of a network that is written down as a table."""

    features: int
    kernel: tuple[int, int] = (1, 1)
    stride: int = 1
    padding: tuple[int, int] = (0, 0)


class ConvNorm(nn.Module):
    """Convolution without bias, BatchNorm by its running statistics (in float32), activation.

    Padding is explicit: "SAME" differs from PyTorch's at stride 2. A depthwise convolution (`is_depthwise`, square, one
    filter for each channel) is padded by half its kernel.
    """

    features: int
    kernel: tuple[int, int] = (1, 1)
    stride: int = 1
    padding: tuple[int, int] = (0, 0)
    is_depthwise: bool = False
    epsilon: float = 1e-5
    activation: Callable[[Array], Array] | None = nn.relu

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b hh ww d"]:
        """Features of the activation; `b` images of `h` x `w`."""
        if self.is_depthwise:
            x = depthwise(DepthwiseConv(self.kernel[0], self.stride, dtype=x.dtype, name="conv"), x)
        else:
            strides, padding = (self.stride, self.stride), [(p, p) for p in self.padding]
            x = Conv(self.features, self.kernel, strides, padding, use_bias=False, name="conv")(x)
        x = nn.BatchNorm(use_running_average=True, epsilon=self.epsilon, dtype=x.dtype, name="norm")(x)
        return x if self.activation is None else self.activation(x)


def depthwise(conv: DepthwiseConv, x: Float[Array, "b h w c"]) -> Float[Array, "b hh ww c"]:
    """`conv`, which pads as TensorFlow's SAME, with PyTorch's padding of half the kernel on both sides.

    The two differ at stride 2 where a side is even: SAME then pads the far side only. With a kernel of 3, padding both
    sides first leaves SAME nothing to pad on the near side, and one output too many at the far end.
    """
    if conv.stride == 1 or all(side % 2 for side in x.shape[1:3]):
        return conv(x)
    if conv.stride != 2 or conv.kernel_size != 3 or any(side % 2 for side in x.shape[1:3]):
        raise ValueError(f"stride {conv.stride}, kernel {conv.kernel_size}, grid {x.shape[1:3]}: not needed so far")
    padded = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    return conv(padded)[:, : x.shape[1] // 2, : x.shape[2] // 2]


def resize(images: Float[Array, "b h w 3"], height: int, width: int, *, antialias: bool) -> Float[Array, "b hh ww 3"]:
    """Bilinear, half-pixel centres (PyTorch's `align_corners=False`); the identity where the size is right already."""
    shape = (images.shape[0], height, width, images.shape[3])
    if images.shape == shape:
        return images
    return jax.image.resize(images, shape, "linear", antialias=antialias, precision=jax.lax.Precision.HIGHEST)


def in_dtype_of(variables: Variables, x: Float[Array, "b h w c"]) -> Float[Array, "b h w c"]:
    """`x`, preprocessed, in the dtype of a network's kernels, which its layers then compute in."""
    leaves: dict[tuple[str, ...], Any] = flatten_dict(variables["params"])
    return x.astype(next(leaf.dtype for path, leaf in leaves.items() if path[-1] == "kernel"))


def unit_length(embedding: Float[Array, "b d"]) -> Float[Array, "b d"]:
    """Divides by the Euclidean norm, in float32; the floor keeps the gradient finite at zero."""
    embedding = embedding.astype(jnp.float32)
    squared = jnp.sum(jnp.square(embedding), axis=-1, keepdims=True)
    return embedding * jax.lax.rsqrt(jnp.maximum(squared, 1e-12))
