"""What the pipeline must know of all records without reading them: labels, people, and partners for forgeries."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from dfrec_jax.files import json_text, npz
from dfrec_jax.forging.partners import nearest_partners
from dfrec_jax.records import pictures
from dfrec_jax.records.schema import LABELS, PRISTINE, Record

NUM_PARTNERS = 8


class DamagedIndex(ValueError):
    """A file of the index that is cut short or scrambled; the message names it."""


class Index(NamedTuple):
    """One split, record by record.

    Attributes:
      label: number in plan.LABELS.
      attack: number in `attack_names`.
      source_id, target_id: numbers in `identity_names`; of a pristine face both its own.
      has_source, has_target, has_mask: whether the record holds them; a pristine face is its own source and target.
      faces: numbers of the pristine records with 68 landmarks, from which forgeries can be made.
      partners: for each of `faces` the places in `faces` of the nearest of other people, the nearest first; empty where
        all are of one person.
    """

    label: UInt8[np.ndarray, " n"]
    attack: Int[np.ndarray, " n"]
    source_id: Int[np.ndarray, " n"]
    target_id: Int[np.ndarray, " n"]
    has_source: Bool[np.ndarray, " n"]
    has_target: Bool[np.ndarray, " n"]
    has_mask: Bool[np.ndarray, " n"]
    faces: Int[np.ndarray, " f"]
    partners: Int[np.ndarray, "f k"]


class Names(NamedTuple):
    """What the numbers of all splits mean."""

    attacks: tuple[str, ...]
    identities: tuple[str, ...]


class Summary(NamedTuple):
    """What is kept of a record while the index is made."""

    label: int
    attack: str
    source_identity: str
    target_identity: str
    has_source: bool
    has_target: bool
    has_mask: bool
    signature: Float[np.ndarray, " d"]
    pictures: tuple[int, ...]


def summarise(record: Record) -> Summary:
    """Of a record as `records.parse` gives it."""
    is_pristine = LABELS[record["label"]] == PRISTINE
    return Summary(
        label=int(record["label"]),
        attack=record["attack"].decode(),
        source_identity=record["source_identity"].decode(),
        target_identity=record["target_identity"].decode(),
        has_source=is_pristine or bool(record["source"]),
        has_target=is_pristine or bool(record["target"]),
        has_mask=is_pristine or bool(record["mask"]),
        signature=record["signature"],
        pictures=pictures.hashes_of(record),
    )


def names_of(splits: dict[str, list[Summary]]) -> Names:
    """Every attack and every person of all splits, sorted."""
    everything = [summary for summaries in splits.values() for summary in summaries]
    people = {name for summary in everything for name in (summary.source_identity, summary.target_identity)}
    return Names(tuple(sorted({summary.attack for summary in everything})), tuple(sorted(people)))


def make_index(summaries: Sequence[Summary], names: Names) -> Index:
    """The index of one split."""
    attack = {name: number for number, name in enumerate(names.attacks)}
    person = {name: number for number, name in enumerate(names.identities)}
    faces = np.array([i for i, summary in enumerate(summaries) if len(summary.signature)], np.int32)
    source_id = np.array([person[summary.source_identity] for summary in summaries], np.int32)
    partners = np.zeros((len(faces), 0), np.int32)
    if len(np.unique(source_id[faces])) > 1:
        signatures = np.stack([summaries[i].signature for i in faces])
        partners = nearest_partners(signatures, source_id[faces], NUM_PARTNERS)
    return Index(
        label=np.array([summary.label for summary in summaries], np.uint8),
        attack=np.array([attack[summary.attack] for summary in summaries], np.int32),
        source_id=source_id,
        target_id=np.array([person[summary.target_identity] for summary in summaries], np.int32),
        has_source=np.array([summary.has_source for summary in summaries], bool),
        has_target=np.array([summary.has_target for summary in summaries], bool),
        has_mask=np.array([summary.has_mask for summary in summaries], bool),
        faces=faces,
        partners=partners,
    )


def write(folder: Path, indices: dict[str, Index], names: Names) -> None:
    """index-<split>.npz and names.json beside the records."""
    for split, index in indices.items():
        np.savez(folder / f"index-{split}.npz", **index._asdict())
    text = json.dumps(names._asdict(), ensure_ascii=False, indent=1)
    (folder / "names.json").write_text(text, encoding="utf-8")  # whatever the locale says


def read(folder: Path, split: str) -> tuple[Index, Names]:
    """The index of a split.

    Raises:
      FileNotFoundError: for a folder that `dfrec prepare` did not finish, or a split that is not there.
      DamagedIndex: for a file that cannot be read as what it should be.
    """
    path = folder / f"index-{split}.npz"
    try:
        with path.open("rb") as file:
            stored = npz.read(file)
        index = Index(**{name: stored[name] for name in Index._fields})
        path = folder / "names.json"
        names = json_text.parsed(path.read_text(encoding="utf-8"))
        found = Names(tuple(names["attacks"]), tuple(names["identities"]))
        if not all(isinstance(name, str) for name in (*found.attacks, *found.identities)):
            raise ValueError("a name is no text")
        path = folder / f"index-{split}.npz"
        _check(index, found)
        return index, found
    except FileNotFoundError:
        raise
    except npz.ERRORS as error:
        raise DamagedIndex(f"{path.name} is damaged ({type(error).__name__})") from error


def _check(index: Index, names: Names) -> None:
    """Raises ValueError where a column is of another kind or length, or a number names what is not there."""
    count, num_faces = len(index.label), len(index.faces)
    for name, column in index._asdict().items():
        kind = "b" if name.startswith("has_") else "iu"
        shape = (num_faces,) if name == "faces" else (count,)
        if column.dtype.kind not in kind or (column.shape != shape if name != "partners" else column.ndim != 2):
            raise ValueError(f"{name} is {column.dtype} {column.shape}")
    for column, limit in (
        (index.label, len(LABELS)),
        (index.attack, len(names.attacks)),
        (index.source_id, len(names.identities)),
        (index.target_id, len(names.identities)),
        (index.faces, count),
        (index.partners, num_faces),
    ):
        if column.size and not 0 <= column.min() <= column.max() < limit:
            raise ValueError("a number is out of its range")
    if len(index.partners) != num_faces and index.partners.shape[1]:
        raise ValueError("faces and partners are not of one number")
