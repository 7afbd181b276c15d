"""EfficientNet-B0 as a feature extractor of output stride 16 (the backbone of the ISM; Sec. III-B, Sec. IV-A4)."""

import math
from typing import Any, NamedTuple

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from dfrec_jax.nets import initialisation
from dfrec_jax.nets.mbconv import MBConv
from dfrec_jax.nets.normalisation import batch_norm


class Stage(NamedTuple):
    """Blocks of one width; the first has the stride."""

    kernel_size: int
    stride: int
    expansion: int
    features: int
    num_blocks: int


STAGES = (
    Stage(3, 1, 1, 16, 1),
    Stage(3, 2, 6, 24, 2),
    Stage(5, 2, 6, 40, 2),
    Stage(3, 2, 6, 80, 3),
    Stage(5, 1, 6, 112, 3),
    Stage(5, 2, 6, 192, 4),
    Stage(3, 1, 6, 320, 1),
)  # Tan and Le 2019, table 1
STEM_FEATURES = 32
UNDILATED_STAGES = 4  # past them and one block more, the stride becomes a dilation of 2, which keeps the grid
DROP_RATE = 0.2  # stochastic depth of the last block; it grows linearly from none at the first


class BackboneFeatures(NamedTuple):
    """The last feature map at each resolution; of the two at stride 16 the first is what precedes the dilation."""

    stride_2: Float[Array, "b h2 w2 c2"]
    stride_4: Float[Array, "b h4 w4 c4"]
    stride_8: Float[Array, "b h8 w8 c8"]
    stride_16: Float[Array, "b h16 w16 c16"]
    deepest: Float[Array, "b h16 w16 c"]


def scaled_features(features: int, width: float) -> int:
    """EfficientNet's rule: the nearest multiple of 8, at least 8, and never below 90 % of the exact value."""
    exact = features * width
    rounded = max(8, int(exact + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * exact else rounded


def scaled_blocks(num_blocks: int, depth: float) -> int:
    """EfficientNet's rule: rounded up."""
    return math.ceil(num_blocks * depth)


class EfficientNet(nn.Module):
    """EfficientNet-B0 without its classifier.

    Attributes:
      width: multiplies all channel counts, see `scaled_features`.
      depth: multiplies the number of blocks of each stage, see `scaled_blocks`.
      dtype: of the computation; parameters stay float32.
    """

    width: float = 1.0
    depth: float = 1.0
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, image: Float[Array, "b h w 3"], *, train: bool) -> BackboneFeatures:
        """Takes images whose sides are multiples of 16. Draws from the `dropout` stream in training."""
        x = nn.Conv(
            scaled_features(STEM_FEATURES, self.width),
            (3, 3),
            strides=2,
            use_bias=False,
            kernel_init=initialisation.BACKBONE_CONV,
            dtype=self.dtype,
            name="stem_conv",
        )(image)
        x = nn.swish(batch_norm(train=train, name="stem_norm", dtype=self.dtype, momentum=0.99, epsilon=1e-3)(x))

        numbers = [scaled_blocks(stage.num_blocks, self.depth) for stage in STAGES]
        blocks = [(stage, i == 0) for stage, number in zip(STAGES, numbers, strict=True) for i in range(number)]
        first_dilated_block = sum(numbers[:UNDILATED_STAGES]) + 1
        taps = {}
        for index, (stage, is_first) in enumerate(blocks):
            is_dilated = index >= first_dilated_block
            stride = stage.stride if is_first and not is_dilated else 1
            if stride == 2 or index == first_dilated_block:
                taps[f"stride_{2 ** (len(taps) + 1)}"] = x  # the last map at its resolution, or before the dilation
            x = MBConv(
                scaled_features(stage.features, self.width),
                stage.kernel_size,
                stride=stride,
                dilation=2 if is_dilated else 1,
                expansion=stage.expansion,
                drop_rate=DROP_RATE * index / len(blocks),
                dtype=self.dtype,
                name=f"block_{index}",
            )(x, train=train)
        return BackboneFeatures(**taps, deepest=x)
