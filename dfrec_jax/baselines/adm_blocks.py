"""The blocks of the ADM U-Net (Dhariwal and Nichol 2021): residual blocks that know the time, and attention."""

import math
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from einops import rearrange
from jaxtyping import Array, Float

from dfrec_jax.nets import initialisation
from dfrec_jax.nets.upsample import DoublingConv

NUM_GROUPS = 32
LONGEST_PERIOD = 10_000


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions around a shortcut; the time scales and shifts what the second one sees.

    Attributes:
      features: output channels.
      resampling: 'down' halves the grid by means, 'up' doubles it by repetition, both before the first convolution and
        on the shortcut; 'none' keeps it.
      drop_rate: before the second convolution.
      dtype: of the computation; parameters and norms stay float32.
    """

    features: int
    resampling: str = "none"
    drop_rate: float = 0.0
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(
        self, x: Float[Array, "b h w c"], time: Float[Array, "b t"], *, train: bool
    ) -> Float[Array, "b i j d"]:
        """Draws from the stream `dropout` in training."""
        y = nn.silu(group_norm(x, "norm_in"))
        if self.resampling == "up":
            y = DoublingConv(self.features, self.dtype, name="conv_in")(y)
            x = jnp.repeat(jnp.repeat(x, 2, axis=1), 2, axis=2)
        else:
            if self.resampling == "down":
                x, y = (nn.avg_pool(each, (2, 2), (2, 2)) for each in (x, y))
            y = conv(self.features, "conv_in", self.dtype)(y)
        scale_and_shift = nn.Dense(2 * self.features, kernel_init=initialisation.CONV, dtype=self.dtype, name="time")
        scale, shift = jnp.split(scale_and_shift(nn.silu(time))[:, None, None], 2, axis=-1)
        y = nn.silu(group_norm(y, "norm_out") * (1 + scale) + shift)
        y = nn.Dropout(self.drop_rate, deterministic=not train)(y)
        y = conv(self.features, "conv_out", self.dtype, starts_at_zero=True)(y)
        if x.shape[-1] != self.features:
            x = nn.Conv(self.features, (1, 1), kernel_init=initialisation.CONV, dtype=self.dtype, name="shortcut")(x)
        return x + y


class GridAttention(nn.Module):
    """Self-attention over all places of a grid, added to it; the softmax is float32.

    Attributes:
      head_features: channels of a head.
      dtype: of the computation; parameters, norm and softmax stay float32.
    """

    head_features: int
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h w c"]:
        """Heads share the channels out among themselves, each its query, key and value in a row (ADM's older order)."""
        batch, height, width, channels = x.shape
        tokens = rearrange(group_norm(x, "norm"), "b h w c -> b (h w) c")
        qkv = nn.Dense(3 * channels, kernel_init=initialisation.CONV, dtype=self.dtype, name="qkv")(tokens)
        query, key, value = rearrange(qkv, "b n (h s d) -> s b n h d", s=3, d=self.head_features)
        mixed = jax.nn.dot_product_attention(query, key, value).reshape(batch, height, width, channels)
        return x + nn.Dense(channels, kernel_init=nn.initializers.zeros, dtype=self.dtype, name="out")(mixed)


def conv(features: int, name: str, dtype: Any, *, starts_at_zero: bool = False) -> nn.Conv:
    """A 3x3 convolution with bias."""
    start = nn.initializers.zeros if starts_at_zero else initialisation.CONV
    return nn.Conv(features, (3, 3), kernel_init=start, dtype=dtype, name=name)


def group_norm(x: Float[Array, "b h w c"], name: str) -> Float[Array, "b h w c"]:
    """GroupNorm in float32, the result as `x` is: 32 groups, or as many as divide a narrower network's channels."""
    num_groups = math.gcd(NUM_GROUPS, x.shape[-1])
    return nn.GroupNorm(num_groups, epsilon=1e-5, dtype=jnp.float32, name=name)(x).astype(x.dtype)


def time_features(timesteps: Float[Array, " b"], num_features: int) -> Float[Array, "b f"]:
    """Cosines, then sines, of the time at frequencies that fall from 1 to almost 1 / `LONGEST_PERIOD`."""
    half = num_features // 2
    frequencies = jnp.exp(-math.log(LONGEST_PERIOD) * jnp.arange(half, dtype=jnp.float32) / half)
    angles = timesteps[:, None] * frequencies[None]
    return jnp.concatenate([jnp.cos(angles), jnp.sin(angles)], axis=-1)
