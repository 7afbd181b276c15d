"""Inception-v3 as FID uses it (Heusel et al. 2017): pool3, exactly as pytorch-fid computes it.

Weights, and the departures from torchvision's Inception-v3, are pytorch-fid's (Apache-2.0; converted from
TensorFlow's graph of 2015): its average pools do not count the padding, and the last block has a max pool.
"""

from typing import Any, NamedTuple

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from dfrec_jax.frozen.blocks import ConvNorm, Layer, resize
from dfrec_jax.frozen.blueprint import Blueprint, Part
from dfrec_jax.frozen.network import Features
from dfrec_jax.weights.layers import COUNTERS, batch_norm, convolution
from dfrec_jax.weights.rules import Rule

EPSILON = 1e-3
IMAGE_SIZE = 299
Chain = tuple[str, tuple[Layer, ...]]  # a branch's name, to which _1, _2, ... is added where it has several layers
SPLIT = (Layer(384, (1, 3), 1, (0, 1)), Layer(384, (3, 1), 1, (1, 0)))  # side by side at the end of a branch


def _row(features: int) -> Layer:
    return Layer(features, (1, 7), 1, (0, 3))


def _column(features: int) -> Layer:
    return Layer(features, (7, 1), 1, (3, 0))


def _square(features: int, size: int = 3) -> Layer:
    return Layer(features, (size, size), 1, (size // 2, size // 2))


def _mixed_5() -> tuple[Chain, ...]:
    return (
        ("branch1x1", (Layer(64),)),
        ("branch5x5", (Layer(48), _square(64, 5))),
        ("branch3x3dbl", (Layer(64), _square(96), _square(96))),
    )


def _mixed_6(width: int) -> tuple[Chain, ...]:
    return (
        ("branch1x1", (Layer(192),)),
        ("branch7x7", (Layer(width), _row(width), _column(192))),
        ("branch7x7dbl", (Layer(width), _column(width), _row(width), _column(width), _row(192))),
    )


MIXED_6A = (
    ("branch3x3", (Layer(384, (3, 3), 2),)),
    ("branch3x3dbl", (Layer(64), _square(96), Layer(96, (3, 3), 2))),
)
MIXED_7A = (
    ("branch3x3", (Layer(192), Layer(320, (3, 3), 2))),
    ("branch7x7x3", (Layer(192), _row(192), _column(192), Layer(192, (3, 3), 2))),
)
STEM = (
    ("conv1a", Layer(32, (3, 3), 2)),
    ("conv2a", Layer(32, (3, 3))),
    ("conv2b", _square(64)),
)


class InceptionFeatures(NamedTuple):
    """pytorch-fid's four blocks; `pool3` is what FID is computed on."""

    block0: Float[Array, "b 73 73 64"]
    block1: Float[Array, "b 35 35 192"]
    block2: Float[Array, "b 17 17 768"]
    pool3: Float[Array, "b 2048"]


class Mixed(nn.Module):
    """Branches side by side, then the pool: projected to `pool_features`, or as it is where that is 0."""

    branches: tuple[Chain, ...]
    pool_features: int = 0

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b hh ww d"]:
        """The joined features."""
        results = []
        for name, layers in self.branches:
            y = x
            for i, layer in enumerate(layers):
                y = ConvNorm(*layer, epsilon=EPSILON, name=f"{name}_{i + 1}" if len(layers) > 1 else name)(y)
            results.append(y)
        if self.pool_features:
            pooled = nn.avg_pool(x, (3, 3), (1, 1), padding="SAME", count_include_pad=False)
            results.append(ConvNorm(self.pool_features, epsilon=EPSILON, name="branch_pool")(pooled))
        else:
            results.append(nn.max_pool(x, (3, 3), (2, 2)))
        return jnp.concatenate(results, axis=-1)


class MixedSplit(nn.Module):
    """The blocks at 8x8, whose longer branches end in a row and a column convolution side by side."""

    has_max_pool: bool

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h w 2048"]:
        """The joined features."""

        def conv(y: Array, layer: Layer, name: str) -> Array:
            return ConvNorm(*layer, epsilon=EPSILON, name=name)(y)

        results = [conv(x, Layer(320), "branch1x1")]
        for name, layers in (("branch3x3", (Layer(384),)), ("branch3x3dbl", (Layer(448), _square(384)))):
            y = x
            for i, layer in enumerate(layers):
                y = conv(y, layer, f"{name}_{i + 1}")
            results += [conv(y, half, f"{name}_{len(layers) + 1}{'ab'[i]}") for i, half in enumerate(SPLIT)]
        if self.has_max_pool:
            pooled = nn.max_pool(x, (3, 3), (1, 1), padding="SAME")
        else:
            pooled = nn.avg_pool(x, (3, 3), (1, 1), padding="SAME", count_include_pad=False)
        return jnp.concatenate([*results, conv(pooled, Layer(192), "branch_pool")], axis=-1)


class InceptionV3(nn.Module):
    """The network up to pool3, on images of 299 px in [-1, 1]."""

    @nn.compact
    def __call__(self, x: Float[Array, "b 299 299 3"]) -> InceptionFeatures:
        """pytorch-fid's blocks."""
        for name, layer in STEM:
            x = ConvNorm(*layer, epsilon=EPSILON, name=name)(x)
        x = block0 = nn.max_pool(x, (3, 3), (2, 2))
        x = ConvNorm(80, epsilon=EPSILON, name="conv3b")(x)
        x = ConvNorm(192, (3, 3), epsilon=EPSILON, name="conv4a")(x)
        x = block1 = nn.max_pool(x, (3, 3), (2, 2))
        for letter, pool_features in zip("bcd", (32, 64, 64), strict=True):
            x = Mixed(_mixed_5(), pool_features, name=f"mixed_5{letter}")(x)
        x = Mixed(MIXED_6A, name="mixed_6a")(x)
        for letter, width in zip("bcde", (128, 160, 160, 192), strict=True):
            x = Mixed(_mixed_6(width), 192, name=f"mixed_6{letter}")(x)
        block2 = x
        x = Mixed(MIXED_7A, name="mixed_7a")(x)
        x = MixedSplit(has_max_pool=False, name="mixed_7b")(x)
        x = MixedSplit(has_max_pool=True, name="mixed_7c")(x)
        return InceptionFeatures(block0, block1, block2, jnp.mean(x, axis=(1, 2)))


MODULE = InceptionV3()
RULES = (
    *convolution(r"Conv2d_(\d[ab])_\dx\d\.conv", r"conv\1/conv"),
    *batch_norm(r"Conv2d_(\d[ab])_\dx\d\.bn", r"conv\1/norm"),
    *convolution(r"Mixed_(\d[a-e])\.(branch\w+)\.conv", r"mixed_\1/\2/conv"),
    *batch_norm(r"Mixed_(\d[a-e])\.(branch\w+)\.bn", r"mixed_\1/\2/norm"),
    Rule(r"fc\..*", None, reason="the classifier"),
    Rule(r"AuxLogits\..*", None, reason="the auxiliary classifier of training"),
    COUNTERS,
)


def features(variables: Any, images: Float[Array, "b h w 3"], landmarks: Array | None = None) -> Features:
    """pytorch-fid's blocks of RGB images in [0, 1], resized to 299 px (bilinear, not antialiased)."""
    resized = resize(images, IMAGE_SIZE, IMAGE_SIZE, antialias=False)
    return MODULE.apply(variables, 2 * resized - 1)._asdict()  # type: ignore[union-attr]


BLUEPRINT = Blueprint(
    name="inception-fid",
    module=MODULE,
    parts=(Part("inception-fid", RULES),),
    features=features,
    taps={},
    input_shape=(IMAGE_SIZE, IMAGE_SIZE, 3),
)
