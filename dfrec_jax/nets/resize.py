"""Bilinear resizing between pixel grids whose corner pixels coincide (PyTorch's align_corners=True)."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


def align_corners_matrix(size: int, new_size: int) -> np.ndarray:
    """Row r holds the weights by which `size` pixels make pixel r of `new_size`; each row sums to one."""
    positions = np.linspace(0, size - 1, new_size) if new_size > 1 else np.zeros(1)
    left = np.clip(np.floor(positions).astype(int), 0, max(size - 2, 0))
    weights = np.zeros((new_size, size))
    rows = np.arange(new_size)
    weights[rows, left] = 1 - (positions - left)
    weights[rows, np.minimum(left + 1, size - 1)] += positions - left
    return weights.astype(np.float32)


def resize_align_corners(x: Float[Array, "b h w c"], new_shape: tuple[int, ...]) -> Float[Array, "b i j c"]:
    """Bilinear interpolation to `new_shape` rows and columns, corners on corners.

    `jax.image.resize` aligns edges instead. The two small products are exact in any compute type and cost nothing.
    """
    rows, columns = (
        jnp.asarray(align_corners_matrix(size, new), x.dtype) for size, new in zip(x.shape[1:3], new_shape, strict=True)
    )
    x = jnp.einsum("ih,bhwc->biwc", rows, x, precision="highest")
    return jnp.einsum("jw,biwc->bijc", columns, x, precision="highest")
