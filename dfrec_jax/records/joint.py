"""Several prepared data sets read as one: `data.dir` names their folders, with commas between."""

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.records.index import Index, Names
from dfrec_jax.records.prepared import PreparedSplit
from dfrec_jax.records.schema import BUILDERS


class JointSplit(PreparedSplit):
    """The same split of several data sets, one after the other.

    People are never the same in two of them, whatever they are called; attacks of one name are. A forgery is still made
    of two faces of one data set, as its partners were searched there.
    """

    def __init__(self, parts: Sequence[PreparedSplit]):
        """Joins opened splits; a part whose faces are all of one person gives none to forge from."""
        self.folder = ", ".join(str(part.folder) for part in parts)
        self._parts, self._starts = tuple(parts), _starts([len(part.index.label) for part in parts])
        self.names = Names(
            tuple(sorted({attack for part in parts for attack in part.names.attacks})),
            tuple(f"{part.folder}/{name}" for part in parts for name in part.names.identities),
        )
        self.index = _joined_index(parts, self._starts, self.names)
        self.pristine, self.forgeries = (
            np.concatenate([getattr(part, name) + start for part, start in zip(parts, self._starts, strict=True)])
            for name in ("pristine", "forgeries")
        )
        self.faces = self.index.faces
        self.frame = parts[0].frame

    def _fields(self, number: int) -> Any:
        part = int(np.searchsorted(self._starts, number, side="right")) - 1
        return self._parts[part]._fields(int(number) - int(self._starts[part]))


def _joined_index(parts: Sequence[PreparedSplit], starts: np.ndarray, names: Names) -> Index:
    """One index whose numbers of records, people, attacks and faces are those of the whole."""
    able = [bool(part.index.partners.size) for part in parts]
    first_people = _starts([len(part.names.identities) for part in parts])
    first_faces = _starts([len(part.faces) if is_able else 0 for part, is_able in zip(parts, able, strict=True)])
    joined: dict[str, list[np.ndarray]] = {name: [] for name in Index._fields}
    for number, part in enumerate(parts):
        index = part.index._asdict()
        attacks = np.array([names.attacks.index(name) for name in part.names.attacks], np.int32)
        index["attack"] = attacks[index["attack"]]
        for role in ("source_id", "target_id"):
            index[role] = (index[role] + first_people[number]).astype(np.int32)
        index["faces"] = index["faces"] + starts[number]
        index["partners"] = index["partners"] + first_faces[number]
        for name, values in index.items():
            if able[number] or name not in ("faces", "partners"):
                joined[name].append(values)
    if not any(able):
        joined |= {"faces": [np.zeros(0, np.int32)], "partners": [np.zeros((0, 0), np.int32)]}
    return Index(**{name: _concatenated(values) for name, values in joined.items()})


def _concatenated(values: Sequence[np.ndarray]) -> np.ndarray:
    """Partners may be fewer in one data set than in another: as many as all have."""
    if values[0].ndim == 2:
        width = min(value.shape[1] for value in values)
        values = [value[:, :width] for value in values]
    return np.concatenate(values)


def _starts(sizes: Sequence[int]) -> np.ndarray:
    """Where each block begins when they stand one after the other."""
    return np.cumsum([0, *sizes[:-1]])


def named_folders(folders: str, dataset: str) -> list[tuple[str, str]]:
    """The data set and the folder of each entry of `data.dir`: `DIR`, or `triplets:DIR` for another than `dataset`."""
    found = []
    for entry in folders.split(","):
        kind, colon, folder = entry.strip().partition(":")
        found.append((kind, folder) if colon and kind in BUILDERS else (dataset, entry.strip()))
    return found


@functools.lru_cache(maxsize=4)
def open_split(folders: str, dataset: str, split: str, attack: str = "") -> PreparedSplit:
    """The split of the data sets under `folders` (one, or several with commas between), opened once.

    Their contents decide which comes first, so that a seed draws the same faces wherever, in whatever order, they lie.

    Raises:
      ConfigError: as `PreparedSplit`, for each of them; and where their faces are cut out differently.
    """
    parts = [PreparedSplit(folder, kind, split, attack) for kind, folder in named_folders(folders, dataset)]
    for part in parts[1:]:
        if not part.frame.is_that_of(parts[0].frame):
            raise ConfigError(
                f"data.dir={folders!r}: {parts[0].folder} was prepared with {parts[0].frame.words()} and {part.folder} "
                f"with {part.frame.words()}; a run has one frame: prepare one of them anew as the other"
            )
    return parts[0] if len(parts) == 1 else JointSplit(sorted(parts, key=PreparedSplit.digest))
