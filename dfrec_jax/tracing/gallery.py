"""A gallery: the embeddings of known people, several pictures each, in a folder that is there whole or not at all.

`gallery.json` says what made it, of which pictures, and what was left out; `embeddings.safetensors` holds `pictures`
[n, e] in the order of the JSON and `people` [p, e], the rows that are searched.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.files import json_text, whole
from dfrec_jax.files.hashing import sha256_of_file
from dfrec_jax.frozen.detection import Face
from dfrec_jax.tracing.embedder import Identity

RECORD, TENSORS = "gallery.json", "embeddings.safetensors"
FORMAT = "dfrec-gallery-1"
RULE = "a person's score is the cosine of the query and the mean of the person's embeddings, brought to unit length"
BLOCK = 16_384  # rows that are read from the disk at a time: 8 MiB of 128 numbers


class Shot(NamedTuple):
    """One picture of a person: its path under the gallery's folder, its bytes' hash, and the face that was taken."""

    path: str
    sha256: str
    face: Face | None

    def as_json(self) -> dict[str, Any]:
        """As it stands in the record; whole pictures have no face."""
        if self.face is None:
            return {"path": self.path, "sha256": self.sha256}
        box, landmarks = np.round(self.face.box, 1).tolist(), np.round(self.face.landmarks, 1).tolist()
        return {"path": self.path, "sha256": self.sha256, "box": box, "landmarks": landmarks}


def shot_of_json(said: Mapping[str, Any]) -> Shot:
    """The inverse of `Shot.as_json`."""
    face = None
    if "box" in said:
        face = Face(np.array(said["box"], np.float32), 1.0, np.array(said["landmarks"], np.float32))
    return Shot(said["path"], said["sha256"], face)


class Person(NamedTuple):
    """A person of a gallery and the pictures that their embedding is the mean of."""

    name: str
    shots: tuple[Shot, ...]


class Gallery(NamedTuple):
    """A gallery as it is searched.

    Attributes:
      path: its folder.
      identity: what made it.
      pictures_dir: the folder of the pictures.
      people: in the order of `blocks`, by name.
      left_out: pictures that gave nothing, and why.
      sha256: of the embeddings' file.
      record: all of the JSON but the people.
    """

    path: Path
    identity: Identity
    pictures_dir: Path
    people: tuple[Person, ...]
    left_out: Mapping[str, str]
    sha256: str
    record: Mapping[str, Any]

    def blocks(self) -> Iterator[Float[np.ndarray, "m e"]]:
        """The people's embeddings, so many at a time that the memory is bounded however many there are."""
        yield from blocks_of(self.path / TENSORS, "people")

    def people_embeddings(self) -> Float[np.ndarray, "p e"]:
        """All of them at once."""
        return np.concatenate(list(self.blocks()))

    def picture_embeddings(self, person: int) -> Float[np.ndarray, "b e"]:
        """Of the pictures of one person."""
        start = sum(len(each.shots) for each in self.people[:person])
        with safe_open(self.path / TENSORS, framework="np") as file:
            return file.get_slice("pictures")[start : start + len(self.people[person].shots)]


def write(
    path: Path,
    identity: Identity,
    people: Sequence[Person],
    pictures: Float[np.ndarray, "n e"],
    means: Float[np.ndarray, "p e"],
    record: Mapping[str, Any],
) -> None:
    """Writes the folder `path`, which appears whole or not at all.

    Args:
      path: of the gallery; not there yet.
      identity: what made it.
      people: see `Gallery`.
      pictures: embeddings, in the order of the people and their shots.
      means: the people's.
      record: what else stands in the JSON.

    Raises:
      OSError: where it cannot be written.
    """
    with whole.new_folder(path) as folder:
        save_file({"pictures": np.ascontiguousarray(pictures), "people": np.ascontiguousarray(means)}, folder / TENSORS)
        said = {
            "format": FORMAT,
            **identity._asdict(),
            "rule": RULE,
            "embeddings_sha256": sha256_of_file(folder / TENSORS),
            **record,
            "people": [{"name": one.name, "pictures": [shot.as_json() for shot in one.shots]} for one in people],
        }
        whole.write_json(folder / RECORD, said, indent=1)


def read(path: str | os.PathLike[str], *, option: str = "--gallery") -> Gallery:
    """Reads a gallery and checks that its embeddings are those that were written with it.

    Args:
      path: its folder.
      option: that named it, for messages.

    Raises:
      ConfigError: for a folder that is no gallery, or one whose files do not belong together.
    """
    folder = Path(path)
    try:
        said = json_text.parsed((folder / RECORD).read_text())
        if said.get("format") != FORMAT:
            raise ConfigError(f"{option}={path}: {RECORD} has format {said.get('format')!r}, and {FORMAT!r} is read")
        people = tuple(Person(one["name"], tuple(map(shot_of_json, one["pictures"]))) for one in said.pop("people"))
        if not all(isinstance(text, str) for one in people for text in (one.name, *(shot.path for shot in one.shots))):
            raise ValueError("people and their pictures must have names")
        for name, kind in (("origin", str | None), ("num_people", int), ("num_pictures", int)):
            if not isinstance(said[name], kind):
                raise ValueError(f"{name} {said[name]!r}")
        identity = Identity(*(said[name] for name in Identity._fields))
        found = sha256_of_file(folder / TENSORS)
        with safe_open(folder / TENSORS, framework="np") as file:
            slices = [file.get_slice(name) for name in ("pictures", "people")]
            rows = [each.get_shape()[0] for each in slices if each.get_dtype() == "F32"]
        pictures_dir, left_out, wanted = Path(said["folder"]), said["left_out"], said["embeddings_sha256"]
    except OSError as error:
        raise ConfigError(f"{option}={path}: no gallery ({error}); `dfrec trace index` makes one") from error
    except (ValueError, KeyError, TypeError, AttributeError, SafetensorError) as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(f"{option}={path}: cannot be read as a gallery ({error}); make it anew") from error
    if found != wanted or rows != [sum(len(one.shots) for one in people), len(people)]:
        raise ConfigError(
            f"{option}={path}: {TENSORS} is not the one that {RECORD} was written with (SHA-256 {found}, not "
            f"{wanted}); one of the two was changed: make the gallery anew"
        )
    return Gallery(folder, identity, pictures_dir, people, left_out, found, said)


def blocks_of(file: Path, tensor: str) -> Iterator[Float[np.ndarray, "m e"]]:
    """The rows of a float32 tensor in a safetensors file, `BLOCK` at a time.

    They are read and not mapped: of a mapped file every page that was touched counts as memory, and comes at the price
    of a fault.
    """
    with file.open("rb") as opened:
        size = int.from_bytes(opened.read(8), "little")  # of the header, after which all tensors stand
        said = json_text.parsed(opened.read(size))[tensor]
        num_rows, width = said["shape"]
        opened.seek(8 + size + said["data_offsets"][0])
        for start in range(0, num_rows, BLOCK):
            count = min(BLOCK, num_rows - start)
            yield np.fromfile(opened, np.float32, count * width).reshape(count, width)
