"""`forging` once more, by other means: NumPy, OpenCV and SciPy, an example at a time, on the host.

Nothing falls back to it. It is what tests hold the device code against (drawn polygons and distance transforms in place
of half-planes, a sparse direct solve in place of relaxation, libjpeg in place of the DCT) and what benchmarks time.
"""

import cv2
import numpy as np
import scipy.interpolate
import scipy.sparse
import scipy.sparse.linalg
from jaxtyping import Float

from dfrec_jax.forging import face_region
from dfrec_jax.forging.forge import STIFFNESS, ForgingDraw, Recipe
from dfrec_jax.forging.landmarks import INNER
from dfrec_jax.forging.perturbing import Perturbation

MARGIN = 64  # pixels around the picture in which regions are drawn too
SUBPIXEL_BITS = 4


def _drawn_distance(points: np.ndarray, size: int) -> np.ndarray:
    """Signed distance to the convex hull of `points`, from a mask of the picture and MARGIN pixels more."""
    side = size + 2 * MARGIN
    hull = cv2.convexHull((points + MARGIN).astype(np.float32)).reshape(-1, 2)
    mask = np.zeros((side, side), np.uint8)
    cv2.fillConvexPoly(mask, np.round(hull * 2**SUBPIXEL_BITS).astype(np.int32), 1, shift=SUBPIXEL_BITS)
    inside = cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    outside = cv2.distanceTransform(1 - mask, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.where(mask > 0, inside - 0.5, 0.5 - outside).astype(np.float32)  # to the edge, not to the next pixel


def source_weight(draw: ForgingDraw, landmarks: Float[np.ndarray, "68 2"], size: int) -> Float[np.ndarray, "h w 1"]:
    """As `forging.source_weight`."""
    up = landmarks[17:27].mean(axis=0) - landmarks[30]
    points = np.concatenate([landmarks, *(landmarks[17:27] + share * up for share in face_region.RAISES)])
    parts = [points[list(part)] for part in face_region.PARTS[face_region.REGIONS[int(draw.region)]]]
    distance = np.max([_drawn_distance(part, size) for part in parts], axis=0)
    nodes = draw.deformation.shape[0]
    at = (np.arange(size) * (nodes - 1) / (size - 1)).astype(np.float32)
    grid = np.meshgrid(at, at)
    shift = cv2.remap(np.asarray(draw.deformation), *grid, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    x, y = np.meshgrid(np.arange(size, dtype=np.float32), np.arange(size, dtype=np.float32))
    x, y = x + size * shift[..., 0] + MARGIN, y + size * shift[..., 1] + MARGIN
    depth = cv2.remap(distance, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=-MARGIN)
    extent = np.ptp(np.concatenate(parts), axis=0).max()
    depth = depth + draw.margin * extent + draw.growth * size
    return np.clip(depth / (draw.feather * extent), 0, 1)[..., None].astype(np.float32)


def lose_resolution(image: np.ndarray, share: float, is_nearest: bool = False) -> np.ndarray:
    """As `perturbing.lose_resolution`."""
    size = image.shape[0]
    small = int(np.clip(np.round(np.float32(size) * np.float32(share)), min(8, size), size))
    how = cv2.INTER_NEAREST if is_nearest else cv2.INTER_LINEAR
    return cv2.resize(cv2.resize(image, (small, small), interpolation=how), (size, size), interpolation=how)


def _laid_on(source: np.ndarray, moving: np.ndarray, fixed: np.ndarray, is_swap: bool) -> np.ndarray:
    size = source.shape[0]
    x, y = np.meshgrid(np.arange(size, dtype=np.float64), np.arange(size, dtype=np.float64))
    if is_swap:
        centre = fixed.mean(axis=0)
        unit = np.sqrt(np.mean(np.sum((fixed - centre) ** 2, axis=1)))
        nodes = ((fixed - centre) / unit).astype(np.float64)
        spline = scipy.interpolate.RBFInterpolator(  # its kernel is r^2 log r, half of ours
            nodes, moving, kernel="thin_plate_spline", smoothing=0.02 / 2, degree=1
        )
        moved = spline((np.stack([x, y], axis=-1).reshape(-1, 2) - centre) / unit).reshape(size, size, 2)
    else:
        moving, fixed = moving[INNER.start :], fixed[INNER.start :]
        one, none = np.ones(len(fixed)), np.zeros(len(fixed))
        rows = np.concatenate([
            np.stack([fixed[:, 0], -fixed[:, 1], one, none], axis=1),
            np.stack([fixed[:, 1], fixed[:, 0], none, one], axis=1),
        ])  # fmt: skip
        a, b, shift_x, shift_y = np.linalg.lstsq(rows, np.concatenate([moving[:, 0], moving[:, 1]]), rcond=None)[0]
        moved = np.stack([a * x - b * y + shift_x, b * x + a * y + shift_y], axis=-1)
    moved = moved.astype(np.float32)
    return cv2.remap(source, moved[..., 0], moved[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)


def _moments(image: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    mean = np.average(image.reshape(-1, 3), axis=0, weights=weight.reshape(-1))
    return mean, np.sqrt(np.average((image.reshape(-1, 3) - mean) ** 2, axis=0, weights=weight.reshape(-1)))


def _match_colours(face: np.ndarray, background: np.ndarray, weight: np.ndarray, is_swap: bool) -> np.ndarray:
    if not is_swap:
        shift = _moments(background, weight)[0] - _moments(face, weight)[0]
        return np.clip(face + shift, 0, 1).astype(np.float32)
    face, background = (cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb) for image in (face, background))
    (mean, spread), (wanted, wanted_spread) = _moments(face, weight), _moments(background, weight)
    face = (face - mean) * np.clip(wanted_spread / spread, 0.6, 1.6) + wanted
    return np.clip(cv2.cvtColor(face.astype(np.float32), cv2.COLOR_YCrCb2RGB), 0, 1)


def membrane(difference: np.ndarray, inside: np.ndarray, stiffness: float) -> np.ndarray:
    """As `gradient_blending.membrane`, solved directly."""
    height, width = inside.shape[:2]
    rows, columns = np.nonzero(inside[..., 0])
    number = np.full((height, width), -1)
    number[rows, columns] = np.arange(len(rows))
    own = np.arange(len(rows))
    matrix = scipy.sparse.diags_array(np.full(len(rows), 4 * (1 + stiffness)), format="csc")
    right = np.zeros((len(rows), difference.shape[-1]))
    for down, across in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        y, x = np.clip(rows + down, 0, height - 1), np.clip(columns + across, 0, width - 1)
        other = number[y, x]
        is_inside = other >= 0
        link = (-np.ones(is_inside.sum()), (own[is_inside], other[is_inside]))
        matrix = matrix + scipy.sparse.csc_array(link, shape=matrix.shape)
        right[~is_inside] += difference[y, x][~is_inside]
    solution = np.asarray(scipy.sparse.linalg.spsolve(matrix, right))
    surface = np.array(difference, np.float64)
    surface[rows, columns] = solution.reshape(right.shape)
    return surface.astype(np.float32)


def forge(
    recipe: Recipe,
    draw: ForgingDraw,
    source: Float[np.ndarray, "h w 3"],
    target: Float[np.ndarray, "h w 3"],
    source_landmarks: Float[np.ndarray, "68 2"],
    target_landmarks: Float[np.ndarray, "68 2"],
) -> tuple[Float[np.ndarray, "h w 3"], Float[np.ndarray, "h w 1"]]:
    """As `forging.forge`: the forged picture and the soft mask."""
    weight = source_weight(draw, target_landmarks, target.shape[0])
    background = lose_resolution(target, float(draw.resolution[1]))
    source = lose_resolution(source, float(draw.resolution[0]))
    face = _laid_on(source, source_landmarks, target_landmarks, recipe.is_swap)
    face = _match_colours(face, background, weight, recipe.is_swap)
    if recipe.is_swap:
        face = (1 - draw.leak) * face + draw.leak * background
        face = np.clip(face + membrane(background - face, weight > 0, STIFFNESS), 0, 1)
    return (background + weight * (face - background)).astype(np.float32), weight


def perturb(image: Float[np.ndarray, "h w 3"], draw: Perturbation) -> Float[np.ndarray, "h w 3"]:
    """As `perturbing.perturb`, through libjpeg."""
    if draw.is_reduced:
        image = lose_resolution(image, float(draw.share), bool(draw.is_nearest))
    if draw.is_coded:
        levels = np.round(image * 255).astype(np.uint8)[..., ::-1]
        coded = cv2.imencode(".jpg", levels, [cv2.IMWRITE_JPEG_QUALITY, int(draw.quality)])[1]
        decoded = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR))
        image = decoded[..., ::-1].astype(np.float32) / 255
    return image
