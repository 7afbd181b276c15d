"""Where the components of a face lie, brows, eyes, nose and mouth: what an inpainting has to draw anew."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from dfrec_jax.forging import face_region
from dfrec_jax.forging.candidate_region import points_of_five

INNER = face_region.REGIONS.index("inner")
MARGIN = 0.06  # of the region's extent, beyond the landmarks: lips and brows have a width


def points_of(
    landmarks: Float[Array, "b 5 2"], points: Float[Array, "b 68 2"] | None, size: int
) -> Float[Array, "b 68 2"]:
    """The 68 landmarks of each face; where they are not known (NaN) the mean face's, laid on the five.

    Args:
      landmarks: five of each; of NaN too the face is taken to be in the picture's middle.
      points: None where of no face they are known, as of drawn ones.
      size: of the pictures, in pixels.
    """
    laid_on = jax.vmap(lambda five: points_of_five(five, size))(landmarks)
    if points is None:
        return laid_on
    is_known = jnp.all(jnp.isfinite(points), axis=(1, 2), keepdims=True)
    return jnp.where(is_known, points, laid_on)


def moved(points: Float[Array, "b n 2"], size: int, new_size: int) -> Float[Array, "b n 2"]:
    """Where the points lie when the picture is resized; pixel centres are whole numbers."""
    return (points + 0.5) * (new_size / size) - 0.5


def holes(points: Float[Array, "b 68 2"], size: int) -> Float[Array, "b size size 1"]:
    """1 inside the hull of a face's brows, eyes, nose and mouth and a little beyond, 0 outside.

    The paper masks "areas that contain facial components" (Sec. IV-B1) and does not say how. One hull and not a hole
    for each, since what lies between them is the swap's as well.
    """

    def hole(points: Float[Array, "68 2"]) -> Array:
        region = jnp.int32(INNER)
        distance = face_region.region_distance(points, region, face_region.pixel_grid(size, size))
        return distance >= -MARGIN * face_region.region_extent(points, region)

    return jax.vmap(hole)(points)[..., None].astype(jnp.float32)
