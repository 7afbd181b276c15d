"""Where in a picture a face lies that may have been replaced: by landmarks, and by what differs from the original."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from dfrec_jax.forging import face_region, warping

HULL = face_region.REGIONS.index("hull")
MARGIN, FEATHER = 0.04, 0.1  # of the region's extent: outside the landmarks, and the rise from 0 to 1
# The place of the 68 landmarks in an aligned face (ArcFace's template, 112 pixels): medians over 667 photographs, laid
# on the template by the five landmarks of RetinaFace, left and right averaged.
MEAN_FACE = np.array([
    (15.7, 52.8), (16.6, 63.9), (18.7, 74.0), (20.8, 83.4), (23.7, 93.8), (28.8, 102.7), (35.1, 109.0), (43.5, 114.5),
    (55.9, 117.5), (68.3, 114.5), (76.7, 109.0), (83.0, 102.7), (88.1, 93.8), (91.0, 83.4), (93.1, 74.0), (95.2, 63.9),
    (96.1, 52.8), (24.5, 44.2), (29.3, 41.2), (35.1, 40.4), (40.5, 41.1), (45.4, 42.7), (66.4, 42.7), (71.4, 41.1),
    (76.7, 40.4), (82.5, 41.2), (87.3, 44.2), (55.9, 54.0), (55.9, 61.4), (55.9, 68.6), (55.9, 74.4), (49.1, 78.0),
    (52.0, 78.8), (55.9, 79.7), (59.8, 78.8), (62.7, 78.0), (32.0, 52.8), (35.8, 50.9), (40.8, 50.8), (45.4, 53.3),
    (41.1, 54.6), (35.9, 54.6), (66.4, 53.3), (71.0, 50.8), (76.1, 50.9), (79.8, 52.8), (75.9, 54.6), (70.7, 54.6),
    (40.6, 90.0), (45.8, 87.5), (52.5, 86.1), (55.9, 86.7), (59.4, 86.1), (66.0, 87.5), (71.2, 90.0), (65.4, 94.7),
    (60.8, 97.1), (55.9, 97.6), (51.0, 97.1), (46.4, 94.7), (41.8, 89.9), (51.3, 89.1), (55.9, 89.1), (60.5, 89.1),
    (70.1, 89.9), (60.4, 92.7), (55.9, 93.1), (51.4, 92.7),
], np.float32)  # fmt: skip
MEAN_FIVE = np.array([(38.3, 51.6), (73.5, 51.6), (55.9, 71.7), (41.1, 92.3), (70.7, 92.3)], np.float32)
MIDDLE = 0.55  # of the picture's width: a face that nothing is known of fills so much of it, in the middle


def points_of_five(landmarks: Float[Array, "5 2"], size: int) -> Float[Array, "68 2"]:
    """The mean face's 68 landmarks laid on the five of a face; in the picture's middle where these are not known."""
    mean, five = jnp.asarray(MEAN_FACE), jnp.asarray(MEAN_FIVE)
    width = float(np.ptp(MEAN_FACE[:, 0]))
    middle = (five - jnp.mean(mean, axis=0)[None]) * (MIDDLE * size / width) + (size - 1) / 2
    is_known = jnp.all(jnp.isfinite(landmarks)) & (jnp.ptp(landmarks[:, 0]) > 0)
    return warping.similarity(jnp.where(is_known, landmarks, middle), five, mean[None])[0]


def region_mask(points: Float[Array, "68 2"], size: int, margin: float = MARGIN) -> Float[Array, "h w 1"]:
    """1 on the face inside its 68 landmarks and a little beyond, falling softly to 0 outside."""
    region = jnp.int32(HULL)
    distance = face_region.region_distance(points, region, face_region.pixel_grid(size, size))
    extent = face_region.region_extent(points, region)
    return jnp.clip(((distance + margin * extent) / (FEATHER * extent)), 0.0, 1.0)[..., None]


def face_regions(landmarks: Float[Array, "b 5 2"], size: int) -> Float[Array, "b size size 1"]:
    """`region_mask` of faces of which five landmarks are known; of NaN one in the middle of the picture."""
    return jax.vmap(lambda five: region_mask(points_of_five(five, size), size))(landmarks)


# Of a mask by differences: their blur in sides of the picture; how far beyond the landmarks they count, and from where
# they are those of compression alone, in extents of the region; at how many times that level it is 0 and 1.
BLUR, WITHIN, BEYOND = 0.05, 0.08, 0.2
NOTHING, CERTAIN = 1.2, 2.2
LEAST_LEVEL = 0.5 / 255  # of differences that compression makes, where there is none
LEAST_OUTSIDE = 0.03  # of the picture, of which a level is taken


def changed_mask(
    image: Float[Array, "h w 3"],
    original: Float[Array, "h w 3"],
    points: Float[Array, "68 2"],
    inside: Float[Array, "h w 1"] | float = 1.0,
) -> Float[Array, "h w 1"]:
    """Where a swap differs from the very frame that it was made of, soft, in [0, 1].

    Compression differs everywhere, so that a threshold will not do: blurred differences are compared with their mean
    level outside the face, or, where a tight crop shows too little of that, with half their mean inside, since a swap
    is known to differ there. Within the face's region alone, by its landmarks.

    Args:
      image: the swap.
      original: the frame, in the same place.
      points: the 68 landmarks, or `points_of_five`.
      inside: 0 where the crop goes beyond the picture that it was cut from.
    """
    size = image.shape[0]
    difference = jnp.mean(inside * jnp.abs(image - original), axis=-1)
    face, outside = (region_mask(points, size, margin)[..., 0] for margin in (WITHIN, BEYOND))
    outside = (1 - outside) * (difference > 0)  # what was filled in beyond the picture is the same in both
    of_face, of_outside = (jnp.sum(where * difference) / jnp.maximum(jnp.sum(where), 1.0) for where in (face, outside))
    is_seen = jnp.sum(outside) >= LEAST_OUTSIDE * size**2
    level = jnp.minimum(jnp.where(is_seen, of_outside, jnp.inf), of_face / 2)
    differing = _blurred(difference, BLUR * size) / jnp.maximum(level, LEAST_LEVEL)
    return (face * jnp.clip((differing - NOTHING) / (CERTAIN - NOTHING), 0.0, 1.0))[..., None]


def _blurred(values: Float[Array, "h w"], deviation: float) -> Float[Array, "h w"]:
    """By a Gaussian; beyond the border its weights are those of the pixels that are there."""
    at = np.arange(values.shape[0])
    weights = np.exp(-0.5 * np.square((at[:, None] - at[None]) / deviation))
    weights = jnp.asarray(weights / weights.sum(axis=1, keepdims=True), jnp.float32)
    return weights @ values @ weights.T
