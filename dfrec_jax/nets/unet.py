"""The two blocks of a U-Net: one on a grid, one that doubles it."""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from dfrec_jax.nets import initialisation
from dfrec_jax.nets.normalisation import batch_norm
from dfrec_jax.nets.upsample import DoublingConv


class ConvBlock(nn.Module):
    """Twice: 3x3 convolution, BatchNorm, ReLU.

    Attributes:
      features: output channels.
      dtype: of the computation; parameters stay float32.
    """

    features: int
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"], *, train: bool) -> Float[Array, "b h w d"]:
        """Returns non-negative features."""
        for index in range(2):
            x = nn.Conv(self.features, (3, 3), kernel_init=initialisation.CONV, dtype=self.dtype, name=f"conv_{index}")(
                x
            )
            x = nn.relu(batch_norm(train=train, name=f"norm_{index}", dtype=self.dtype)(x))
        return x


class UpConv(nn.Module):
    """Doubles the grid by repetition; then 3x3 convolution, BatchNorm, ReLU.

    Attributes:
      features: output channels.
      dtype: of the computation; parameters stay float32.
    """

    features: int
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"], *, train: bool) -> Float[Array, "b 2*h 2*w d"]:
        """Returns non-negative features."""
        x = DoublingConv(self.features, self.dtype, name="conv")(x)
        return nn.relu(batch_norm(train=train, name="norm", dtype=self.dtype)(x))
