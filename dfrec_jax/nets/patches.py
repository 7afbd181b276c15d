"""The patch grid of a ViT: images to patches and back, gathering by index, fixed positions."""

import jax
import jax.numpy as jnp
import numpy as np
from einops import rearrange
from jaxtyping import Array, Float, Int


def patchify(image: Float[Array, "b h w c"], patch_size: int) -> Float[Array, "b n d"]:
    """Row-major patches; inside a patch row, then column, then channel, so that d = patch_size**2 * c."""
    return rearrange(image, "b (i p) (j q) c -> b (i j) (p q c)", p=patch_size, q=patch_size)


def unpatchify(patches: Float[Array, "b n d"], patch_size: int, num_rows: int) -> Float[Array, "b h w c"]:
    """Inverse of `patchify` for a grid of `num_rows` rows."""
    return rearrange(patches, "b (i j) (p q c) -> b (i p) (j q) c", i=num_rows, p=patch_size, q=patch_size)


def fold(image: Float[Array, "b h w c"], side: int) -> Float[Array, "b i j d"]:
    """Space to depth: squares of `side` pixels become places of the grid, d = side**2 * c as in `patchify`."""
    return rearrange(image, "b (i p) (j q) c -> b i j (p q c)", p=side, q=side)


def unfold(grid: Float[Array, "b i j d"], side: int) -> Float[Array, "b h w c"]:
    """Inverse of `fold`."""
    return rearrange(grid, "b i j (p q c) -> b (i p) (j q) c", p=side, q=side)


def gather_rows(rows: Float[Array, "b n d"], index: Int[Array, "b k"]) -> Float[Array, "b k d"]:
    """`rows[b, index[b, k]]`."""
    return jnp.take_along_axis(rows, index[:, :, None], axis=1)


def put_rows(
    rows: Float[Array, "b n d"], index: Int[Array, "b k"], values: Float[Array, "b k d"]
) -> Float[Array, "b n d"]:
    """A copy of `rows` with `values[b, k]` at `index[b, k]`; the indices of an example are distinct."""
    return jax.vmap(lambda row, i, value: row.at[i].set(value, unique_indices=True))(rows, index, values)


def prepend(row: Float[Array, "1 1 d"], rows: Float[Array, "b n d"]) -> Float[Array, "b n+1 d"]:
    """`rows` with the same `row` before those of each example, in the dtype of `rows`."""
    return jnp.concatenate([jnp.broadcast_to(row, (rows.shape[0], 1, row.shape[-1])).astype(rows.dtype), rows], axis=1)


def sincos_positions(num_rows: int, num_columns: int, width: int) -> np.ndarray:
    """Fixed position embeddings as in MAE (He et al. 2022): (num_rows * num_columns, width), float32.

    The first half of the channels encodes the column and the second the row, each as sines, then cosines.

    Raises:
      ValueError: where `width` is no multiple of 4.
    """
    if width % 4:
        raise ValueError(f"width={width}: sin-cos positions need a multiple of 4")
    frequencies = 10000.0 ** -(np.arange(width // 4) / (width // 4))

    def encode(positions: np.ndarray) -> np.ndarray:
        angles = positions.reshape(-1, 1) * frequencies
        return np.concatenate([np.sin(angles), np.cos(angles)], axis=1)

    rows, columns = np.mgrid[:num_rows, :num_columns]
    return np.concatenate([encode(columns), encode(rows)], axis=1).astype(np.float32)
