"""The region of a face that a forgery replaces, as a signed distance in pixels: inside positive, outside negative.

Four types of region from 68 landmarks, after the masks that Face X-ray (Li et al., CVPR 2020) draws from. Each is a
union of convex hulls. A distance rather than a mask makes what follows one line each on any device: to erode or dilate
is to subtract a radius, to feather is to divide by a width, to deform is to ask at displaced positions.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from dfrec_jax.forging.landmarks import EYES, JAW, NOSE, OUTER_LIPS

REGIONS = ("whole", "forehead", "inner", "hull")
MAX_VERTICES = 32  # of one convex hull; faces have about 20
# Appended to the 68 landmarks: the brows raised by so much of the distance between brow and nose tip. A mask is 0 at
# the border of its region: were the border the brow itself, brows and eyes would be half the target's.
RAISES = (0.25, 0.6)
ABOVE_BROWS, FOREHEAD = tuple(range(68, 78)), tuple(range(78, 88))

PARTS: dict[str, tuple[tuple[int, ...], ...]] = {
    # the lower face up to the nose root, and the upper face from above the brows to the mouth; hollow at the temples
    "whole": (JAW + NOSE, ABOVE_BROWS + (0, 1, 2, 3, 4, 12, 13, 14, 15, 16, 51)),
    "forehead": (JAW + FOREHEAD + NOSE,),
    # brows, eyes, nose and mouth: what carries the identity, without cheeks and chin
    "inner": (ABOVE_BROWS + EYES + NOSE + OUTER_LIPS,),
    "hull": (JAW + ABOVE_BROWS + NOSE + OUTER_LIPS,),
}
_NUM_PARTS = max(len(parts) for parts in PARTS.values())
_NUM_POINTS = max(len(part) for parts in PARTS.values() for part in parts)


def _padded(part: tuple[int, ...]) -> tuple[int, ...]:
    return part + (part[0],) * (_NUM_POINTS - len(part))  # a point twice changes no hull


_TABLE = np.array(
    [[_padded(part) for part in (PARTS[name] + (PARTS[name][0],) * _NUM_PARTS)[:_NUM_PARTS]] for name in REGIONS]
)


def with_forehead(landmarks: Float[Array, "68 2"]) -> Float[Array, "88 2"]:
    """The 68 landmarks and, after them, the ten of the brows moved up from the nose tip, twice: a little and far."""
    brows = landmarks[17:27]
    up = jnp.mean(brows, axis=0) - landmarks[30]
    return jnp.concatenate([landmarks, *(brows + share * up[None] for share in RAISES)])


def convex_hull(points: Float[Array, "n 2"]) -> Float[Array, "v 2"]:
    """Vertices of the convex hull in the order of a walk around it (gift wrapping), then the first one up to 32.

    Of a hull of more vertices, which no face has, those after the 32nd are cut off.
    """
    start = jnp.argmin(points[:, 0])

    def next_vertex(walk: tuple[Array, Array, Array], _: None) -> tuple[tuple[Array, Array, Array], Array]:
        current, heading, is_done = walk
        offsets = points - points[current][None]
        length = jnp.sqrt(jnp.sum(jnp.square(offsets), axis=-1))
        angle = jnp.arctan2(offsets[:, 1], offsets[:, 0])
        turn = jnp.where(length > 1e-3, jnp.mod(angle - heading, 2 * jnp.pi), jnp.inf)
        is_next = turn <= jnp.min(turn) + 1e-4  # of points in one line the farthest is the vertex
        chosen = jnp.where(is_done, start, jnp.argmax(jnp.where(is_next, length, -1.0)))
        is_done = is_done | jnp.all(points[chosen] == points[start])
        return (chosen, angle[chosen], is_done), chosen

    first = (start, jnp.float32(-jnp.pi / 2), jnp.bool_(False))
    _, order = jax.lax.scan(next_vertex, first, length=MAX_VERTICES - 1)
    return points[jnp.concatenate([start[None], order])]


def distance_inside(vertices: Float[Array, "v 2"], positions: Float[Array, "h w 2"]) -> Float[Array, "h w"]:
    """Distance to the boundary of a convex polygon, negative outside."""
    edge = jnp.roll(vertices, -1, axis=0) - vertices
    length = jnp.sqrt(jnp.sum(jnp.square(edge), axis=-1))
    is_edge = length > 1e-3  # a repeated vertex bounds nothing
    along = edge / jnp.where(is_edge, length, 1.0)[:, None]
    centre = jnp.mean(vertices, axis=0)[None] - vertices
    side = jnp.sign(along[:, 0] * centre[:, 1] - along[:, 1] * centre[:, 0])  # of the edge, on which the polygon lies
    spread = lambda values: values[:, None, None]  # noqa: E731
    x, y = (positions[None, ..., i] - spread(vertices[:, i]) for i in (0, 1))
    across = (spread(along[:, 0]) * y - spread(along[:, 1]) * x) * spread(side)
    beyond = spread(along[:, 0]) * x + spread(along[:, 1]) * y
    beyond = beyond - jnp.clip(beyond, 0.0, spread(length))  # past the ends of the edge
    nearest = jnp.min(jnp.where(spread(is_edge), jnp.square(across) + jnp.square(beyond), jnp.inf), axis=0)
    is_inside = jnp.all((across >= 0) | ~spread(is_edge), axis=0)
    return jnp.where(is_inside, 1.0, -1.0) * jnp.sqrt(nearest)


def region_distance(
    landmarks: Float[Array, "68 2"], region: Int[Array, ""], positions: Float[Array, "h w 2"]
) -> Float[Array, "h w"]:
    """Signed distance in pixels to the boundary of the face region number `region` of REGIONS, at `positions` (x, y).

    Inside a union of hulls it is the largest of the distances inside each, at most the true one.
    """
    parts = with_forehead(landmarks)[jnp.asarray(_TABLE)[region]]  # [parts, points, 2]
    hulls = jax.vmap(convex_hull)(parts)
    return jnp.max(jax.vmap(distance_inside, in_axes=(0, None))(hulls, positions), axis=0)


def region_extent(landmarks: Float[Array, "68 2"], region: Int[Array, ""]) -> Float[Array, ""]:
    """The longer side, in pixels, of the box around the landmarks of the face region number `region`."""
    points = with_forehead(landmarks)[jnp.asarray(_TABLE)[region]].reshape(-1, 2)
    return jnp.max(jnp.max(points, axis=0) - jnp.min(points, axis=0))


def pixel_grid(height: int, width: int) -> Float[Array, "h w 2"]:
    """The position (x, y) of every pixel centre; the first is (0, 0)."""
    x, y = jnp.meshgrid(jnp.arange(width, dtype=jnp.float32), jnp.arange(height, dtype=jnp.float32))
    return jnp.stack([x, y], axis=-1)
