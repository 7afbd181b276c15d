"""The inverted residual block of EfficientNet (Tan and Le 2019) with squeeze and excitation."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from dfrec_jax.nets import initialisation
from dfrec_jax.nets.depthwise import DepthwiseConv
from dfrec_jax.nets.normalisation import batch_norm


class SqueezeExcite(nn.Module):
    """Scales each channel by a gate computed from all channels' means.

    Attributes:
      features: width of the bottleneck.
      dtype: of the computation; parameters stay float32.
    """

    features: int
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h w c"]:
        """Returns `x` scaled by factors in (0, 1)."""
        means = jnp.mean(x, axis=(1, 2))
        hidden = nn.swish(
            nn.Dense(self.features, kernel_init=initialisation.CONV, dtype=self.dtype, name="reduce")(means)
        )
        gate = nn.sigmoid(
            nn.Dense(x.shape[-1], kernel_init=initialisation.CONV, dtype=self.dtype, name="expand")(hidden)
        )
        return x * gate[:, None, None]


class MBConv(nn.Module):
    """Expansion, depthwise convolution, squeeze and excitation, projection; a residual where shapes allow.

    Attributes:
      features: output channels.
      kernel_size: of the depthwise convolution.
      stride: of the depthwise convolution.
      dilation: of the depthwise convolution.
      expansion: hidden channels over input channels; at 1 there is no expansion layer.
      drop_rate: probability, in training, that an example skips the block (stochastic depth).
      dtype: of the computation; parameters stay float32.
    """

    features: int
    kernel_size: int
    stride: int = 1
    dilation: int = 1
    expansion: int = 6
    drop_rate: float = 0.0
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"], *, train: bool) -> Float[Array, "b i j d"]:
        """Draws from the `dropout` stream in training."""

        def conv(x: Array, features: int, name: str) -> Array:
            return nn.Conv(
                features, (1, 1), use_bias=False, kernel_init=initialisation.BACKBONE_CONV, dtype=self.dtype, name=name
            )(x)

        def norm(x: Array, name: str) -> Array:
            return batch_norm(train=train, name=name, dtype=self.dtype, momentum=0.99, epsilon=1e-3)(x)

        shortcut, channels = x, x.shape[-1]
        if self.expansion != 1:
            x = nn.swish(norm(conv(x, channels * self.expansion, "expand_conv"), "expand_norm"))
        x = DepthwiseConv(self.kernel_size, self.stride, self.dilation, self.dtype, name="depthwise_conv")(x)
        x = nn.swish(norm(x, "depthwise_norm"))
        x = SqueezeExcite(max(1, channels // 4), self.dtype, name="squeeze_excite")(x)
        x = norm(conv(x, self.features, "project_conv"), "project_norm")
        if x.shape != shortcut.shape:
            return x
        if train and self.drop_rate:
            x = _drop_examples(x, self.drop_rate, self.make_rng("dropout"))
        return x + shortcut


def _drop_examples(x: Float[Array, "b h w c"], rate: float, key: Array) -> Float[Array, "b h w c"]:
    """Zeros whole examples with probability `rate` and scales the others, so that the expectation stays."""
    is_kept = jax.random.bernoulli(key, 1 - rate, (x.shape[0], 1, 1, 1))
    return jnp.where(is_kept, x / (1 - rate), 0)
