"""Pictures of faces with CelebA's 40 attributes: of a prepared data set, or of a folder with CelebA's lists."""

import hashlib
import sys
from pathlib import PurePosixPath
from typing import Any, Protocol, runtime_checkable

import cv2
import numpy as np
from ml_collections import ConfigDict

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.data import rows
from dfrec_jax.pictures.reading import ImageError
from dfrec_jax.preparation import splits
from dfrec_jax.preparation.inputs import listing, source_files, tables
from dfrec_jax.preparation.layouts import face_folders
from dfrec_jax.preparation.plan import Picture, PreparationError
from dfrec_jax.records import joint

SIDE = 224  # pixels of a picture as it leaves the host; the device resizes it for the network
FOLDER = "folder"
CELEBA_SPLITS = {"0": "train", "1": "validation", "2": "test"}

Example = dict[str, Any]


@runtime_checkable
class LabelledFaces(Protocol):
    """One split; `example(i)` is `image` (uint8, `SIDE` a side) and `attributes` (-1, 1, or 0 where not known)."""

    identities: np.ndarray  # a number for each person, for intervals; each picture its own where people are not known

    def __len__(self) -> int: ...

    def example(self, number: int) -> Example:
        """Picture `number` with its attributes."""
        ...

    def attributes(self, number: int) -> np.ndarray:
        """The attributes alone."""
        ...

    def digest(self) -> str:
        """Of what the split holds, so that a resumed run is known to go on with the same data."""
        ...


def open_split(config: ConfigDict, split: str) -> LabelledFaces:
    """Opens train, validation or test.

    Raises:
      ConfigError: where the data set, its lists or the split is not there, or cannot be used.
    """
    if config.data.dataset == FOLDER:
        try:
            return _FolderFaces(config, split)
        except PreparationError as error:
            raise ConfigError(str(error)) from error
    return _PreparedFaces(config, split)


def check_measurable(faces: LabelledFaces, split: str, num_measured: int, config: ConfigDict) -> None:
    """Sees to it that a balanced accuracy has a value: of one attribute at least both values must occur.

    Args:
      faces: of `open_split`.
      split: its name.
      num_measured: the first so many are measured.
      config: of the run.

    Raises:
      ConfigError: where each attribute that is known is there in all of them, or in none.
    """
    has, lacks = np.zeros(40, bool), np.zeros(40, bool)
    for number in range(num_measured):  # seldom more than a few are looked at
        labels = faces.attributes(number)
        has, lacks = has | (labels > 0), lacks | (labels < 0)
        if (has & lacks).any():
            return
    raise ConfigError(
        f"data.dataset={config.data.dataset!r}: among the {num_measured} {split} pictures that are measured no "
        "attribute is there in some and not in others, so that no accuracy can be balanced; use more of them "
        "(data.validation_examples), or another partition"
    )


class _PreparedFaces:
    """The pristine faces that `dfrec prepare faces` wrote."""

    def __init__(self, config: ConfigDict, split: str):
        self._split = joint.open_split(config.data.dir, config.data.dataset, split)
        self._numbers = self._split.pristine
        self.identities = self._split.index.target_id[self._numbers]
        if not len(self) or not self.attributes(0).any():
            raise ConfigError(
                f"data.dataset={config.data.dataset!r}: {self._split.folder} holds no {split} face whose attributes "
                "are known; run `dfrec prepare faces` with --attributes"
            )

    def __len__(self) -> int:
        return len(self._numbers)

    def example(self, number: int) -> Example:
        image, attributes = self._split.labelled(int(self._numbers[number]), SIDE)
        return {"image": image, "attributes": _forty(attributes)}

    def attributes(self, number: int) -> np.ndarray:
        return _forty(self._split.attributes(int(self._numbers[number])))

    def digest(self) -> str:
        return self._split.digest()


class _FolderFaces:
    """A folder (or tar file) of pictures such as img_align_celeba, with list_attr_celeba.txt and a partition."""

    def __init__(self, config: ConfigDict, split: str):
        self._root, self._crop = config.data.dir, config.data.crop
        labels = face_folders.read_attributes(config.data.attributes, "data.attributes=")
        split_of = _read_partition(config.data.partition)
        listed = listing.list_pictures(self._root, "data.dir=")
        names = listed.names
        self._names = [name for name in names if _of(split_of, name) == split and _of(labels, name) is not None]
        self._labels = [np.array(_of(labels, name), np.int8) for name in self._names]
        if not self._names:
            raise ConfigError(
                f"data.dir={self._root!r}: none of its {len(names)} pictures, such as {names[0]}, is a {split} picture "
                f"in {config.data.partition} and has attributes in {config.data.attributes}"
            )
        left_out = {
            f"are not in {config.data.partition}": sum(_of(split_of, name) is None for name in names),
            f"have no line in {config.data.attributes}": sum(_of(labels, name) is None for name in names),
            "cannot be used": len(listed.rejected),
        }
        for why, count in left_out.items():
            if count and split == "train":  # of the folder, and so said once
                print(f"note: data.dir={self._root}: {count} of its files {why}", file=sys.stderr)
        people = [PurePosixPath(name).parent.name or name for name in self._names]
        self.identities = np.unique(people, return_inverse=True)[1]

    def __len__(self) -> int:
        return len(self._names)

    def example(self, number: int) -> Example:
        picture = source_files.read_picture(Picture(self._root, self._names[number])).pixels
        return {"image": _central_square(picture, self._crop), "attributes": self._labels[number]}

    def attributes(self, number: int) -> np.ndarray:
        return self._labels[number]

    def digest(self) -> str:
        everything = hashlib.sha256("\n".join(self._names).encode())
        everything.update(np.stack(self._labels).tobytes())
        return everything.hexdigest()[:16]


def _of(table: dict[str, Any], name: str) -> Any:
    """By the whole path below the folder, or by the file's name alone, as CelebA's lists have it."""
    return table.get(name, table.get(PurePosixPath(name).name))


def _forty(attributes: np.ndarray) -> np.ndarray:
    return attributes if len(attributes) else np.zeros(40, np.int8)


def _central_square(picture: np.ndarray, crop: float) -> np.ndarray:
    side = max(1, round(crop * min(picture.shape[:2])))
    top, left = ((size - side) // 2 for size in picture.shape[:2])
    square = picture[top : top + side, left : left + side]
    how = cv2.INTER_AREA if side > SIDE else cv2.INTER_LINEAR
    return cv2.resize(square, (SIDE, SIDE), interpolation=how)


def _read_partition(path: str) -> dict[str, str]:
    """By file: CelebA's own list (a file and 0, 1 or 2 a line), or a CSV with columns file and split."""
    lines = tables.read_text(path, "data.partition=").split("\n")
    if "," in lines[0]:
        return {row["file"]: splits.named_split(row["split"], path) for row in tables.read_table(path, "file", "split")}
    partition = {}
    for number, line in enumerate(lines, 1):
        fields = line.split()
        if fields and (len(fields) != 2 or fields[1] not in CELEBA_SPLITS):
            raise PreparationError(f"data.partition={path}: line {number} is {line!r}, expected a file and 0, 1 or 2")
        if fields:
            partition[fields[0]] = CELEBA_SPLITS[fields[1]]
    return partition


class TrainRows:
    """Every row of every training batch by its number, step * batch size + row."""

    def __init__(self, faces: LabelledFaces, batch_size: int, seed: int):
        self._faces, self._seed, self._kinds = faces, seed, (rows.REAL,) * batch_size

    def __call__(self, index: int) -> Example:
        """The example; a picture that cannot be read ends the run by its name."""
        return _read(self._faces, rows.place_of(self._kinds, {rows.REAL: len(self._faces)}, self._seed, index).number)


class EvaluationRows:
    """Every picture of a split in its order, with `identity`."""

    def __init__(self, faces: LabelledFaces):
        self._faces = faces

    def __len__(self) -> int:
        return len(self._faces)

    def __call__(self, row: int) -> Example:
        return {**_read(self._faces, row), "identity": np.int32(self._faces.identities[row])}


def _read(faces: LabelledFaces, number: int) -> Example:
    try:
        return faces.example(number)
    except ImageError as error:
        raise ConfigError(f"{error}; take it out of the partition") from error
