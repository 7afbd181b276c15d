"""What every record is made of: a face found in a picture, its crop, the crop's JPEG, and the record's fields."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from dfrec_jax.forging.partners import signature
from dfrec_jax.pictures.framing import Frame, crop_matrix, cut_out, moved, place_in_picture
from dfrec_jax.pictures.reading import ImageError, refusal
from dfrec_jax.preparation.face_crops import Face, FaceTools, find_face
from dfrec_jax.preparation.plan import Item, Rejected, Remark, VideoPair
from dfrec_jax.preparation.shared_frame import Placed
from dfrec_jax.records import schema
from dfrec_jax.records.schema import PRISTINE

LARGEST_BOX = 4  # of a given box: its longer side in the longer sides of the picture
MASK_LEVEL = 30  # of 255: FaceForensics++'s mask videos are compressed, black is not 0

Results = Iterator[schema.Record | Rejected | Remark]


class Options(NamedTuple):
    """How faces are cut out and stored: see `framing.Frame`; `quality` is that of the JPEG files made."""

    crop: str
    margin: float
    size: int
    quality: int

    @property
    def frame(self) -> Frame:
        """What a crop shows."""
        return Frame(self.crop, self.margin)


class Cut(NamedTuple):
    """A face cut out of a picture: the crop, its JPEG, the map from the picture to it, the face in the picture.

    `place` is that of `framing.place_in_picture`.
    """

    image: np.ndarray
    jpeg: bytes
    matrix: np.ndarray
    face: Face
    place: np.ndarray


def refused(origin: str, split: str, error: ImageError) -> Rejected:
    """Names the file, as detail, only where it is another one than the origin: equal reasons count as equal."""
    named = error.name if error.name != origin else ""
    return Rejected(origin, split, error.reason, ": ".join(filter(None, (named, error.detail))))


def find(
    image: np.ndarray,
    tools: FaceTools,
    options: Options,
    origin: str,
    last_box: np.ndarray | None = None,
    given: tuple[float, ...] = (),
) -> Placed:
    """The face, and how it is cut out.

    Raises:
      ImageError: where no face is found, or no landmarks: no network that aligns could use it; where a given box is of
        another picture.
    """
    if given and not _fits(given[:4], *image.shape[:2]):
        raise refusal(origin, "its given box does not lie in the picture")
    face = find_face(image, tools, last_box=last_box, given=given)
    if face is None:
        raise refusal(origin, "no face found")
    if np.isnan(face.landmarks).any():
        raise refusal(origin, "only a box is known, and no landmarks")
    height, width = image.shape[:2]
    matrix = crop_matrix(options.frame, face.box, face.landmarks, height, width, options.size)
    return Placed(face, (height, width), matrix)


def _fits(box: Sequence[float], height: int, width: int) -> bool:
    """Whether a box and the picture overlap, and it is not many times as large: a table may be of other pictures."""
    x0, y0, x1, y1 = box
    overlaps = x0 < width and y0 < height and x1 > 0 and y1 > 0
    return overlaps and max(x1 - x0, y1 - y0) <= LARGEST_BOX * max(height, width)


def cut(image: np.ndarray, placed: Placed, options: Options, jpeg: bytes = b"") -> Cut:
    """Cuts `image` out by `placed`, which is of its own pixels.

    Args:
      image: RGB.
      placed: where the face is.
      options: of the crop.
      jpeg: the bytes of the file, where they decode to `image` without more ado; where the whole of it is wanted in
        its own size, they are what is stored.
    """
    crop = cut_out(image, placed.matrix, options.size)
    height, width = image.shape[:2]
    place = place_in_picture(placed.matrix, height, width, options.size)
    is_whole = options.crop == "none" and image.shape[:2] == (options.size, options.size)
    if is_whole and jpeg[:2] == b"\xff\xd8":
        return Cut(image, jpeg, placed.matrix, placed.face, place)
    return Cut(crop, schema.encode_jpeg(crop, options.quality), placed.matrix, placed.face, place)


def cut_mask(picture: np.ndarray, placed: Placed, size: int) -> bytes:
    """PNG of what of a mask, bright where the forgery was made, lies in the crop of `placed` (in the mask's pixels)."""
    mask = cut_out(picture.max(axis=-1, keepdims=True), placed.matrix, size)
    return schema.encode_mask(
        np.where(mask < MASK_LEVEL, 0, np.where(mask > 255 - MASK_LEVEL, 255, mask)).astype(np.uint8)
    )


def record(
    item: Item | VideoPair, image: Cut, origin: str, source: Cut | None, target: Cut | None, mask: bytes
) -> schema.Record:
    """The record of `item`, of pictures that are cut out; None, or no bytes, where one is not at hand."""
    face, matrix = image.face, image.matrix
    points = moved(face.points, matrix)
    unknown = np.full((5, 2), np.nan, np.float32)
    attributes = getattr(item, "attributes", ())
    is_comparable = item.label == PRISTINE and not np.isnan(points).any()
    return {
        "image": image.jpeg,
        "source": b"" if source is None else source.jpeg,
        "target": b"" if target is None else target.jpeg,
        "mask": mask,
        "label": item.label,
        "attack": item.attack,
        "source_identity": item.source_identity,
        "target_identity": item.target_identity,
        "origin": origin,
        "source_origin": "" if source is None or item.source is None else item.source.origin,
        "target_origin": "" if target is None or item.target is None else item.target.origin,
        "box": moved(face.box.reshape(2, 2), matrix).reshape(4),
        "landmarks": moved(face.landmarks, matrix),
        "source_landmarks": unknown if source is None else moved(source.face.landmarks, source.matrix),
        "points": points,
        "crop": matrix,
        "place": image.place,
        "signature": signature(image.image, points, attributes) if is_comparable else schema.NO_SIGNATURE,
        "attributes": np.array(attributes, np.int8),
    }
