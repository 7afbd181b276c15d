"""Finding the face of a picture: which of several, and its landmarks."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, UInt8

from dfrec_jax.forging.landmarks import five_of_68


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


def frontality(landmarks: Float[np.ndarray, "5 2"]) -> float:
    """1 for a face that looks into the camera, lower the farther the nose is off the middle between the eyes."""
    eye_line = landmarks[1] - landmarks[0]
    place = (landmarks[2] - landmarks[0]) @ eye_line / max(float(eye_line @ eye_line), 1e-6)
    return float(1 - 2 * abs(place - 0.5))
