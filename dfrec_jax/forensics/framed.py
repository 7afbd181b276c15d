"""A face as a network takes it: found in a picture, framed as in training, at the network's size."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, UInt8
from ml_collections import ConfigDict

from dfrec_jax.forensics import plausibility
from dfrec_jax.forensics.gate import Check
from dfrec_jax.frozen.detection import Face, central_face
from dfrec_jax.pictures import framing
from dfrec_jax.pictures.framing import Frame
from dfrec_jax.pictures.reading import resize

CROPS = ("trained", "none")
WHOLE = Frame("none", 0.0)
UNKNOWN = np.full((5, 2), np.nan, np.float32)


class Framed(NamedTuple):
    """A crop of a picture, or the whole of it.

    Attributes:
      pixels: what the network sees.
      landmarks: in `pixels`; NaN where none are known.
      inside: 255 where the picture has the pixels, 0 beyond its border.
      matrix: from pixels of the picture to `pixels`; None where the whole picture was resized.
      face: that was framed, in pixels of the picture; None where none was found, or looked for.
      warnings: what speaks against a recovery.
      checks: of the gate.
    """

    pixels: UInt8[np.ndarray, "s s 3"]
    landmarks: Float[np.ndarray, "5 2"]
    inside: UInt8[np.ndarray, "s s 1"]
    matrix: Float[np.ndarray, "2 3"] | None
    face: Face | None
    warnings: tuple[str, ...]
    checks: tuple[Check, ...] = ()


def frame_of(config: ConfigDict, crop: str) -> Frame:
    """How faces are framed for a run: as its data were, or, with crop='none' and for drawn faces, not at all."""
    if crop == "none" or config.data.dataset == "embedded":
        return WHOLE
    return framing.frame_of(config.data.crop, config.data.margin)


def framed(
    picture: UInt8[np.ndarray, "h w 3"], faces: Sequence[Face], frame: Frame, size: int, *, every: bool = False
) -> list[Framed]:
    """The faces of a picture as the network takes them.

    Args:
      picture: RGB.
      faces: that were found in it.
      frame: `frame_of` the run. With `none` the whole picture is the face, resized bicubically.
      size: of the network.
      every: each face, largest first, and not the largest near the middle alone.

    Returns:
      One or several; none where a face would have to be cut out and there is none.
    """
    height, width = picture.shape[:2]
    chosen = central_face(faces, height, width)
    if frame.crop == "none":
        landmarks = UNKNOWN if chosen is None else _squeezed(chosen.landmarks, height, width, size)
        inside = np.full((size, size, 1), 255, np.uint8)
        return [Framed(resize(picture, size), landmarks, inside, None, chosen, ())]
    if chosen is None:
        return []
    taken = sorted(faces, key=lambda face: -np.prod(face.box[2:] - face.box[:2])) if every else [chosen]
    return [_cut_out(picture, face, frame, size) for face in taken]


def _cut_out(picture: UInt8[np.ndarray, "h w 3"], face: Face, frame: Frame, size: int) -> Framed:
    height, width = picture.shape[:2]
    matrix = framing.crop_matrix(frame, face.box, face.landmarks, height, width, size)
    inside = framing.inside_mask(framing.place_in_picture(matrix, height, width, size), size)
    pixels = framing.cut_out(picture, matrix, size)
    warnings = plausibility.of_crop(inside, size / float(np.sqrt(abs(np.linalg.det(matrix[:, :2])))))
    return Framed(pixels, framing.moved(face.landmarks, matrix), inside, matrix, face, tuple(warnings))


def _squeezed(landmarks: Float[np.ndarray, "5 2"], height: int, width: int, size: int) -> Float[np.ndarray, "5 2"]:
    scale = np.array([size / width, size / height])
    return ((landmarks + 0.5) * scale - 0.5).astype(np.float32)
