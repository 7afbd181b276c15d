"""A convolution after a doubling of the grid, without the doubled grid."""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jax import Array, lax
from jaxtyping import Float

from dfrec_jax.nets import initialisation

DIMENSIONS = ("NHWC", "HWIO", "NHWC")


class DoublingConv(nn.Module):
    """Repeats each pixel twice along both sides, then a 3x3 convolution with bias and zero padding.

    Attributes:
      features: output channels.
      dtype: of the computation; parameters stay float32.
    """

    features: int
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b 2*h 2*w d"]:
        """Returns twice the rows and columns."""
        kernel = self.param("kernel", initialisation.CONV, (3, 3, x.shape[-1], self.features))
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        y = lax.platform_dependent(x.astype(self.dtype), kernel, cpu=conv_by_phases, default=conv_of_repeated)
        return y + bias.astype(self.dtype)[None, None, None]


def conv_of_repeated(x: Float[Array, "b h w c"], kernel: Float[Array, "3 3 c d"]) -> Float[Array, "b 2*h 2*w d"]:
    """As the definition says."""
    repeated = jnp.repeat(jnp.repeat(x, 2, axis=1), 2, axis=2)
    return lax.conv_general_dilated(repeated, kernel.astype(x.dtype), (1, 1), "SAME", dimension_numbers=DIMENSIONS)


def conv_by_phases(x: Float[Array, "b h w c"], kernel: Float[Array, "3 3 c d"]) -> Float[Array, "b 2*h 2*w d"]:
    """The same in 4/9 of the products: twice as fast on CPU.

    An output pixel at an even row sees three rows of the doubled grid that are copies of two: two of the kernel's rows
    meet the same pixels and may be added beforehand. So it is at odd rows, and along columns: four kernels of 2x2.
    """
    by_phase = _merge_copies(_merge_copies(kernel, axis=1), axis=1)  # row phase, column phase, 2, 2, c, d
    rows = []
    for i in (0, 1):
        columns = []
        for j in (0, 1):
            phase = by_phase[i, j].astype(x.dtype)
            padding = ((1 - i, i), (1 - j, j))
            columns.append(lax.conv_general_dilated(x, phase, (1, 1), padding, dimension_numbers=DIMENSIONS))
        rows.append(jnp.stack(columns, axis=3))
    interleaved = jnp.stack(rows, axis=2)  # b h 2 w 2 d
    return interleaved.reshape(x.shape[0], 2 * x.shape[1], 2 * x.shape[2], kernel.shape[-1])


def _merge_copies(kernel: Array, axis: int) -> Array:
    """Three taps along `axis` -> two, for the even and for the odd phase, which come first."""
    first, middle, last = (lax.index_in_dim(kernel, index, axis) for index in range(3))
    even = jnp.concatenate([first, middle + last], axis)
    return jnp.stack([even, jnp.concatenate([first + middle, last], axis)])
