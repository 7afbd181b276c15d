"""Harmonised warped swaps: the source in the target's shape and light, drawn anew by an autoencoder of faces.

The source is warped to the target's 68 landmarks, so that shape and expression stay the target's. Light and skin, the
coarse band, are the target's too, features, the fine band, the source's, and the band between is mixed. The
autoencoder then draws the face in one piece, which leaves no seam. Made to train on.
"""

from jaxtyping import Array, Float

from dfrec_jax.forging import bands, face_region, forge, warping
from dfrec_jax.forging.neural.autoencoder import Autoencode, redrawn
from dfrec_jax.forging.perturbing import lose_resolution

# As a warped swap's; nothing of the target shows through but by its bands.
RECIPE = forge.SWAP._replace(leak=(0.0, 0.0))
COARSE, FINE = 0.12, 0.03  # deviations of the blurs, in extents of the face's region
MIDDLE = 0.85  # share of the source between them


def forge_harmonised(
    autoencode: Autoencode,
    size: int,
    draw: forge.ForgingDraw,
    source: Float[Array, "h w 3"],
    target: Float[Array, "h w 3"],
    source_landmarks: Float[Array, "68 2"],
    target_landmarks: Float[Array, "68 2"],
) -> forge.Forgery:
    """As `forge.forge`; `draw` is of `RECIPE`, `size` is the side of the faces that `autoencode` takes and gives."""
    side = target.shape[0]
    weight = forge.source_weight(draw, target_landmarks, side)
    background = lose_resolution(target, draw.resolution[1])
    source = lose_resolution(source, draw.resolution[0])
    posed = warping.sample(source, warping.thin_plate_flow(source_landmarks, target_landmarks, side, side))
    extent = face_region.region_extent(target_landmarks, draw.region)
    face = bands.mixed(posed, background, (COARSE * extent, FINE * extent), MIDDLE)
    pasted = background + weight * (face - background)
    drawn = redrawn(autoencode, size, pasted, target_landmarks)
    return forge.Forgery(background + weight * (drawn - background), weight, posed)
