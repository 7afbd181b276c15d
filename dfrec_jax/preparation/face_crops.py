"""Finding the face of a picture, and cutting it out: selection, box or five-point crop, reflection outside."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from dfrec_jax.forging.landmarks import five_of_68

CROPS = ("box", "align", "none")
DEFAULT_MARGIN = 0.3  # of the longer side of the box, in all; what detectors of deepfakes commonly use

# Five landmarks in a square of 112 (ArcFace; Deng et al. 2019): eyes, nose, corners of the mouth.
TEMPLATE_SIZE = 112
TEMPLATE = np.array([
    [38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041],
])  # fmt: skip


@runtime_checkable
class DetectedFace(Protocol):
    """What a detector says of a face, in pixels of the picture: box (x0, y0, x1, y1), five landmarks, probability."""

    @property
    def box(self) -> Float[np.ndarray, "4"]: ...

    @property
    def landmarks(self) -> Float[np.ndarray, "5 2"]: ...

    @property
    def score(self) -> float: ...


class FaceTools(NamedTuple):
    """The networks that preparation is given: it builds none itself.

    Attributes:
      detect: from RGB pictures to the faces of each.
      find_points: from an RGB picture and a box in it to the 68 landmarks; None where no one will need them.
    """

    detect: Callable[[Sequence[np.ndarray]], Sequence[Sequence[DetectedFace]]]
    find_points: Callable[[np.ndarray, np.ndarray], np.ndarray] | None


class Face(NamedTuple):
    """The chosen face of a picture, in its pixels; what is not known is NaN."""

    box: Float[np.ndarray, "4"]
    landmarks: Float[np.ndarray, "5 2"]
    points: Float[np.ndarray, "68 2"]


def choose(faces: Sequence[DetectedFace], height: int, width: int, last_box: np.ndarray | None) -> DetectedFace | None:
    """The face that is meant: in a video the one that overlaps the last frame's; else the largest near the middle.

    Largest near the middle: the area of its box less twice the squared distance of its centre from the picture's
    (InsightFace's rule). None where there is no face.
    """
    if last_box is not None and faces:
        following = max(faces, key=lambda face: overlap(face.box, last_box))
        if overlap(following.box, last_box) > 0.3:
            return following
    middle = np.array([width, height]) / 2

    def merit(face: DetectedFace) -> float:
        sides, centre = face.box[2:] - face.box[:2], (face.box[2:] + face.box[:2]) / 2
        return float(np.prod(sides) - 2 * np.sum((centre - middle) ** 2))

    return max(faces, key=merit, default=None)


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union of two boxes."""
    sides = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    shared = float(np.prod(np.maximum(sides, 0)))
    return shared / max(float(np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2])) - shared, 1e-6)


def find_face(
    image: UInt8[np.ndarray, "h w 3"],
    tools: FaceTools,
    *,
    last_box: np.ndarray | None = None,
    given: tuple[float, ...] = (),
) -> Face | None:
    """The chosen face of `image`, with 68 landmarks where `tools` finds them; None where there is no face.

    Args:
      image: RGB.
      tools: the networks.
      last_box: of the same face in the frame before.
      given: box, and landmarks, found by others; no detector is asked then.
    """
    if given:
        box, landmarks = np.asarray(given[:4], np.float32), np.full((5, 2), np.nan, np.float32)
        if len(given) == 14:
            landmarks = np.asarray(given[4:], np.float32).reshape(5, 2)
    else:
        chosen = choose(tools.detect([image])[0], image.shape[0], image.shape[1], last_box)
        if chosen is None:
            return None
        box, landmarks = np.asarray(chosen.box, np.float32), np.asarray(chosen.landmarks, np.float32)
    points = np.full((68, 2), np.nan, np.float32)
    if tools.find_points is not None:
        points = np.asarray(tools.find_points(image, box), np.float32)
        if np.isnan(landmarks).any():
            landmarks = np.asarray(five_of_68(points), np.float32)
    return Face(box, landmarks, points)


def crop_matrix(face: Face, height: int, width: int, crop: str, margin: float, size: int) -> Float[np.ndarray, "2 3"]:
    """The affine map from pixels of a picture to those of its crop (whole numbers are pixel centres in both).

    Args:
      face: the face, in pixels of the picture.
      height: of the picture.
      width: of the picture.
      crop: `box`: an upright square around the centre of the box, its side the longer side of the box times
        1 + margin. `align`: the five landmarks brought closest to ArcFace's template by a similarity transform, the
        template's square enlarged by 1 + margin. `none`: the largest square around the middle of the picture.
      margin: see `crop`.
      size: of the crop, in pixels.

    Raises:
      ValueError: for another crop.
    """
    if crop not in CROPS:
        raise ValueError(f"crop={crop!r}: must be one of {CROPS}")
    if crop == "none":
        return _upright(np.array([width - 1, height - 1]) / 2, float(min(height, width)), size)
    if crop == "box":
        centre = (face.box[:2] + face.box[2:]) / 2 - 0.5  # boxes have edges, pixels have centres
        return _upright(centre, float(np.max(face.box[2:] - face.box[:2])) * (1 + margin), size)
    wanted = ((TEMPLATE + 0.5) / TEMPLATE_SIZE - 0.5) / (1 + margin) * size + size / 2 - 0.5
    return _closest_similarity(face.landmarks.astype(np.float64), wanted).astype(np.float32)


def _upright(centre: np.ndarray, side: float, size: int) -> np.ndarray:
    scale = size / side
    return np.array(
        [[scale, 0, (size - 1) / 2 - scale * centre[0]], [0, scale, (size - 1) / 2 - scale * centre[1]]], np.float32
    )


def _closest_similarity(moving: np.ndarray, fixed: np.ndarray) -> np.ndarray:
    """Least squares over rotation, scale and shift, no mirroring: one complex factor in the plane."""
    a, b = moving @ [1, 1j], fixed @ [1, 1j]
    factor = np.vdot(a - a.mean(), b - b.mean()) / np.vdot(a - a.mean(), a - a.mean())
    shift = b.mean() - factor * a.mean()
    return np.array([[factor.real, -factor.imag, shift.real], [factor.imag, factor.real, shift.imag]])


def cut_out(
    image: UInt8[np.ndarray, "h w c"], matrix: Float[np.ndarray, "2 3"], size: int
) -> UInt8[np.ndarray, "s s c"]:
    """The crop: reflected beyond the border of the picture; reduced by area, enlarged bilinearly."""
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    if scale < 1:  # an affine warp takes one pixel in so many; averaging comes first
        reduced = [max(1, round(side * scale)) for side in image.shape[1::-1]]
        factor = np.array(reduced) / image.shape[1::-1]
        image = cv2.resize(image, tuple(reduced), interpolation=cv2.INTER_AREA).reshape(*reduced[::-1], -1)
        shift = matrix[:, 2] + matrix[:, :2] @ (0.5 / factor - 0.5)
        matrix = np.column_stack([matrix[:, :2] / factor, shift]).astype(np.float32)
    flags = cv2.INTER_LINEAR
    warped = cv2.warpAffine(image, matrix, (size, size), flags=flags, borderMode=cv2.BORDER_REFLECT_101)
    return warped.reshape(size, size, -1)


def moved(points: Float[np.ndarray, "n 2"], matrix: Float[np.ndarray, "2 3"]) -> Float[np.ndarray, "n 2"]:
    """Points of a picture in pixels of its crop."""
    return (points @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)


def frontality(landmarks: Float[np.ndarray, "5 2"]) -> float:
    """1 for a face that looks into the camera, lower the farther the nose is off the middle between the eyes."""
    eye_line = landmarks[1] - landmarks[0]
    place = (landmarks[2] - landmarks[0]) @ eye_line / max(float(eye_line @ eye_line), 1e-6)
    return float(1 - 2 * abs(place - 0.5))
