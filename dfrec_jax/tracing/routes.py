"""What is searched with: the ways from an exhibit to an embedding of the hidden person, and of the visible one.

| role | route | embedding |
|---|---|---|
| target | visible given | the exhibit's, less its component along the visible person's, whom references show |
| target | raw | of the exhibit: mostly the visible person's; the row that the others must beat |
| target | visible estimated | the same, along the embedding of the recovered source |
| target | recovered | of the recovered target |
| target | head | of the trace head (`head.py`), which is told of no visible person |
| target | head given | the same, told of the visible person by references |
| target | head estimated | the same, told of the recovered source |
| source | raw | of the exhibit |
| source | recovered | of the recovered source |
"""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from dfrec_jax.files import json_text
from dfrec_jax.forensics import result_folder
from dfrec_jax.frozen.detection import Face
from dfrec_jax.models import residual
from dfrec_jax.pictures import framing, generated
from dfrec_jax.pictures.reading import ImageError, decode_image, read_bytes
from dfrec_jax.tracing.embedder import NO_FACE, Embedder, Picture, mean_direction
from dfrec_jax.tracing.head import Head

ROLES = ("target", "source")
RAW, GIVEN, ESTIMATED, RECOVERED = "raw", "visible given", "visible estimated", "recovered"
HEAD, HEAD_GIVEN, HEAD_ESTIMATED = "head", "head given", "head estimated"
ROUTES = {  # in the order of every table: first what was measured to find most, with nothing trained
    "target": (GIVEN, RAW, ESTIMATED, RECOVERED, HEAD, HEAD_GIVEN, HEAD_ESTIMATED),
    "source": (RAW, RECOVERED),
}
NEEDS_RESULT = (ESTIMATED, RECOVERED, HEAD_ESTIMATED)  # what the recovering network has a part in
NEEDS_HEAD = (HEAD, HEAD_GIVEN, HEAD_ESTIMATED)
NOBODY_NAMED = "nobody was named by --visible"
_NEEDED = ("input", "input_sha256", "status", "network_sha256")
_RESULT_PICTURES = ("input", "source", "target")


def _has_shape(value: Any, *shape: int) -> bool:
    try:
        array = np.array(value, np.float64)
    except (TypeError, ValueError):
        return False
    return array.shape == shape and bool(np.isfinite(array).all())


# What `dfrec recover` writes, by field, of the value and of the whole record.
_RIGHT: Mapping[str, Callable[[Any, Mapping[str, Any]], bool]] = {
    "input": lambda value, _: isinstance(value, str),
    "input_sha256": lambda value, _: isinstance(value, str) and bool(re.fullmatch("[0-9a-f]{64}", value)),
    "status": lambda value, _: isinstance(value, str),
    "network_sha256": lambda value, _: isinstance(value, str),
    "face_box": lambda value, _: value is None or _has_shape(value, 4),
    "face_landmarks": lambda value, said: said.get("face_box") is None or _has_shape(value, 5, 2),
    "crop_matrix": lambda value, _: value is None or _has_shape(value, 2, 3),
    "input_size": lambda value, said: said.get("face_box") is None or _has_shape(value, 2) and min(value) > 0,
}


def place_of(role: str, route: str) -> tuple[int, int]:
    """Where a route stands in tables."""
    return ROLES.index(role), ROUTES[role].index(route)


class Query(NamedTuple):
    """One embedding to search with, and the face as the recogniser saw it.

    Attributes:
      role: whose face is sought, `target` or `source`.
      route: see the table above.
      embedding: of unit length.
      picture: beside which candidates are shown.
    """

    role: str
    route: str
    embedding: Float[np.ndarray, " e"]
    picture: Picture


class Exhibit(NamedTuple):
    """A picture, or a result of `dfrec recover`, and all that can be searched with.

    Attributes:
      name: of the picture.
      sha256: of its bytes.
      queries: for each role and route that there is, in the order of tables.
      left_out: routes that there are not, and why.
      network_sha256: of the network that recovered it; None of a picture.
      record: for the JSON.
      head_sha256: of the trace head, where one was asked.
    """

    name: str
    sha256: str
    queries: tuple[Query, ...]
    left_out: Mapping[str, str]
    network_sha256: str | None
    record: Mapping[str, Any]
    head_sha256: str | None = None


class Visible(NamedTuple):
    """The person who is seen in the exhibit, by references: the mean of their embeddings, and their hashes."""

    direction: Float[np.ndarray, " e"]
    sha256: tuple[str, ...]


def visible_of(paths: Sequence[Path], embedder: Embedder) -> Visible | None:
    """Reads references; None of none.

    Raises:
      ImageError: for a picture that cannot be read or shows no face; names it.
    """
    if not paths:
        return None
    faces, hashes = [], []
    for path in paths:
        data = read_bytes(path)
        face = embedder.face(decode_image(data, path).pixels)
        if face is None:
            raise ImageError(f"--visible {path}: {NO_FACE}; leave it out, or cut the face out")
        faces.append(face)
        hashes.append(hashlib.sha256(data).hexdigest())
    return Visible(mean_direction(embedder.embeddings(faces)), tuple(hashes))


def read(path: Path, embedder: Embedder, visible: Visible | None, head: Head | None = None) -> Exhibit:
    """What there is to search with in a picture, or in a folder of `dfrec recover`.

    Args:
      path: of the picture or folder.
      embedder: of the gallery that is searched.
      visible: who is seen, where that is known.
      head: the trace head, where its routes are asked for.

    Raises:
      ImageError: for what cannot be read, shows no face, or is a result without one.
    """
    exhibit = _of_result if path.is_dir() else _of_picture
    return exhibit(path, embedder, visible, head)


def _of_picture(path: Path, embedder: Embedder, visible: Visible | None, head: Head | None) -> Exhibit:
    data = read_bytes(path)
    picture = decode_image(data, path).pixels
    sha256 = hashlib.sha256(data).hexdigest()
    reason = "a picture, and no result of `dfrec recover`, was given"
    return _exhibit(path.name, sha256, {"input": picture}, None, embedder, visible, head, reason, None, {})


def _of_result(folder: Path, embedder: Embedder, visible: Visible | None, head: Head | None) -> Exhibit:
    try:
        said = json_text.parsed((folder / result_folder.RECORD).read_text())
        missing = [key for key in _NEEDED if key not in said]
    except (OSError, ValueError, TypeError) as error:
        raise ImageError(
            f"{folder}: is no result of `dfrec recover` ({error}); name a picture, or the folder that holds "
            f"{result_folder.RECORD}"
        ) from error
    if missing:
        raise ImageError(
            f"{folder}: its {result_folder.RECORD} has no {', '.join(missing)}: an earlier version wrote it; recover "
            "the picture again"
        )
    if said.get("kind") == "video":
        raise ImageError(f"{folder}: is the result of a video; name the folder of a frame, as track-1/frame-000123")
    if wrong := next((key for key, is_right in _RIGHT.items() if not is_right(said.get(key), said)), None):
        words = f"its {result_folder.RECORD} says {wrong} {repr(said.get(wrong))[:80]}"
        raise ImageError(f"{folder}: is damaged: {words}, which no result does; recover the picture again")
    name, sha256, status, network = (said[key] for key in _NEEDED)
    if status == "not_applicable":
        raise ImageError(f"{folder}: not_applicable, {said.get('reason')}: there is nothing to search with")
    names = _RESULT_PICTURES if status == "recovered" else _RESULT_PICTURES[:1]
    pictures = {each: decode_image(read_bytes(path := folder / f"{each}.png"), path).pixels for each in names}
    side = len(pictures["input"])
    pictures = {each: generated.without_label(pixels, side) for each, pixels in pictures.items()}
    face = _face_in_crop(said, pictures["input"])
    reason = f"the result is `{status}`: {said.get('reason')}"
    kept = ("status", "mode", "config", "seed", "checkpoint_step", "network_sha256")
    record = {key: said.get(key) for key in kept}
    return _exhibit(name, sha256, pictures, face, embedder, visible, head, reason, network, record)


def _face_in_crop(said: Mapping[str, Any], crop: Picture) -> Face | None:
    """The face in the pictures of a result, where the record says where it is in the input."""
    if said.get("face_box") is None:
        return None
    if said["crop_matrix"] is None:  # the whole picture was resized
        scale = np.array(crop.shape[1::-1]) / said["input_size"]
        matrix = np.column_stack([np.diag(scale), 0.5 * scale - 0.5]).astype(np.float32)
    else:
        matrix = np.array(said["crop_matrix"], np.float32)
    x0, y0, x1, y1 = np.array(said["face_box"], np.float32) - 0.5  # boxes have edges, pixels have centres
    corners = framing.moved(np.array([[x0, y0], [x1, y0], [x0, y1], [x1, y1]], np.float32), matrix) + 0.5
    box = np.concatenate([corners.min(axis=0), corners.max(axis=0)])
    return Face(box, 1.0, framing.moved(np.array(said["face_landmarks"], np.float32), matrix))


def _exhibit(
    name: str,
    sha256: str,
    pictures: Mapping[str, Picture],
    face: Face | None,
    embedder: Embedder,
    visible: Visible | None,
    head: Head | None,
    not_recovered: str,
    network: str | None,
    record: Mapping[str, Any],
) -> Exhibit:
    """`face`: in every one of `pictures`; looked for in the input where it is not known."""
    known = None if face is None else [face]
    found = embedder.face(pictures["input"], known)
    if found is None:
        raise ImageError(f"{name}: {NO_FACE} ({embedder.face_check}); cut the face out")
    if known is None and found.face is not None:
        known = [found.face]
    faces = {"input": found} | {
        each: embedder.face(pictures[each], known or ()) for each in pictures if each != "input"
    }
    seen = {each: face for each, face in faces.items() if face is not None}
    rows = dict(zip(seen, embedder.embeddings(list(seen.values())), strict=True))
    queries = [Query("target", RAW, rows["input"], found.pixels)]
    left_out = {}
    if visible is None:
        left_out[f"target, {GIVEN}"] = NOBODY_NAMED
    else:
        queries.append(Query("target", GIVEN, without(rows["input"], visible.direction), found.pixels))
    if "source" in rows:
        queries.append(Query("target", ESTIMATED, without(rows["input"], rows["source"]), found.pixels))
        queries.append(Query("target", RECOVERED, rows["target"], seen["target"].pixels))
    if head is not None:
        told: dict[str, np.ndarray | None] = {HEAD: None}
        if visible is None:
            left_out[f"target, {HEAD_GIVEN}"] = NOBODY_NAMED
        else:
            told[HEAD_GIVEN] = visible.direction
        if "source" in rows:
            told[HEAD_ESTIMATED] = rows["source"]
        of_head = head.embeddings(found, list(told.values()))
        queries += [Query("target", route, row, found.pixels) for route, row in zip(told, of_head, strict=True)]
        record = {**record, **head.record}
    queries.append(Query("source", RAW, rows["input"], found.pixels))
    if "source" in rows:
        queries.append(Query("source", RECOVERED, rows["source"], seen["source"].pixels))
    else:
        left_out |= {
            f"{role}, {route}": not_recovered
            for role in ROLES
            for route in ROUTES[role]
            if route in NEEDS_RESULT and (head is not None or route not in NEEDS_HEAD)
        }
    queries.sort(key=lambda query: place_of(query.role, query.route))
    return Exhibit(name, sha256, tuple(queries), left_out, network, record, None if head is None else head.sha256)


def without(embedding: Float[np.ndarray, " e"], direction: Float[np.ndarray, " e"]) -> Float[np.ndarray, " e"]:
    """What of `embedding` is perpendicular to `direction`, of unit length."""
    return np.asarray(residual.without_component(jnp.asarray(embedding)[None], jnp.asarray(direction)[None]))[0]
