"""Pictures that stay encoded until the batch is laid out: each is decoded once, and nothing is stacked twice."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np

from dfrec_jax.examples.buffers import Buffers

COLOURS, GRAY = 3, 1
LARGEST_SIDE = 16384  # pixels of a stored picture; `dfrec prepare` stores up to 4096
_buffers = Buffers()  # of batches, so that a new one lies where one that was used up lay


class DamagedPicture(ValueError):
    """A stored picture that cannot be decoded; the message names its record."""


class Encoded(NamedTuple):
    """A square picture of a record that is still encoded; where `data` is empty, black.

    Attributes:
      data: JPEG, or PNG of a mask.
      channels: of what it becomes.
      size: of what it becomes, in pixels.
      where: the record, for messages.
    """

    data: bytes
    channels: int
    size: int
    where: str = "a stored picture"

    def decode(self) -> np.ndarray:
        """The picture, uint8 [size, size, channels]. Raises DamagedPicture."""
        picture = np.empty((self.size, self.size, self.channels), np.uint8)
        self.decode_into(picture)
        return picture

    def decode_into(self, picture: np.ndarray) -> None:
        """Writes the picture into another one, uint8 [size, size, channels]; resized where it must be.

        Raises:
          DamagedPicture: for what is none, or not square; before it takes the memory for one that is too large.
        """
        if not self.data:
            picture[...] = 0
            return
        flag = cv2.IMREAD_COLOR_RGB if self.channels == COLOURS else cv2.IMREAD_GRAYSCALE
        if max(_sides(self.data)) > LARGEST_SIDE:
            raise self._damaged(f"has a side of {max(_sides(self.data))} pixels")
        try:
            decoded = np.asarray(cv2.imdecode(np.frombuffer(self.data, np.uint8), flag))
        except cv2.error as error:
            raise self._damaged("cannot be decoded") from error
        if decoded.ndim < 2 or decoded.shape[0] != decoded.shape[1]:
            raise self._damaged("is not square" if decoded.ndim > 1 else "cannot be decoded")
        if decoded.shape[0] != self.size:
            how = cv2.INTER_AREA if decoded.shape[0] > self.size else cv2.INTER_LINEAR
            decoded = cv2.resize(decoded, (self.size, self.size), interpolation=how)
        picture[...] = decoded.reshape(picture.shape)

    def side(self) -> int:
        """The height of the stored picture, by its header. Raises DamagedPicture for what is no JPEG file."""
        try:
            return jpeg_side(self.data)
        except ValueError as error:
            raise self._damaged("is no JPEG file") from error

    def _damaged(self, words: str) -> DamagedPicture:
        return DamagedPicture(f"{self.where}: its picture {words}; delete the folder and run `dfrec prepare` again")


def decoded(example: Mapping[str, Any]) -> dict[str, Any]:
    """The example with its pictures decoded; one that stands in several fields, once."""
    done = {id(value): value.decode() for value in example.values() if isinstance(value, Encoded)}
    return {name: done.get(id(value), value) for name, value in example.items()}


def collate(examples: Sequence[Mapping[str, Any]]) -> dict[str, np.ndarray]:
    """The batch of some examples: each field stacked, its pictures decoded into their places.

    Fields that hold the same pictures throughout become one and the same array.
    """
    batch: dict[str, np.ndarray] = {}
    pictures: dict[int, np.ndarray] = {}
    columns: dict[tuple[int, ...], np.ndarray] = {}
    for name in examples[0]:
        values = [example[name] for example in examples]
        if not isinstance(values[0], Encoded):
            batch[name] = np.stack(values)
            continue
        key = tuple(map(id, values))
        if key not in columns:
            columns[key] = _pictures(values, pictures)
        batch[name] = columns[key]
    return batch


def _pictures(values: Sequence[Encoded], done: dict[int, np.ndarray]) -> np.ndarray:
    size, channels = values[0].size, values[0].channels
    batch = _buffers.take((len(values), size, size, channels))
    for place, picture in zip(batch, values, strict=True):
        if id(picture) in done:
            place[...] = done[id(picture)]
        else:
            picture.decode_into(place)
            done[id(picture)] = place
    return batch


def jpeg_side(data: bytes) -> int:
    """The height in pixels that stands in the header of a JPEG file.

    Raises:
      ValueError: where there is none.
    """
    return _jpeg_sides(data)[0]


def _sides(data: bytes) -> tuple[int, int]:
    """Height and width by the header of a JPEG or PNG file; zeros where it says nothing, which no decoder reads."""
    if data.startswith(b"\x89PNG"):
        return int.from_bytes(data[20:24], "big"), int.from_bytes(data[16:20], "big")
    try:
        return _jpeg_sides(data)
    except ValueError:
        return 0, 0


def _jpeg_sides(data: bytes) -> tuple[int, int]:
    at = 2
    while at + 9 < len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # filling
            at += 1
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):  # start of a frame
            sides = int.from_bytes(data[at + 5 : at + 7], "big"), int.from_bytes(data[at + 7 : at + 9], "big")
            if 0 in sides:
                break
            return sides
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    raise ValueError("a stored picture is no JPEG file: run `dfrec prepare` again")
