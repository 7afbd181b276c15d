"""Reading files of a folder, a tar file or a TFDS data set alike, and frames of a video or of a folder of frames."""

import functools
import os
import re
import tarfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tensorflow_datasets as tfds
from jaxtyping import UInt8
from tensorflow_datasets.core.registered import DatasetNotFoundError

from dfrec_jax.pictures.reading import ImageError, decode_image
from dfrec_jax.preparation.plan import Picture, PreparationError

PICTURE_ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".webp")
VIDEO_ENDINGS = (".mp4", ".avi", ".mkv", ".mov", ".webm")
TFDS = "tfds:"
_FRAME_NUMBER = re.compile(r"(\d+)$")


def file_names(root: str) -> list[str]:
    """Paths of all files below a folder or in a tar file, relative to it, with '/', sorted; hidden ones left out.

    Of `tfds:NAME`, a data set with `image` and `label` that TFDS has prepared: `<label>/<split>-<number>.jpg`.

    Raises:
      PreparationError: where there is none of them, or an empty one.
    """
    path = Path(root)
    if root.startswith(TFDS):
        names = list(_tfds_pictures(root))
    elif path.is_dir():
        names = [
            os.path.relpath(os.path.join(folder, name), path).replace(os.sep, "/")
            for folder, _, files in os.walk(path, followlinks=True)
            for name in files
        ]
    elif path.is_file() and tarfile.is_tarfile(path):
        names = list(_tar_members(str(path)))
    else:
        raise PreparationError(f"--source={root}: there is no such folder or tar file")
    names = sorted(name for name in names if not any(part.startswith(".") for part in name.split("/")))
    if not names:
        raise PreparationError(f"--source={root}: is empty")
    return names


def picture_names(root: str) -> list[str]:
    """As `file_names`, pictures only. Raises PreparationError where there is none."""
    names = [name for name in file_names(root) if name.lower().endswith(PICTURE_ENDINGS)]
    if not names:
        raise PreparationError(f"--source={root}: holds no picture ({', '.join(PICTURE_ENDINGS)})")
    return names


@functools.lru_cache(maxsize=4)
def _tar_members(root: str) -> dict[str, tuple[int, int]]:
    """Where each file of a tar lies: offset and size. A compressed tar has no such places."""
    try:
        with tarfile.open(root, mode="r:") as tar:
            return {member.name: (member.offset_data, member.size) for member in tar if member.isfile()}
    except tarfile.ReadError as error:
        raise PreparationError(f"--source={root}: only an uncompressed tar can be read in place; unpack it") from error


@functools.lru_cache(maxsize=2)
def _tfds_pictures(root: str) -> dict[str, tuple[Any, int]]:
    """Where each picture of a TFDS data set stands: the source of its split, and its number in it."""
    name, folder = root.removeprefix(TFDS), os.environ.get("TFDS_DATA_DIR")
    try:
        builder: Any = tfds.builder(name, data_dir=folder, file_format="array_record")
    except (DatasetNotFoundError, ValueError) as error:
        raise PreparationError(
            f"--source={root}: TFDS knows no such data set ({str(error).splitlines()[0]})"
        ) from error
    if not builder.is_prepared():
        raise PreparationError(
            f"--source={root}: TFDS has not prepared it in {builder.data_dir}; run `tfds build {name} "
            "--file_format=array_record`, or set $TFDS_DATA_DIR to where it is"
        )
    features: Any = builder.info.features
    lacking = {"image", "label"} - set(features)
    if lacking:
        raise PreparationError(f"--source={root}: has no {' and no '.join(sorted(lacking))}; those of LFW are needed")
    found: dict[str, tuple[Any, int]] = {}
    for split in builder.info.splits:
        source: Any = builder.as_data_source(split, decoders={"image": tfds.decode.SkipDecoding()})
        for number in range(len(source)):
            label = source[number]["label"]
            person = label.decode() if isinstance(label, bytes) else features["label"].int2str(label)
            found[f"{person}/{split}-{number:06d}.jpg"] = source, number
    return found


def read_bytes(picture: Picture) -> bytes:
    """The bytes of the picture's file. Raises ImageError where they cannot be read."""
    path = Path(picture.root)
    try:
        if picture.root.startswith(TFDS):
            source, number = _tfds_pictures(picture.root)[picture.name]
            return source[number]["image"]
        if path.is_dir():
            return (path / picture.name).read_bytes()
        offset, size = _tar_members(picture.root)[picture.name]
        with open(path, "rb") as file:
            file.seek(offset)
            return file.read(size)
    except (OSError, KeyError) as error:
        raise ImageError(f"{picture.name}: cannot be read ({error})") from error


def read_picture(picture: Picture) -> UInt8[np.ndarray, "h w 3"]:
    """RGB of a picture file. Raises ImageError."""
    return decode_image(read_bytes(picture), picture.name)


class Frames:
    """Frames of a video, or of a folder of numbered frames, by number; cheapest in rising order."""

    def __init__(self, video: Picture):
        """Opens `video`. Raises ImageError where it cannot be opened or holds no frame."""
        self.origin = video.name
        path = Path(video.root) / video.name
        self._folder: dict[int, Path] = {}
        if path.is_dir():
            for file in path.iterdir():
                number = _FRAME_NUMBER.search(file.stem)
                if file.suffix.lower() in PICTURE_ENDINGS and number:
                    self._folder[int(number.group(1))] = file
            self.numbers = sorted(self._folder)
        else:
            self._path, self._next = str(path), 0
            self._video = cv2.VideoCapture(self._path)
            self.numbers = list(range(int(self._video.get(cv2.CAP_PROP_FRAME_COUNT)))) if self._video.isOpened() else []
        if not self.numbers:
            self.close()
            raise ImageError(f"{video.name}: cannot be read as a video (missing, truncated, or of an unknown codec)")

    def read(self, number: int) -> UInt8[np.ndarray, "h w 3"]:
        """RGB of frame `number`, one of `numbers`. Raises ImageError where it cannot be decoded."""
        if self._folder:
            return decode_image(self._folder[number].read_bytes(), f"{self.origin}#{number}")
        if number < self._next:
            self._video.release()  # seeking in H.264 lands near the frame and not always on it
            self._video, self._next = cv2.VideoCapture(self._path), 0
        while self._next < number and self._video.grab():
            self._next += 1
        is_read, frame = self._video.read()
        if not is_read:
            raise ImageError(f"{self.origin}#{number}: cannot be decoded; the video ends after frame {self._next - 1}")
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
