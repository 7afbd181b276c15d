"""Whether a detector finds the face in a picture, and where: five landmarks for alignment, and a check of what was
recovered."""

from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8

from dfrec_jax.frozen.detection import central_face, detect_faces
from dfrec_jax.frozen.network import FrozenNetwork

SIDE = 224  # pixels that smaller pictures are enlarged to: the detector was not made for faces of 40 pixels
IN_PLACE = 0.1  # of the distance of the eyes: landmarks whose mean displacement is below it are in place


class Found(NamedTuple):
    """The central face of each picture: whether there is one, and its landmarks in pixels, NaN where there is none."""

    is_found: Bool[np.ndarray, " b"]
    landmarks: Float[np.ndarray, "b 5 2"]


def find(detector: FrozenNetwork, pictures: UInt8[np.ndarray, "b h w 3"]) -> Found:
    """Looks for a face in each picture (square, RGB) with `retinaface-mobile025`."""
    size = pictures.shape[1]
    scale = max(1.0, SIDE / size)
    enlarged = [_enlarged(picture, scale) for picture in pictures]
    faces = [
        central_face(found, *picture.shape[:2])
        for found, picture in zip(detect_faces(detector, enlarged, side=SIDE), enlarged, strict=True)
    ]
    landmarks = np.full((len(pictures), 5, 2), np.nan, np.float32)
    for row, face in zip(landmarks, faces, strict=True):
        if face is not None:
            row[:] = (face.landmarks + 0.5) / scale - 0.5
    return Found(np.array([face is not None for face in faces]), landmarks)


def displacement(
    landmarks: Float[np.ndarray, "b 5 2"], reference: Float[np.ndarray, "b 5 2"]
) -> Float[np.ndarray, " b"]:
    """Mean distance of the five landmarks in distances of the reference's eyes; NaN where one of the two has none."""
    distance = np.linalg.norm(landmarks - reference, axis=-1).mean(axis=-1)
    return distance / np.linalg.norm(reference[:, 0] - reference[:, 1], axis=-1)


def _enlarged(picture: np.ndarray, scale: float) -> np.ndarray:
    if scale == 1:
        return picture
    side = round(picture.shape[0] * scale)
    return cv2.resize(picture, (side, side), interpolation=cv2.INTER_CUBIC)
