"""JPEG's loss on the device: colour conversion, chroma subsampling, DCT quantisation, and the way back.

What is left out is only what loses nothing, the entropy coding. At 4:2:0 and the quality scale of libjpeg the result is
that of an encoder and decoder up to their integer arithmetic, about half a grey level in the mean.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from dfrec_jax.forging.colour import RGB_TO_YCC, YCC_TO_RGB, multiply

# ITU-T T.81, tables K.1 and K.2.
LUMA_TABLE = np.array([
    [16, 11, 10, 16, 24, 40, 51, 61],
    [12, 12, 14, 19, 26, 58, 60, 55],
    [14, 13, 16, 24, 40, 57, 69, 56],
    [14, 17, 22, 29, 51, 87, 80, 62],
    [18, 22, 37, 56, 68, 109, 103, 77],
    [24, 35, 55, 64, 81, 104, 113, 92],
    [49, 64, 78, 87, 103, 121, 120, 101],
    [72, 92, 95, 98, 112, 100, 103, 99],
], np.float32)  # fmt: skip
CHROMA_TABLE = np.array([
    [17, 18, 24, 47, 99, 99, 99, 99],
    [18, 21, 26, 66, 99, 99, 99, 99],
    [24, 26, 56, 99, 99, 99, 99, 99],
    [47, 66, 99, 99, 99, 99, 99, 99],
    *([[99] * 8] * 4),
], np.float32)  # fmt: skip

_frequency, _position = np.arange(8)[:, None], np.arange(8)[None, :]
DCT = (np.cos((2 * _position + 1) * _frequency * np.pi / 16) / 2).astype(np.float32)
DCT[0] /= np.sqrt(2)


def quantisation_table(table: np.ndarray, quality: Float[Array, ""]) -> Float[Array, "8 8"]:
    """The table at a quality of 1..100 on libjpeg's scale."""
    scale = jnp.where(quality < 50, jnp.floor(5000 / jnp.maximum(quality, 1)), 200 - 2 * quality)
    return jnp.clip(jnp.floor((table * scale + 50) / 100), 1, 255)


def _quantise(channel: Array, table: Array) -> Array:
    """A channel (levels centred on 0, sides multiples of 8) after the rounding of its DCT coefficients."""
    height, width = channel.shape
    blocks = channel.reshape(height // 8, 8, width // 8, 8)
    precise = jax.lax.Precision.HIGHEST
    coefficients = jnp.einsum("uy,iyjx,vx->iujv", DCT, blocks, DCT, precision=precise)
    table = table[None, :, None, :]
    coefficients = jnp.round(coefficients / table) * table
    blocks = jnp.einsum("uy,iujv,vx->iyjx", DCT, coefficients, DCT, precision=precise)
    return jnp.round(blocks.reshape(height, width))


def jpeg(image: Float[Array, "h w 3"], quality: Float[Array, ""]) -> Float[Array, "h w 3"]:
    """`image` ([0, 1], sides of any size) as JPEG of whole-number `quality` 1..100 would leave it, on 8-bit levels."""
    height, width = image.shape[:2]
    padded = jnp.pad(image, ((0, -height % 16), (0, -width % 16), (0, 0)), mode="edge")
    levels = jnp.round(multiply(jnp.round(padded * 255), RGB_TO_YCC))
    luma = _quantise(levels[..., 0] - 128, quantisation_table(LUMA_TABLE, quality)) + 128
    rows, columns = luma.shape
    half = levels[..., 1:].reshape(rows // 2, 2, columns // 2, 2, 2).mean(axis=(1, 3))
    table = quantisation_table(CHROMA_TABLE, quality)
    half = jnp.stack([_quantise(jnp.round(half[..., i]), table) for i in range(2)], axis=-1)
    chroma = jax.image.resize(half, (rows, columns, 2), "linear")  # 3:1 triangle, libjpeg's "fancy" upsampling
    decoded = multiply(jnp.concatenate([luma[..., None], chroma], axis=-1), YCC_TO_RGB)
    return jnp.clip(jnp.round(decoded), 0, 255)[:height, :width] / 255
