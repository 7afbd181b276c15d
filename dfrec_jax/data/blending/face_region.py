"""The region of a face that a forgery replaces, as a signed distance in pixels: inside positive, outside negative.

Four types of region from 68 landmarks, after the masks that Face X-ray (Li et al., CVPR 2020) draws from. Each is a
union of convex hulls. A distance rather than a mask makes what follows one line each on any device: to erode or dilate
is to subtract a radius, to feather is to divide by a width, to deform is to ask at displaced positions.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from dfrec_jax.data.blending.landmarks import BROWS, EYES, JAW, NOSE, OUTER_LIPS

REGIONS = ("whole", "forehead", "inner", "hull")
MAX_VERTICES = 32  # of one convex hull; faces have about 20
FOREHEAD = tuple(range(68, 78))  # the brows raised by RAISE, appended to the 68 landmarks
RAISE = 0.6  # of the distance between brow and nose tip

PARTS: dict[str, tuple[tuple[int, ...], ...]] = {
    # the lower face up to the nose root, and the upper face from brow to nose; hollow at the temples
    "whole": (JAW + NOSE, BROWS + (0, 1, 2, 3, 13, 14, 15, 16, 33)),
    "forehead": (JAW + FOREHEAD + NOSE,),
    # brows, eyes, nose and mouth: what carries the identity, without cheeks and chin
    "inner": (BROWS + EYES + NOSE + OUTER_LIPS,),
    "hull": (JAW + BROWS + NOSE + OUTER_LIPS,),
}
_NUM_PARTS = max(len(parts) for parts in PARTS.values())
_NUM_POINTS = max(len(part) for parts in PARTS.values() for part in parts)


def _padded(part: tuple[int, ...]) -> tuple[int, ...]:
    return part + (part[0],) * (_NUM_POINTS - len(part))  # a point twice changes no hull


_TABLE = np.array(
    [[_padded(part) for part in (PARTS[name] + (PARTS[name][0],) * _NUM_PARTS)[:_NUM_PARTS]] for name in REGIONS]
)


def with_forehead(landmarks: Float[Array, "68 2"]) -> Float[Array, "78 2"]:
    """The 68 landmarks and, after them, the ten of the brows moved up along the line from nose tip to nose root."""
    brows = landmarks[17:27]
    up = jnp.mean(brows, axis=0) - landmarks[30]
    return jnp.concatenate([landmarks, brows + RAISE * up[None]])


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
    """Distance to the boundary of a convex polygon: exact inside, and outside at most the true one, negative."""
    following = jnp.roll(vertices, -1, axis=0)
    edge = following - vertices
    length = jnp.sqrt(jnp.sum(jnp.square(edge), axis=-1))
    is_edge = length > 1e-3
    scale = jnp.where(is_edge, 1.0 / jnp.where(is_edge, length, 1.0), 0.0)
    normal = jnp.stack([edge[:, 1], -edge[:, 0]], axis=-1) * scale[:, None]
    centre = jnp.mean(vertices, axis=0)
    normal = normal * jnp.sign(jnp.sum(normal * (centre[None] - vertices), axis=-1, keepdims=True))
    offset = jnp.where(is_edge, jnp.sum(normal * vertices, axis=-1), -jnp.inf)  # a repeated vertex bounds nothing
    x, y = positions[..., 0], positions[..., 1]
    planes = normal[:, 0, None, None] * x[None] + normal[:, 1, None, None] * y[None] - offset[:, None, None]
    return jnp.min(planes, axis=0)


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
    """The longer side, in pixels, of the box around the face region number `region`."""
    points = with_forehead(landmarks)[jnp.asarray(_TABLE)[region]].reshape(-1, 2)
    return jnp.max(jnp.max(points, axis=0) - jnp.min(points, axis=0))


def pixel_grid(height: int, width: int) -> Float[Array, "h w 2"]:
    """The position (x, y) of every pixel centre; the first is (0, 0)."""
    x, y = jnp.meshgrid(jnp.arange(width, dtype=jnp.float32), jnp.arange(height, dtype=jnp.float32))
    return jnp.stack([x, y], axis=-1)
