"""Three parts of a face, of which Delocate hides some: where they lie by 68 landmarks, and which patches they meet."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from dfrec_jax.forging.face_region import ABOVE_BROWS, convex_hull, distance_inside, pixel_grid, with_forehead
from dfrec_jax.forging.landmarks import EYES, JAW, NOSE, OUTER_LIPS
from dfrec_jax.models.masking import patch_scores

# The convex hull of each, in numbers of `with_forehead`; together they are the hull of the landmarks.
PARTS: dict[str, tuple[int, ...]] = {
    "eyes and brows": (*ABOVE_BROWS, *EYES, JAW[0], JAW[-1]),
    "nose and cheeks": (*NOSE, *JAW[:4], *JAW[-4:]),
    "mouth and chin": (*OUTER_LIPS, *JAW[3:-3]),
}


def part_masks(points: Float[Array, "b 68 2"], size: int) -> Float[Array, "b 3 size size"]:
    """1 inside each of `PARTS`, 0 outside, in pictures of `size` px.

    Args:
      points: of `components.points_of`, which lays a mean face's on five landmarks where no 68 are known.
      size: of the pictures.
    """

    def masks(points: Float[Array, "68 2"]) -> Array:
        raised, positions = with_forehead(points), pixel_grid(size, size)
        hulls = [convex_hull(raised[jnp.array(part)]) for part in PARTS.values()]
        return jnp.stack([distance_inside(hull, positions) >= 0 for hull in hulls])

    return jax.vmap(masks)(points).astype(jnp.float32)


def part_shares(points: Float[Array, "b 68 2"], size: int, patch_size: int) -> Float[Array, "b 3 n"]:
    """How much of each patch lies in each of `PARTS`: above 0 where they overlap. Arguments as of `part_masks`."""
    masks = part_masks(points, size)
    return jnp.stack([patch_scores(masks[:, part, ..., None], patch_size) for part in range(len(PARTS))], axis=1)
