"""Sampling pictures at moved positions: similarity and thin-plate warps by landmarks, and the random deformation."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from dfrec_jax.forging.face_region import pixel_grid

FLOW_NODES = 29  # a side; a thin-plate warp is smooth, so it is solved on a grid and interpolated between


def sample(image: Float[Array, "h w c"], positions: Float[Array, "y x 2"]) -> Float[Array, "y x c"]:
    """The picture at `positions` (x, y), bilinear, and mirrored beyond its border (the border pixel not repeated)."""
    height, width = image.shape[:2]

    def mirrored(index: Array, size: int) -> Array:
        index = jnp.abs(index) % (2 * (size - 1))
        return jnp.where(index < size, index, 2 * (size - 1) - index)

    x, y = positions[..., 0], positions[..., 1]
    left, top = jnp.floor(x), jnp.floor(y)
    columns = [mirrored(left.astype(jnp.int32) + i, width) for i in (0, 1)]
    rows = [mirrored(top.astype(jnp.int32) + i, height) for i in (0, 1)]
    across, down = (x - left)[..., None], (y - top)[..., None]
    above = image[rows[0], columns[0]] * (1 - across) + image[rows[0], columns[1]] * across
    below = image[rows[1], columns[0]] * (1 - across) + image[rows[1], columns[1]] * across
    return above * (1 - down) + below * down


def similarity(moving: Float[Array, "n 2"], fixed: Float[Array, "n 2"], positions: Float[Array, "h w 2"]) -> Array:
    """Where `positions` among the `fixed` points lie among the `moving` ones, by the closest similarity transform.

    Rotation, scale and shift by least squares (Umeyama 1991); in the plane, one complex factor.
    """
    to_complex = lambda points: jax.lax.complex(points[..., 0], points[..., 1])  # noqa: E731
    from_points, to_points = to_complex(fixed), to_complex(moving)
    from_mean, to_mean = jnp.mean(from_points), jnp.mean(to_points)
    from_points, to_points = from_points - from_mean, to_points - to_mean
    factor = jnp.sum(jnp.conj(from_points) * to_points) / jnp.sum(jnp.abs(from_points) ** 2)
    moved = (to_complex(positions) - from_mean) * factor + to_mean
    return jnp.stack([moved.real, moved.imag], axis=-1)


def _plate(squared_distance: Array) -> Array:
    return squared_distance * jnp.log(jnp.maximum(squared_distance, 1e-12))  # r^2 log r^2, 0 at 0


def solve(system: Float[Array, "n n"], right: Float[Array, "n c"]) -> Float[Array, "n c"]:
    """`jnp.linalg.solve` by Gaussian elimination with partial pivoting, in operations of the program's own.

    On a CPU jax leaves a batch of solves to LAPACK, which splits it over the threads that run the programs and waits
    for them: where as many programs as there are threads come to that at once (virtual devices, a batch made ahead
    while a step runs), all wait for ever.
    """
    size = system.shape[0]
    order = jnp.arange(size)

    def eliminate(column: Array, rows: Array) -> Array:
        pivot = jnp.argmax(jnp.where(order >= column, jnp.abs(rows[:, column]), -1.0))
        row = rows[pivot]
        rows = rows.at[pivot].set(rows[column]).at[column].set(row)
        factors = jnp.where(order > column, rows[:, column] / row[column], 0.0)
        return rows - factors[:, None] * row[None]

    def substitute(done: Array, solution: Array) -> Array:
        at = size - 1 - done
        known = jnp.matmul(upper[at], solution, precision="highest")  # what is not solved yet is 0
        return solution.at[at].set((right[at] - known) / upper[at, at])

    rows = jax.lax.fori_loop(0, size, eliminate, jnp.concatenate([system, right], axis=1))
    upper, right = rows[:, :size], rows[:, size:]
    return jax.lax.fori_loop(0, size, substitute, jnp.zeros_like(right))


def thin_plate(
    moving: Float[Array, "n 2"],
    fixed: Float[Array, "n 2"],
    positions: Float[Array, "h w 2"],
    smoothing: float = 0.02,
) -> Float[Array, "h w 2"]:
    """Where `positions` among the `fixed` points lie among the `moving` ones, by a smoothed thin-plate spline.

    Bookstein 1989, with `smoothing` on the diagonal: landmarks that nearly coincide (the lips of a closed mouth) would
    tear the picture if they were met exactly. The size of a picture drops out.
    """
    centre = jnp.mean(fixed, axis=0)
    unit = jnp.sqrt(jnp.mean(jnp.sum(jnp.square(fixed - centre[None]), axis=-1)))
    nodes, num = (fixed - centre[None]) / unit, fixed.shape[0]
    squared = jnp.sum(jnp.square(nodes[:, None] - nodes[None]), axis=-1)
    affine = jnp.concatenate([jnp.ones((num, 1)), nodes], axis=1)
    system = jnp.block([[_plate(squared) + smoothing * jnp.eye(num), affine], [affine.T, jnp.zeros((3, 3))]])
    weights = solve(system, jnp.concatenate([(moving - centre[None]) / unit, jnp.zeros((3, 2))]))
    at = (positions.reshape(-1, 2) - centre[None]) / unit
    bend = _plate(jnp.sum(jnp.square(at[:, None] - nodes[None]), axis=-1))
    moved = bend @ weights[:num] + weights[num][None] + at @ weights[num + 1 :]
    return (moved * unit + centre[None]).reshape(positions.shape)


def _interpolation(size: int, nodes: int) -> np.ndarray:
    at = np.linspace(0, nodes - 1, size)
    return np.maximum(0, 1 - np.abs(at[:, None] - np.arange(nodes)[None])).astype(np.float32)


def stretch(nodes: Float[Array, "i j c"], height: int, width: int) -> Float[Array, "h w c"]:
    """A coarse grid, whose corners are the picture's corners, interpolated bilinearly to every pixel."""
    down, across = _interpolation(height, nodes.shape[0]), _interpolation(width, nodes.shape[1])
    return jnp.einsum("hi,ijc,wj->hwc", down, nodes, across, precision=jax.lax.Precision.HIGHEST)


def thin_plate_flow(
    moving: Float[Array, "n 2"], fixed: Float[Array, "n 2"], height: int, width: int
) -> Float[Array, "h w 2"]:
    """`thin_plate` at every pixel of a picture, solved at 29 x 29 nodes and interpolated."""
    spread = jnp.array([(width - 1) / (FLOW_NODES - 1), (height - 1) / (FLOW_NODES - 1)], jnp.float32)
    nodes = pixel_grid(FLOW_NODES, FLOW_NODES) * spread[None, None]
    return stretch(thin_plate(moving, fixed, nodes), height, width)
