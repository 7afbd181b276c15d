"""How a face is framed: from a picture and the face in it to a square crop, and back, for all who cut faces out.

A run has one frame. It stands in a prepared data set's metadata.json and in a run's config (`data.crop`,
`data.margin`): a network sees at recovery what it saw in training.
"""

from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8

CROPS = ("box", "align", "none")
DEFAULT_MARGIN = 0.3  # of the longer side of the box, in all; what detectors of deepfakes commonly use

# Five landmarks in a square of 112 (ArcFace; Deng et al. 2019): eyes, nose, corners of the mouth.
TEMPLATE_SIZE = 112
TEMPLATE = np.array([
    [38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041],
])  # fmt: skip
ALL_INSIDE = np.array([[0, 0, 0.5], [0, 0, 0.5]], np.float32)  # the frame of a crop of which everything is known


class Frame(NamedTuple):
    """What a crop shows of a face.

    Attributes:
      crop: `box`: an upright square around the centre of the detector's box, its side the longer side of the box times
        1 + margin. `align`: turned upright, the five landmarks brought closest to ArcFace's template by a similarity
        transform, the template's square enlarged by 1 + margin. `none`: the largest square around the middle of the
        picture, which was cropped before, nobody says how.
      margin: see `crop`; without meaning for `none`.
    """

    crop: str
    margin: float

    def words(self) -> str:
        """As options of `dfrec prepare`."""
        return "--crop none" if self.crop == "none" else f"--crop {self.crop} --margin {self.margin:g}"

    def is_that_of(self, other: "Frame") -> bool:
        """Whether both show the same of a face."""
        return self.crop == other.crop and (self.crop == "none" or self.margin == other.margin)


EARLIER = Frame("box", DEFAULT_MARGIN)  # of data and runs that do not say; ready-made crops went with it


def frame_of(crop: str | None, margin: float | None) -> Frame:
    """That of `data.crop` and `data.margin`: `EARLIER` where a config leaves them open."""
    return EARLIER if crop is None or margin is None else Frame(crop, margin)


def crop_matrix(
    frame: Frame, box: Float[np.ndarray, "4"], landmarks: Float[np.ndarray, "5 2"], height: int, width: int, size: int
) -> Float[np.ndarray, "2 3"]:
    """The affine map from pixels of a picture to those of its crop (whole numbers are pixel centres in both).

    Args:
      frame: how the face is framed.
      box: of the face, x0, y0, x1, y1 in pixels of the picture.
      landmarks: of the face, eyes, nose, corners of the mouth.
      height: of the picture.
      width: of the picture.
      size: of the crop, in pixels.

    Raises:
      ValueError: for another crop.
    """
    if frame.crop not in CROPS:
        raise ValueError(f"crop={frame.crop!r}: must be one of {CROPS}")
    if frame.crop == "none":
        return _upright(np.array([width - 1, height - 1]) / 2, float(min(height, width)), size)
    if frame.crop == "box":
        centre = (box[:2] + box[2:]) / 2 - 0.5  # boxes have edges, pixels have centres
        return _upright(centre, float(np.max(box[2:] - box[:2])) * (1 + frame.margin), size)
    wanted = ((TEMPLATE + 0.5) / TEMPLATE_SIZE - 0.5) / (1 + frame.margin) * size + size / 2 - 0.5
    return _closest_similarity(landmarks.astype(np.float64), wanted).astype(np.float32)


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
    """The crop: reduced by area, enlarged bilinearly; beyond the border of the picture its last pixels go on.

    They are not reflected: where a wide frame meets a tight picture, another half of a face would stand there.
    `place_in_picture` and `inside_mask` say which pixels those are.
    """
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    if scale < 1:  # an affine warp takes one pixel in so many; averaging comes first
        reduced = [max(1, round(side * scale)) for side in image.shape[1::-1]]
        factor = np.array(reduced) / image.shape[1::-1]
        image = cv2.resize(image, tuple(reduced), interpolation=cv2.INTER_AREA).reshape(*reduced[::-1], -1)
        shift = matrix[:, 2] + matrix[:, :2] @ (0.5 / factor - 0.5)
        matrix = np.column_stack([matrix[:, :2] / factor, shift]).astype(np.float32)
    flags = cv2.INTER_LINEAR
    warped = cv2.warpAffine(image, matrix, (size, size), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return warped.reshape(size, size, -1)


def put_back(
    picture: UInt8[np.ndarray, "h w 3"],
    crop: UInt8[np.ndarray, "s s 3"],
    matrix: Float[np.ndarray, "2 3"],
    where: Float[np.ndarray, "s s 1"],
) -> UInt8[np.ndarray, "h w 3"]:
    """The picture with the crop in the place, size and turn that `cut_out` took it from.

    Args:
      picture: what the crop was cut out of.
      crop: what `cut_out` gave, changed or not, in any size.
      matrix: what it was cut out by, for a crop of the size of `crop`.
      where: weight in [0, 1] of the crop's pixels; the rest of the picture stays as it is, to the last bit.
    """
    height, width = picture.shape[:2]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    back = cv2.warpAffine(crop, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    weight = cv2.warpAffine(where.astype(np.float32), matrix, (width, height), flags=flags)[..., None]
    mixed = picture + weight * (back.astype(np.float32) - picture)
    return np.where(weight > 0, np.round(mixed), picture).astype(np.uint8)


def moved(points: Float[np.ndarray, "n 2"], matrix: Float[np.ndarray, "2 3"]) -> Float[np.ndarray, "n 2"]:
    """Points of a picture in pixels of its crop."""
    return (points @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)


def inverse(matrix: Float[np.ndarray, "2 3"]) -> Float[np.ndarray, "2 3"]:
    """The map back: from pixels of a crop to those of its picture."""
    back = np.linalg.inv(matrix[:, :2].astype(np.float64))
    return np.column_stack([back, -back @ matrix[:, 2]]).astype(np.float32)


def place_in_picture(matrix: Float[np.ndarray, "2 3"], height: int, width: int, size: int) -> Float[np.ndarray, "2 3"]:
    """The map from shares of a crop's sides to shares of its picture's: beyond 0 to 1 the picture has nothing.

    Args:
      matrix: of `crop_matrix`.
      height: of the picture.
      width: of the picture.
      size: of the crop.
    """
    back = inverse(matrix)
    sides = np.array([width, height], np.float64)
    linear = back[:, :2] * size / sides[:, None]
    # A share s of the crop is the pixel s * size - 0.5 of it, and a pixel p of the picture the share (p + 0.5) / side.
    shift = (back[:, :2] @ np.full(2, -0.5) + back[:, 2] + 0.5) / sides
    return np.column_stack([linear, shift]).astype(np.float32)


def inside_mask(place: Float[np.ndarray, "2 3"], size: int) -> UInt8[np.ndarray, "s s 1"]:
    """255 on the pixels of a crop that its picture has, 0 on those beyond its border.

    Args:
      place: of `place_in_picture`.
      size: of the crop, in pixels; any.
    """
    shares = (np.arange(size, dtype=np.float32) + 0.5) / size
    if _is_inside(place, shares[[0, -1]]).all():  # the map is affine: between corners that are inside all is
        return np.full((size, size, 1), 255, np.uint8)
    return np.where(_is_inside(place, shares), np.uint8(255), np.uint8(0))[..., None]


def _is_inside(place: Float[np.ndarray, "2 3"], shares: Float[np.ndarray, " n"]) -> Bool[np.ndarray, "n n"]:
    """Whether the pixels at such shares of both sides of a crop are its picture's."""
    x, y = (along_x * shares[None, :] + along_y * shares[:, None] + shift for along_x, along_y, shift in place)
    return (x >= 0) & (x <= 1) & (y >= 0) & (y <= 1)
