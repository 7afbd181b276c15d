"""Pictures that show one frame (a forgery, its target, its mask) in whatever size each has: one crop for all."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, UInt8

from dfrec_jax.pictures import framing
from dfrec_jax.pictures.framing import Frame
from dfrec_jax.pictures.reading import refusal
from dfrec_jax.preparation.face_crops import Face

SAME_SHAPE = 0.02  # relative difference of aspect ratios below which two pictures can be one frame in two sizes

# Correlation of what surrounds the face in a swap and in its original. Two frames of one video whose head moved by a
# tenth of the face fall below it.
LEAST_AGREEMENT = 0.97
# Levels of 255 by which the face of a swap differs from its original's, on average. Of 400 swaps of DFDC none is below
# 2.5; JPEG of quality 75 in place of 90 changes a face by 0.9 to 1.6 (docs/experiments.md, 42).
LEAST_CHANGE = 2.0
_SURROUNDINGS, _SIDE = Frame("box", 1.0), 48  # what is compared: twice the box, so small that no codec is seen
_FLAT = 3.0  # levels of 255: where the spread of both is less, there is nothing to correlate


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


class Compared(NamedTuple):
    """What `compared` finds of a forgery and its target.

    Attributes:
      agreement: correlation of what surrounds the face: 1 where the two are one frame. Where both are flat it is 1 for
        the same brightness, 0 for another.
      change: mean difference of the face, in levels of 255.
    """

    agreement: float
    change: float


def compared(image: UInt8[np.ndarray, "h w 3"], target: UInt8[np.ndarray, "hh ww 3"], placed: Placed) -> Compared:
    """How a forgery and its target agree around the face and differ in it, in brightness.

    The face is its box; what surrounds it is the square of twice the box, less the box widened by a tenth on each side.

    Args:
      image: the forgery; of the shape of `target`, in any size.
      target: the original.
      placed: the face in `target`.
    """
    (height, width), box = placed.shape, placed.face.box
    matrix = framing.crop_matrix(_SURROUNDINGS, box, placed.face.landmarks, height, width, _SIDE)
    scale = (image.shape[0] / height + image.shape[1] / width) / 2
    pictures = [(target, matrix), (image, _rescaled(matrix, scale))]
    gray = [framing.cut_out(picture, to_crop, _SIDE).astype(np.float64).mean(axis=-1) for picture, to_crop in pictures]
    is_known = framing.inside_mask(framing.place_in_picture(matrix, height, width, _SIDE), _SIDE)[..., 0] > 0
    corners = framing.moved(box.reshape(2, 2), matrix)
    is_face, is_near = (_within(corners, by) & is_known for by in (0.0, 0.1))
    change = np.abs(gray[0] - gray[1])[is_face]
    surroundings = (values[is_known & ~is_near] for values in gray)
    return Compared(_correlation(*surroundings), float(change.mean()) if len(change) else 0.0)


def _within(corners: np.ndarray, widened: float) -> np.ndarray:
    """The pixels of the compared square in the box, widened by a share of itself on each side."""
    (left, top), (right, bottom) = corners
    along_x, along_y = widened * (right - left), widened * (bottom - top)
    y, x = np.mgrid[:_SIDE, :_SIDE]
    return (x > left - along_x) & (x < right + along_x) & (y > top - along_y) & (y < bottom + along_y)


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    if not len(one):
        return 0.0
    if max(one.std(), other.std()) < _FLAT:
        return float(abs(one.mean() - other.mean()) < _FLAT)
    centred = one - one.mean(), other - other.mean()
    return float(centred[0] @ centred[1] / max(np.linalg.norm(centred[0]) * np.linalg.norm(centred[1]), 1e-6))
