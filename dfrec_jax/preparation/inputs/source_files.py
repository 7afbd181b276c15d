"""Reading a file of a folder, a tar file or a TFDS data set alike, and frames of a video or of a folder of frames."""

import re
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from dfrec_jax.pictures.reading import PICTURE_ENDINGS, Decoded, decode_image, refusal
from dfrec_jax.pictures.reading import read_bytes as read_file
from dfrec_jax.pictures.video import VideoFile
from dfrec_jax.preparation.inputs import left_alone, tfds_pictures
from dfrec_jax.preparation.inputs.listing import tar_members
from dfrec_jax.preparation.plan import Picture

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
            self._video = VideoFile(path, video.name)
            self.numbers = list(range(self._video.count))
        if not self.numbers:
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
        return self._video.read(number)

    def close(self) -> None:
        """Closes the file."""
        if not self._folder and hasattr(self, "_video"):
            self._video.close()

    def __enter__(self) -> "Frames":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
