"""Pictures that show one frame (a forgery, its target, its mask) in whatever size each has: one crop for all."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, UInt8

from dfrec_jax.pictures.reading import refusal
from dfrec_jax.preparation.face_crops import Face

SAME_SHAPE = 0.02  # relative difference of aspect ratios below which two pictures can be one frame in two sizes


class Placed(NamedTuple):
    """A face in one picture, the picture's height and width, and the map from the picture to the crop."""

    face: Face
    shape: tuple[int, int]
    matrix: Float[np.ndarray, "2 3"]


def carried_over(placed: Placed, picture: UInt8[np.ndarray, "h w c"], name: str, what: str) -> Placed:
    """`placed` in the pixels of `picture`, which shows the same frame larger or smaller.

    Args:
      placed: where the face was found.
      picture: another picture of the frame.
      name: of `picture`, for the message.
      what: whose frame it has to be, for the message: "its target", say.

    Raises:
      ImageError: where the two have not one shape and so cannot be one frame.
    """
    (height, width), (own_height, own_width) = placed.shape, picture.shape[:2]
    scales = own_height / height, own_width / width
    if abs(scales[0] / scales[1] - 1) >= SAME_SHAPE:
        detail = f"{own_width}x{own_height} and {width}x{height} pixels"
        raise refusal(name, f"has another shape than {what}: they cannot be one frame", detail)
    scale = (scales[0] + scales[1]) / 2
    return Placed(_scaled(placed.face, scale), (own_height, own_width), _rescaled(placed.matrix, scale))


def _rescaled(matrix: np.ndarray, scale: float) -> np.ndarray:
    """The map to the same crop from a picture `scale` times larger; pixel centres are whole numbers in both."""
    shift = matrix[:, 2] + matrix[:, :2] @ np.full(2, 0.5 / scale - 0.5)
    return np.column_stack([matrix[:, :2] / scale, shift]).astype(np.float32)


def _scaled(face: Face, scale: float) -> Face:
    centres = lambda points: ((points + 0.5) * scale - 0.5).astype(np.float32)  # noqa: E731
    return Face(face.box * np.float32(scale), centres(face.landmarks), centres(face.points))
