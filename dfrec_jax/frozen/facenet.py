"""FaceNet: Inception-ResNet-v1 trained on VGGFace2, the identity network of Eq. 2-4 and of IDSIM.

The architecture is that of facenet-pytorch 2.5 (T. Esler, MIT), whose module names the paper uses for its taps; the
weights are its release `20180402-114759-vggface2.pt`, converted from D. Sandberg's TensorFlow model.
"""

from typing import Any, NamedTuple

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from dfrec_jax.frozen.blocks import ConvNorm, Layer, in_dtype_of, resize, unit_length
from dfrec_jax.frozen.blueprint import Blueprint, Part
from dfrec_jax.frozen.network import Features
from dfrec_jax.nets.convolution import Conv
from dfrec_jax.nets.pooling import overlapping_max_pool
from dfrec_jax.weights.layers import COUNTERS, batch_norm, convolution, dense
from dfrec_jax.weights.rules import Rule

EPSILON = 1e-3  # of BatchNorm, as in the TensorFlow original
IMAGE_SIZE = 160  # pixels; the size that the network was trained at
TAPS = ("mixed_6a", "repeat_3", "block8", "last_bn")

STEM = (
    Layer(32, (3, 3), 2),
    Layer(32, (3, 3)),
    Layer(64, (3, 3), 1, (1, 1)),
)
STEM_NAMES = ("conv2d_1a", "conv2d_2a", "conv2d_2b")
TRUNK = (Layer(80), Layer(192, (3, 3)), Layer(256, (3, 3), 2))
TRUNK_NAMES = ("conv2d_3b", "conv2d_4a", "conv2d_4b")
BLOCK35 = (
    (Layer(32),),
    (Layer(32), Layer(32, (3, 3), 1, (1, 1))),
    (Layer(32), Layer(32, (3, 3), 1, (1, 1)), Layer(32, (3, 3), 1, (1, 1))),
)
BLOCK17 = (
    (Layer(128),),
    (Layer(128), Layer(128, (1, 7), 1, (0, 3)), Layer(128, (7, 1), 1, (3, 0))),
)
BLOCK8 = (
    (Layer(192),),
    (Layer(192), Layer(192, (1, 3), 1, (0, 1)), Layer(192, (3, 1), 1, (1, 0))),
)
MIXED_6A = (
    (Layer(384, (3, 3), 2),),
    (Layer(192), Layer(192, (3, 3), 1, (1, 1)), Layer(256, (3, 3), 2)),
)
MIXED_7A = (
    (Layer(256), Layer(384, (3, 3), 2)),
    (Layer(256), Layer(256, (3, 3), 2)),
    (Layer(256), Layer(256, (3, 3), 1, (1, 1)), Layer(256, (3, 3), 2)),
)


class FaceNetFeatures(NamedTuple):
    """The taps of Eq. 2, and the embedding: 8x8, 3x3 and 3x3 cells at 160 px, 12x12, 5x5 and 5x5 at 224 px."""

    mixed_6a: Float[Array, "b i i 896"]
    repeat_3: Float[Array, "b j j 1792"]
    block8: Float[Array, "b j j 1792"]
    last_bn: Float[Array, "b 512"]
    embedding: Float[Array, "b 512"]


class Branches(nn.Module):
    """Chains of convolutions side by side, their results joined along the channels."""

    branches: tuple[tuple[Layer, ...], ...]

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b hh ww d"]:
        """The joined features."""
        results = []
        for i, branch in enumerate(self.branches):
            y = x
            for j, layer in enumerate(branch):
                y = ConvNorm(*layer, epsilon=EPSILON, name=f"branch{i}_{j}")(y)
            results.append(y)
        return jnp.concatenate(results, axis=-1)


class ResidualBlock(nn.Module):
    """Adds `scale` times a 1x1 projection (with bias) of the joined branches."""

    branches: tuple[tuple[Layer, ...], ...]
    scale: float
    has_relu: bool = True

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h w c"]:
        """Features of the same shape."""
        joined = Branches(self.branches, name="branches")(x)
        x = x + self.scale * Conv(x.shape[-1], (1, 1), name="project")(joined)
        return nn.relu(x) if self.has_relu else x


class ReductionBlock(nn.Module):
    """Halves the grid: strided branches beside a 3x3 max pool."""

    branches: tuple[tuple[Layer, ...], ...]

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b hh ww d"]:
        """Features of half the size, the pool's channels last."""
        joined = Branches(self.branches, name="branches")(x)
        return jnp.concatenate([joined, overlapping_max_pool(x)], axis=-1)


class InceptionResnetV1(nn.Module):
    """The network on standardised images, (255 x - 127.5) / 128 of RGB in [0, 1]; any size from 75 px."""

    @nn.compact
    def __call__(self, x: Float[Array, "b h w 3"]) -> FaceNetFeatures:
        """Every tap, and the unit-length embedding."""
        for layer, name in zip(STEM, STEM_NAMES, strict=True):
            x = ConvNorm(*layer, epsilon=EPSILON, name=name)(x)
        x = overlapping_max_pool(x)
        for layer, name in zip(TRUNK, TRUNK_NAMES, strict=True):
            x = ConvNorm(*layer, epsilon=EPSILON, name=name)(x)
        for i in range(5):
            x = ResidualBlock(BLOCK35, 0.17, name=f"repeat_1_{i}")(x)
        x = mixed_6a = ReductionBlock(MIXED_6A, name="mixed_6a")(x)
        for i in range(10):
            x = ResidualBlock(BLOCK17, 0.10, name=f"repeat_2_{i}")(x)
        x = ReductionBlock(MIXED_7A, name="mixed_7a")(x)
        for i in range(5):
            x = ResidualBlock(BLOCK8, 0.20, name=f"repeat_3_{i}")(x)
        repeat_3 = x
        block8 = ResidualBlock(BLOCK8, 1.0, has_relu=False, name="block8")(x)
        x = nn.Dense(512, use_bias=False, name="last_linear")(jnp.mean(block8, axis=(1, 2)))
        last_bn = nn.BatchNorm(use_running_average=True, epsilon=EPSILON, dtype=x.dtype, name="last_bn")(x)
        return FaceNetFeatures(mixed_6a, repeat_3, block8, last_bn, unit_length(last_bn))


def _block_rules(source: str, target: str, groups: int) -> tuple[Rule, ...]:
    """Rules of one kind of block, whose name `source` has `groups` groups; a branch of one layer has no index."""
    chain, single = rf"\{groups + 1}_\{groups + 2}", rf"\{groups + 1}_0"
    return (
        *convolution(rf"{source}\.branch(\d)\.(\d)\.conv", f"{target}/branches/branch{chain}/conv"),
        *batch_norm(rf"{source}\.branch(\d)\.(\d)\.bn", f"{target}/branches/branch{chain}/norm"),
        *convolution(rf"{source}\.branch(\d)\.conv", f"{target}/branches/branch{single}/conv"),
        *batch_norm(rf"{source}\.branch(\d)\.bn", f"{target}/branches/branch{single}/norm"),
        *convolution(rf"{source}\.conv2d", f"{target}/project"),
    )


MODULE = InceptionResnetV1()
RULES = (
    *_block_rules(r"(repeat_\d)\.(\d+)", r"\1_\2", groups=2),
    *_block_rules(r"(block8|mixed_\da)", r"\1", groups=1),
    *convolution(r"(conv2d_\d[ab])\.conv", r"\1/conv"),
    *batch_norm(r"(conv2d_\d[ab])\.bn", r"\1/norm"),
    *dense("last_linear", "last_linear"),
    *batch_norm("last_bn", "last_bn"),
    Rule(r"logits\..*", None, reason="the classifier of the training identities"),
    COUNTERS,
)


def standardise(images: Float[Array, "b h w 3"]) -> Float[Array, "b h w 3"]:
    """RGB in [0, 1] to what the network was trained on; facenet-pytorch's `fixed_image_standardization`."""
    return (images * 255 - 127.5) / 128


def features(variables: Any, images: Float[Array, "b h w 3"], landmarks: Array | None = None) -> Features:
    """Taps and embedding of RGB images in [0, 1], resized to 160 px (bilinear, antialiased)."""
    resized = resize(images, IMAGE_SIZE, IMAGE_SIZE, antialias=True)
    return MODULE.apply(variables, in_dtype_of(variables, standardise(resized)))._asdict()  # type: ignore[union-attr]


def native_size_features(variables: Any, images: Float[Array, "b h w 3"], landmarks: Array | None = None) -> Features:
    """As `features` without the resize, of images of 75 px or more."""
    return MODULE.apply(variables, in_dtype_of(variables, standardise(images)))._asdict()  # type: ignore[union-attr]


def raw_features(variables: Any, images: Float[Array, "b h w 3"], landmarks: Array | None = None) -> Features:
    """As `native_size_features`, and without standardising: what a caller gets who feeds the network [0, 1]."""
    return MODULE.apply(variables, in_dtype_of(variables, images))._asdict()  # type: ignore[union-attr]


BLUEPRINT = Blueprint(
    name="facenet-vggface2",
    module=MODULE,
    parts=(Part("facenet-vggface2", RULES),),
    features=features,
    taps={"identity": TAPS},
    input_shape=(IMAGE_SIZE, IMAGE_SIZE, 3),
)
# The paper does not say how its faces entered the network. Each variant gives other similarities; which of them is the
# paper's is told by its row None (`paper/calibrator.py`).
NATIVE_SIZE = BLUEPRINT._replace(name="facenet-vggface2@native", features=native_size_features)
RAW = BLUEPRINT._replace(name="facenet-vggface2@raw", features=raw_features)
VARIANTS = (BLUEPRINT, NATIVE_SIZE, RAW)
