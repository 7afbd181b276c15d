"""Finding faces with RetinaFace: images of any size in, faces out, by one compiled program of a fixed shape."""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import jax
import numpy as np
from jaxtyping import Float, UInt8

from dfrec_jax.frozen.network import FrozenNetwork

CANDIDATE_SCORE = 0.02  # anchors below it are dropped before suppression
MAX_CANDIDATES = 5000
OVERLAP = 0.4  # intersection over union above which the lower score is suppressed
MAX_FACES = 750
FACE_SCORE = 0.6  # a face at or above it is accepted
SIDE = 320  # pixels, of the square that images are brought into; a multiple of 32


class Face(NamedTuple):
    """A detected face, in pixels of its image."""

    box: Float[np.ndarray, "4"]  # x0, y0, x1, y1
    score: float
    landmarks: Float[np.ndarray, "5 2"]  # left eye, right eye, nose, left and right mouth corner as seen in the image


def detect_faces(
    network: FrozenNetwork,
    images: Sequence[UInt8[np.ndarray, "_ _ 3"]],
    *,
    side: int = SIDE,
    min_score: float = FACE_SCORE,
) -> list[list[Face]]:
    """The faces of each RGB image, best score first.

    An image whose longer side exceeds `side` is reduced to it; every image is padded with black to a square, so that
    the network is compiled once for each `len(images)` and `side`.

    Args:
      network: `retinaface-mobile025`.
      images: RGB, of any sizes.
      side: of the square that the network sees; a multiple of 32. Faces below about 16 px there are missed.
      min_score: faces of a lower probability are left out.

    Raises:
      ValueError: for a side that is no multiple of 32.
    """
    if side % 32 or side <= 0:
        raise ValueError(f"side={side}: must be a positive multiple of 32, RetinaFace's coarsest stride")
    if len(images) == 0:
        return []
    squares, scales = zip(*(_fit(image, side) for image in images), strict=True)
    batch = np.stack(squares).astype(np.float32) / 255
    outputs = jax.tree.map(np.asarray, _run(network, batch))
    return [
        _select(boxes, scores, landmarks, scale, min_score)
        for boxes, scores, landmarks, scale in zip(
            outputs["boxes"], outputs["scores"], outputs["landmarks"], scales, strict=True
        )
    ]


def central_face(faces: Sequence[Face], height: int, width: int) -> Face | None:
    """The largest central face: box area less twice the squared distance of its centre from the image's (InsightFace's
    rule); None where there is no face."""
    middle = np.array([width, height]) / 2

    def merit(face: Face) -> float:
        size = face.box[2:] - face.box[:2]
        return float(size[0] * size[1] - 2 * np.sum(((face.box[:2] + face.box[2:]) / 2 - middle) ** 2))

    return max(faces, key=merit, default=None)


def suppress(boxes: Float[np.ndarray, "n 4"], overlap: float) -> list[int]:
    """Non-maximum suppression: indices of the boxes, sorted by falling score, that no better one overlaps by more."""
    areas = np.prod(boxes[:, 2:] - boxes[:, :2] + 1, axis=1)  # the published code counts pixels, both ends included
    kept, remaining = [], np.arange(len(boxes))
    while len(remaining):
        best, remaining = int(remaining[0]), remaining[1:]
        kept.append(best)
        corner = np.maximum(boxes[best, :2], boxes[remaining, :2])
        sides = np.minimum(boxes[best, 2:], boxes[remaining, 2:]) - corner + 1
        shared = np.prod(np.maximum(sides, 0), axis=1)
        remaining = remaining[shared / (areas[best] + areas[remaining] - shared) <= overlap]
    return kept


@jax.jit
def _run(network: FrozenNetwork, images: jax.Array) -> dict[str, jax.Array]:
    return network(images)


def _fit(image: np.ndarray, side: int) -> tuple[np.ndarray, float]:
    """The image in the upper left corner of a square, and the scale it was brought to."""
    height, width = image.shape[:2]
    scale = min(1.0, side / max(height, width))
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    square = np.zeros((side, side, 3), np.uint8)
    square[: image.shape[0], : image.shape[1]] = image
    return square, scale


def _select(boxes: np.ndarray, scores: np.ndarray, landmarks: np.ndarray, scale: float, min_score: float) -> list[Face]:
    order = np.argsort(-scores, kind="stable")[:MAX_CANDIDATES]
    order = order[scores[order] > CANDIDATE_SCORE]
    kept = order[suppress(boxes[order], OVERLAP)][:MAX_FACES]
    return [Face(boxes[i] / scale, float(scores[i]), landmarks[i] / scale) for i in kept if scores[i] >= min_score]
