"""Reading a file of a folder, a tar file or a TFDS data set alike, and frames of a video or of a folder of frames."""

import re
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8

from dfrec_jax.pictures.reading import Decoded, decode_image, refusal
from dfrec_jax.pictures.reading import read_bytes as read_file
from dfrec_jax.preparation import left_alone, tfds_pictures
from dfrec_jax.preparation.listing import PICTURE_ENDINGS, tar_members
from dfrec_jax.preparation.plan import Picture

MOST_FRAMES = 10**7  # more are not in a video, but in the broken header of one
_FRAME_NUMBER = re.compile(r"(\d+)$")


def read_bytes(picture: Picture) -> bytes:
    """The bytes of the picture's file. Raises ImageError where they cannot be read."""
    path = Path(picture.root)
    try:
        if picture.root.startswith(tfds_pictures.PREFIX):
            source, number = tfds_pictures.places(picture.root)[picture.name]
            return source[number]["image"]
        if path.is_dir():
            return (path / picture.name).read_bytes()
        offset, size = tar_members(picture.root).places[picture.name]
        with open(path, "rb") as file:
            file.seek(offset)
            return file.read(size)
    except (OSError, KeyError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is not there"
        raise refusal(picture.name, f"cannot be read: {reason}") from error


def read_picture(picture: Picture) -> Decoded:
    """A picture file, decoded. Raises ImageError."""
    return decode_image(read_bytes(picture), picture.name)


class Frames:
    """Frames of a video, or of a folder of numbered frames, by number; cheapest in rising order."""

    def __init__(self, video: Picture):
        """Opens `video`. Raises ImageError where it cannot be opened or holds no frame.

        Attributes:
          numbers: of the frames, rising.
          left_out: files of a folder that are no frames, and why.
        """
        self.origin = video.name
        path = Path(video.root) / video.name
        self._folder: dict[int, Path] = {}
        self.left_out: list[tuple[str, str]] = []
        if path.is_dir():
            self._list_folder(path)
            self.numbers = sorted(self._folder)
        else:
            self._path, self._next = str(path), 0
            self._video = cv2.VideoCapture(self._path)
            count = self._video.get(cv2.CAP_PROP_FRAME_COUNT) if self._video.isOpened() else 0
            self.numbers = list(range(int(count))) if 0 < count <= MOST_FRAMES else []
        if not self.numbers:
            self.close()
            raise refusal(video.name, "cannot be read as a video (missing, truncated, or of an unknown codec)")

    def _list_folder(self, path: Path) -> None:
        try:
            files = sorted(path.iterdir())
        except OSError as error:
            raise refusal(self.origin, f"cannot be read: {error.strerror or error}") from error
        for file in files:
            number = _FRAME_NUMBER.search(file.stem)
            if left_alone.is_hidden(file.name):
                self.left_out.append((f"{self.origin}/{file.name}", "is hidden: its name begins with a dot"))
            elif file.suffix.lower() not in PICTURE_ENDINGS or not number:
                self.left_out.append((f"{self.origin}/{file.name}", "is no picture whose name ends in a number"))
            elif int(number.group(1)) in self._folder:
                self.left_out.append((f"{self.origin}/{file.name}", "another file is the frame of its number"))
            else:
                self._folder[int(number.group(1))] = file

    def read(self, number: int) -> UInt8[np.ndarray, "h w 3"]:
        """RGB of frame `number`, one of `numbers`. Raises ImageError where it cannot be decoded."""
        if self._folder:
            return decode_image(read_file(self._folder[number]), f"{self.origin}#{number}").pixels
        if number < self._next:
            self._video.release()  # seeking in H.264 lands near the frame and not always on it
            self._video, self._next = cv2.VideoCapture(self._path), 0
        while self._next < number and self._video.grab():
            self._next += 1
        is_read, frame = self._video.read()
        if not is_read:
            detail = f"the video ends after frame {self._next - 1}"
            raise refusal(f"{self.origin}#{number}", "cannot be decoded", detail)
        self._next += 1
        return cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)

    def close(self) -> None:
        """Closes the file."""
        if not self._folder and hasattr(self, "_video"):
            self._video.release()

    def __enter__(self) -> "Frames":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def evenly_spaced(numbers: list[int], count: int) -> list[int]:
    """`count` of the numbers (all, where there are fewer or `count` is 0), evenly spaced, first and last included."""
    if count <= 0 or count >= len(numbers):
        return list(numbers)
    return [numbers[i] for i in np.round(np.linspace(0, len(numbers) - 1, count)).astype(int)]
