"""Xception's layers (Chollet 2017) as timm's legacy `xception` has them, of which RECCE is made."""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from dfrec_jax.nets import initialisation
from dfrec_jax.nets.depthwise import DepthwiseConv
from dfrec_jax.nets.normalisation import batch_norm
from dfrec_jax.nets.pooling import overlapping_max_pool
from dfrec_jax.weights.layers import batch_norm as batch_norm_rules
from dfrec_jax.weights.layers import convolution
from dfrec_jax.weights.rules import Rule


class SeparableConv(nn.Module):
    """A 3x3 filter for each channel, then a 1x1 convolution; no norm between them, no bias.

    Attributes:
      features: output channels.
      dtype: of the computation; parameters stay float32.
    """

    features: int
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h w d"]:
        """Zero padding keeps the grid."""
        x = DepthwiseConv(3, dtype=self.dtype, name="depthwise")(x)
        return pointwise(self.features, "pointwise", self.dtype)(x)


class XceptionBlock(nn.Module):
    """Separable convolutions around a shortcut: each after a ReLU and before a BatchNorm.

    Attributes:
      features: output channels of each convolution, which says how many there are.
      stride: 2 ends the block with a max pool that halves the grid, an odd side rounded up.
      starts_with_relu: the first block of the network does not.
      dtype: of the computation; parameters stay float32.
    """

    features: tuple[int, ...]
    stride: int = 1
    starts_with_relu: bool = True
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"], *, train: bool) -> Float[Array, "b i j d"]:
        """The shortcut is projected where the grid or the channels change."""
        y = x
        for index, features in enumerate(self.features):
            y = nn.relu(y) if index or self.starts_with_relu else y
            y = SeparableConv(features, self.dtype, name=f"conv_{index}")(y)
            y = batch_norm(train=train, name=f"norm_{index}", dtype=self.dtype)(y)
        if self.stride == 2:
            y = overlapping_max_pool(y, padding=1)
        if self.stride == 2 or x.shape != y.shape:
            x = pointwise(self.features[-1], "shortcut_conv", self.dtype, self.stride)(x)
            x = batch_norm(train=train, name="shortcut_norm", dtype=self.dtype)(x)
        return x + y


def pointwise(features: int, name: str, dtype: Any, stride: int = 1) -> nn.Conv:
    """A 1x1 convolution without bias."""
    return nn.Conv(
        features,
        (1, 1),
        (stride, stride),
        use_bias=False,
        kernel_init=initialisation.BACKBONE_CONV,
        dtype=dtype,
        name=name,
    )


def separable_rules(source: str, target: str) -> tuple[Rule, ...]:
    """Rules of a `SeparableConv`; `source` is a pattern for its name in timm, `target` our path to it."""
    return (
        *convolution(rf"{source}\.conv1", f"{target}/depthwise"),
        *convolution(rf"{source}\.pointwise", f"{target}/pointwise"),
    )


def block_rules(source: str, target: str, *, starts_with_relu: bool = True) -> tuple[Rule, ...]:
    """Rules of an `XceptionBlock`, whose layers timm numbers in a row, the ReLUs among them."""
    rules = batch_norm_rules(rf"{source}\.skipbn", f"{target}/shortcut_norm")
    rules += convolution(rf"{source}\.skip", f"{target}/shortcut_conv")
    for index in range(3):
        place = 3 * index + starts_with_relu
        rules += separable_rules(rf"{source}\.rep\.{place}", f"{target}/conv_{index}")
        rules += batch_norm_rules(rf"{source}\.rep\.{place + 1}", f"{target}/norm_{index}")
    return rules
