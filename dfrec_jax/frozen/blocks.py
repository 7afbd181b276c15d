"""Blocks that several frozen networks share: convolution with BatchNorm, and the preprocessing of images."""

from collections.abc import Callable
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
Variables = Any


class Layer(NamedTuple):
    """Sizes of one convolution of a network that is written down as a table."""

    features: int
    kernel: tuple[int, int] = (1, 1)
    stride: int = 1
    padding: tuple[int, int] = (0, 0)


class ConvNorm(nn.Module):
    """Convolution without bias, BatchNorm by its running statistics, activation.

    `groups=0` is a depthwise convolution. Padding is explicit: "SAME" differs from PyTorch's at stride 2.
    """

    features: int
    kernel: tuple[int, int] = (1, 1)
    stride: int = 1
    padding: tuple[int, int] = (0, 0)
    groups: int = 1
    epsilon: float = 1e-5
    activation: Callable[[Array], Array] | None = nn.relu

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b hh ww d"]:
        """Features of the activation; `b` images of `h` x `w`."""
        x = nn.Conv(
            self.features,
            self.kernel,
            (self.stride, self.stride),
            padding=[(p, p) for p in self.padding],
            feature_group_count=self.groups or x.shape[-1],
            use_bias=False,
            name="conv",
        )(x)
        x = nn.BatchNorm(use_running_average=True, epsilon=self.epsilon, name="norm")(x)
        return x if self.activation is None else self.activation(x)


def resize(images: Float[Array, "b h w 3"], height: int, width: int, *, antialias: bool) -> Float[Array, "b hh ww 3"]:
    """Bilinear, half-pixel centres (PyTorch's `align_corners=False`); the identity where the size is right already."""
    shape = (images.shape[0], height, width, images.shape[3])
    if images.shape == shape:
        return images
    return jax.image.resize(images, shape, "linear", antialias=antialias, precision=jax.lax.Precision.HIGHEST)


def imagenet_normalise(images: Float[Array, "b h w 3"]) -> Float[Array, "b h w 3"]:
    """RGB in [0, 1] to zero mean and unit variance over ImageNet."""
    return (images - jnp.array(IMAGENET_MEAN).reshape(1, 1, 1, 3)) / jnp.array(IMAGENET_STD).reshape(1, 1, 1, 3)


def unit_length(embedding: Float[Array, "b d"]) -> Float[Array, "b d"]:
    """Divides by the Euclidean norm; the floor keeps the gradient finite at zero."""
    squared = jnp.sum(jnp.square(embedding), axis=-1, keepdims=True)
    return embedding * jax.lax.rsqrt(jnp.maximum(squared, 1e-12))
