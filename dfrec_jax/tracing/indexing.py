"""Making a gallery of a folder of pictures, `<person>/<picture>`. What was embedded is kept until all is done."""

import hashlib
import importlib.metadata
import json
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.files import json_text, whole
from dfrec_jax.forensics import result_folder
from dfrec_jax.forensics.framed import Framed
from dfrec_jax.pictures.reading import ImageError, decode_image, read_bytes
from dfrec_jax.tracing import gallery
from dfrec_jax.tracing.embedder import NO_FACE, Embedder, mean_direction
from dfrec_jax.tracing.gallery import Person, Shot

AT_A_TIME = 16  # pictures, whose faces are embedded together
KEPT_EVERY = 256  # pictures or an eighth of what is done, whichever is more: a stopped index goes on from there


class Embedded(NamedTuple):
    """What became of a picture: its embedding, or the reason why there is none."""

    shot: Shot
    embedding: Float[np.ndarray, " e"] | None
    reason: str


def pictures_of(folder: str | os.PathLike[str]) -> tuple[dict[str, list[str]], dict[str, str]]:
    """The pictures of each person, as paths under `folder`, and what stands where no picture is looked for.

    Names that begin with a dot are nobody's and are passed over.

    Raises:
      ConfigError: where `folder` holds nobody.
    """
    root = Path(folder)
    if not root.is_dir():
        raise ConfigError(f"{folder}: no such folder; a folder with one folder for each person is needed")
    people: dict[str, list[str]] = {}
    left_out: dict[str, str] = {}
    for entry in _visible(root):
        if not entry.is_dir():
            left_out[entry.name] = "stands in no person's folder"
            continue
        for file in _visible(entry):
            name = f"{entry.name}/{file.name}"
            if file.is_dir():
                left_out[name] = "is a folder within a person's"
            else:
                people.setdefault(entry.name, []).append(name)
    if not people:
        raise ConfigError(f"{folder}: holds no picture of anybody; pictures must stand in <person>/<picture>")
    return people, left_out


def _visible(folder: Path) -> list[Path]:
    return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))


def indexing(
    folder: str | os.PathLike[str],
    out: str | os.PathLike[str],
    embedder: Embedder,
    *,
    origin: str = "",
    lies_at: Path | None = None,
) -> Iterator[Embedded]:
    """Yields what became of each picture under `folder`, and writes the gallery `out` after the last.

    Args:
      folder: `<person>/<picture>`.
      out: the gallery's folder, not there yet.
      embedder: what finds and embeds faces.
      origin: where the pictures come from and by what right, in the caller's words; for the record.
      lies_at: where `folder` will lie when the gallery is read; None: where it lies.

    Raises:
      ConfigError: where `out` is there already, `folder` holds nobody, or nobody's face was found.
      OSError: where the gallery cannot be written.
    """
    out = Path(out)
    if os.path.lexists(out):
        raise ConfigError(f"--out={out}: is there already; choose another name, or move it away")
    people, left_out = pictures_of(folder)
    result_folder.check_out(out.parent)
    kept = out.with_name(f".{out.name}.unfinished.safetensors")
    known, done = _kept(kept, embedder), []
    fresh = 0
    for batch in _in_parts([name for names in people.values() for name in names], AT_A_TIME):
        made = list(_embedded(Path(folder), batch, embedder, known))
        fresh += sum(one.shot.sha256 not in known for one in made)
        done += made
        if fresh >= max(KEPT_EVERY, len(done) // 8):
            fresh = 0
            _keep(kept, done, embedder)
        yield from made
    if done and all(one.embedding is None for one in done):
        raise ConfigError(f"{folder}: no face was found in any of its {len(done)} pictures ({done[0].reason})")
    _write(out, Path(lies_at or folder), done, left_out, embedder, origin)
    kept.unlink(missing_ok=True)


def _in_parts(names: list[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(names), size):
        yield names[start : start + size]


def _embedded(
    folder: Path, names: list[str], embedder: Embedder, known: Mapping[str, tuple[Shot, np.ndarray | None, str]]
) -> Iterator[Embedded]:
    """In order; faces are embedded together."""
    found: list[tuple[Shot, Framed | None, str]] = []
    for name in names:
        try:
            data = read_bytes(folder / name)
            sha256 = hashlib.sha256(data).hexdigest()
            if sha256 in known:
                found.append((Shot(name, sha256, None), None, ""))
                continue
            picture, _ = decode_image(data, name)
        except ImageError as error:
            found.append((Shot(name, "", None), None, error.reason))
            continue
        face = embedder.face(picture)
        found.append((Shot(name, sha256, None if face is None else face.face), face, "" if face else NO_FACE))
    faces = [face for _, face, _ in found if face is not None]
    embeddings = iter(embedder.embeddings(faces) if faces else ())
    for shot, face, reason in found:
        if shot.sha256 in known:
            before, embedding, why = known[shot.sha256]
            yield Embedded(shot._replace(face=before.face), embedding, why)
        else:
            yield Embedded(shot, None if face is None else next(embeddings), reason)


def _write(
    out: Path, folder: Path, done: list[Embedded], left_out: dict[str, str], embedder: Embedder, origin: str
) -> None:
    left_out = left_out | {one.shot.path: one.reason for one in done if one.embedding is None}
    by_bytes: dict[str, list[str]] = defaultdict(list)
    for one in done:
        if one.embedding is not None:
            by_bytes[one.shot.sha256].append(one.shot.path)
    for paths in by_bytes.values():
        owners = {path.partition("/")[0] for path in paths}
        if len(owners) == 1:
            left_out |= {path: f"the same bytes as {paths[0]}" for path in paths[1:]}
        else:
            left_out |= {path: f"the same bytes stand under {' and '.join(sorted(owners))}" for path in paths}
    of_person: dict[str, list[Embedded]] = defaultdict(list)
    for one in done:
        if one.shot.path not in left_out:
            of_person[one.shot.path.partition("/")[0]].append(one)
    if not of_person:
        raise ConfigError(f"{folder}: every picture that shows a face stands under two people's names")
    people = [Person(name, tuple(one.shot for one in theirs)) for name, theirs in of_person.items()]
    pictures = [
        np.stack([one.embedding for one in theirs if one.embedding is not None]) for theirs in of_person.values()
    ]
    record = {
        "dfrec_jax": importlib.metadata.version("dfrec-jax"),
        "face": embedder.face_check,
        "folder": str(folder.absolute()),
        "origin": origin or None,
        "num_people": len(people),
        "num_pictures": sum(map(len, pictures)),
        "left_out": left_out,
    }
    means = np.stack([mean_direction(theirs) for theirs in pictures])
    gallery.write(out, embedder.identity, people, np.concatenate(pictures), means, record)


def _keep(path: Path, done: list[Embedded], embedder: Embedder) -> None:
    """Writes what is done; of unreadable files nothing is kept."""
    done = [one for one in done if one.shot.sha256]
    rows = [one.embedding for one in done if one.embedding is not None]
    said = [[one.shot.as_json(), one.reason] for one in done]
    metadata = {"identity": json.dumps(embedder.identity), "face": embedder.face_check, "done": json.dumps(said)}
    with whole.replacing(path) as unfinished:
        save_file({"rows": np.stack(rows) if rows else np.zeros((0, 1), np.float32)}, unfinished, metadata=metadata)


def _kept(path: Path, embedder: Embedder) -> dict[str, tuple[Shot, np.ndarray | None, str]]:
    """By SHA-256, what an index that was stopped had done; nothing where another network or detector did it."""
    try:
        with safe_open(path, framework="np") as file:
            said: dict[str, Any] = file.metadata() or {}
            rows = iter(file.get_tensor("rows"))
        if said["identity"] != json.dumps(embedder.identity) or said["face"] != embedder.face_check:
            return {}
        shots = [(gallery.shot_of_json(shot), reason) for shot, reason in json_text.parsed(said["done"])]
        return {shot.sha256: (shot, None if reason else next(rows), reason) for shot, reason in shots}
    except (OSError, ValueError, KeyError, TypeError, StopIteration, SafetensorError):
        return {}  # none, or torn by another program: the pictures are looked at again
