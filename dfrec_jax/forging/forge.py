"""Forgeries made on the fly, on the device, from two faces and their 68 landmarks: BI and warped swaps.

`BI` is the blended image of Face X-ray (Li et al., CVPR 2020, section 3.3): the source is pasted through a random
face region after a shift of its mean colour. `SWAP` resembles the output of a face-swap network: the source is warped
to the landmarks of the target, takes its colours, lets a share of it through (the leak) and is blended in the
gradient domain. Everything random is in `ForgingDraw`, which depends on (seed, example) alone and so can be handed to
`reference`, the same function in NumPy and OpenCV.

Departures from Face X-ray: the source is first laid on the target by a similarity transform, since our frames are not
aligned as theirs are; the region is a signed distance, with a margin, eroded and dilated by a disk; it is deformed less
and its border is narrower; ranges in pixels scale from 317.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from dfrec_jax.forging import colour, face_region, warping
from dfrec_jax.forging.gradient import gradient_blend
from dfrec_jax.forging.landmarks import INNER
from dfrec_jax.forging.perturbing import RECIPE_SIZE, lose_resolution

DEFORMATION_NODES = 4  # a side of the grid that deforms the region
STIFFNESS = 4e-4  # the lift at a gradient-domain seam fades over 25 pixels, so that hair does not bleed into the face


class Recipe(NamedTuple):
    """The ranges that a kind of forgery is drawn from.

    Attributes:
      is_swap: warp by landmarks, take mean and spread of the colours, blend gradients; else similarity, mean, alpha.
      regions: numbers of face_region.REGIONS, drawn alike.
      margins: added around each of REGIONS, as shares of its extent: eyes and mouth are not to lie on the border.
      resolution: lowest share of the side to which source and target are reduced before blending.
      deformation: standard deviation of the nodes that deform the region, as shares of the side.
      erosion, dilation: largest radius in pixels of a side of 317; each has half of the draws.
      feather: width over which the mask rises from 0 to 1, as shares of the extent of the region.
      leak: share of the target that shows through the source.
    """

    is_swap: bool
    regions: tuple[int, ...]
    margins: tuple[float, ...]
    resolution: float
    deformation: tuple[float, float]
    erosion: int
    dilation: int
    feather: tuple[float, float]
    leak: tuple[float, float]


# A warped swap has none: its gradients are blended at the border, which is to run over skin on both sides.
MARGINS, NONE = (0.04, 0.04, 0.2, 0.04), (0.0, 0.0, 0.0, 0.0)
BI = Recipe(False, (0, 1, 2, 3), MARGINS, 128 / RECIPE_SIZE, (0.01, 0.05), 10, 2, (0.1, 0.2), (0.0, 0.0))
# Of a photograph only the region is drawn, and nothing is pasted there: a face, more or less of it than a swap takes.
HIDDEN = Recipe(False, (0, 1, 3), MARGINS, 1.0, (0.005, 0.03), 6, 16, (0.06, 0.14), (0.0, 0.0))
SWAP = Recipe(True, (0, 3), NONE, 160 / RECIPE_SIZE, (0.005, 0.02), 5, 0, (0.06, 0.14), (0.1, 0.4))


class ForgingDraw(NamedTuple):
    """Everything about a forgery but the faces, in the units of `Recipe`; `growth` is a share of the side."""

    region: Int[Array, ""]
    margin: Float[Array, ""]
    resolution: Float[Array, "2"]  # of source and target
    deformation: Float[Array, "4 4 2"]
    growth: Float[Array, ""]  # of the region; negative: eroded
    feather: Float[Array, ""]
    leak: Float[Array, ""]


class Forgery(NamedTuple):
    """The forged picture, how much of each of its pixels comes from the source, and the source as it was laid on.

    `posed_source` is the warped source before its colours were matched and before any target shows through: what a
    recovered source is to look like inside the mask. All in [0, 1].
    """

    image: Float[Array, "h w 3"]
    source_mask: Float[Array, "h w 1"]
    posed_source: Float[Array, "h w 3"]


def draw_forging(key: PRNGKeyArray, recipe: Recipe) -> ForgingDraw:
    """One draw from the ranges of `recipe`."""
    for_nodes, for_numbers = jax.random.split(key)
    nodes = jax.random.truncated_normal(for_nodes, -2.0, 2.0, (DEFORMATION_NODES, DEFORMATION_NODES, 2))
    numbers = jax.random.uniform(for_numbers, (9,))  # one call: each compiles to a generator of its own

    def whole(number: Array, count: int) -> Array:
        return jnp.minimum(jnp.floor(number * count), count - 1)

    def between(number: Array, bounds: tuple[float, float]) -> Array:
        return bounds[0] + (bounds[1] - bounds[0]) * number

    growth = jnp.where(numbers[0] < 0.5, -whole(numbers[1], recipe.erosion + 1), whole(numbers[2], recipe.dilation + 1))
    region = jnp.asarray(recipe.regions)[whole(numbers[3], len(recipe.regions)).astype(jnp.int32)]
    return ForgingDraw(
        region=region,
        margin=jnp.asarray(recipe.margins)[region],
        resolution=between(numbers[4:6], (recipe.resolution, 1.0)),
        deformation=between(numbers[6], recipe.deformation) * nodes,
        growth=growth / RECIPE_SIZE,
        feather=between(numbers[7], recipe.feather),
        leak=between(numbers[8], recipe.leak),
    )


def source_weight(draw: ForgingDraw, landmarks: Float[Array, "68 2"], size: int) -> Float[Array, "h w 1"]:
    """The soft mask: 0 outside the deformed, eroded or dilated face region, 1 where it is deeper than the feather."""
    coarse = -(-size // 2)  # a distance is smooth but for its ridges: every other pixel will do
    grid = face_region.pixel_grid(coarse, coarse) * ((size - 1) / (coarse - 1))
    moved = grid + size * warping.stretch(draw.deformation, coarse, coarse)
    distance = face_region.region_distance(landmarks, draw.region, moved)
    extent = face_region.region_extent(landmarks, draw.region)
    depth = warping.stretch(distance[..., None], size, size) + draw.margin * extent + draw.growth * size
    return jnp.clip(depth / (draw.feather * extent), 0.0, 1.0)


def forge(
    recipe: Recipe,
    draw: ForgingDraw,
    source: Float[Array, "h w 3"],
    target: Float[Array, "h w 3"],
    source_landmarks: Float[Array, "68 2"],
    target_landmarks: Float[Array, "68 2"],
) -> Forgery:
    """Puts the face of `source` on `target` (square pictures of one size, [0, 1]; landmarks in their pixels).

    Face X-ray's perturbations come after it and are the caller's (`perturbing`), who applies them to pristine faces as
    well, lest they tell the two apart.
    """
    size = target.shape[0]
    weight = source_weight(draw, target_landmarks, size)
    background = lose_resolution(target, draw.resolution[1])
    source = lose_resolution(source, draw.resolution[0])
    if recipe.is_swap:
        flow = warping.thin_plate_flow(source_landmarks, target_landmarks, size, size)
        posed = warping.sample(source, flow)
        face = colour.match_colours(posed, background, weight)
        face = (1 - draw.leak) * face + draw.leak * background
        face = gradient_blend(face, background, (weight > 0).astype(weight.dtype), STIFFNESS)
    else:
        moving, fixed = (landmarks[INNER.start :] for landmarks in (source_landmarks, target_landmarks))
        flow = warping.similarity(moving, fixed, face_region.pixel_grid(size, size))
        posed = warping.sample(source, flow)
        face = colour.match_mean(posed, background, weight)
    return Forgery(background + weight * (face - background), weight, posed)
