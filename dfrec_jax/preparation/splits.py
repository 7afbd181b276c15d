"""Which split a person, a picture or a pair belongs to: by a hash, by a file, or as the authors published it."""

import hashlib
from collections.abc import Hashable, Iterable
from pathlib import Path

from dfrec_jax.files import json_text
from dfrec_jax.preparation.inputs import tables
from dfrec_jax.preparation.plan import PreparationError

SPLITS = ("train", "validation", "test")
_OFFICIAL_FILES = {"train": "train.json", "validation": "val.json", "test": "test.json"}
_OTHER_NAMES = {"val": "validation", "valid": "validation", "dev": "validation", "eval": "test"}


def split_by_hash(name: str, shares: tuple[float, float, float]) -> str:
    """A split for `name` that depends on nothing but `name`, so that new data leave old data where they were.

    Args:
      name: of a person, say.
      shares: of train, validation and test; of any sum.
    """
    digest = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
    place = digest / 2**64 * sum(shares)
    if place < shares[0]:
        return "train"
    return "validation" if place < shares[0] + shares[1] else "test"


def components(pairs: Iterable[tuple[Hashable, Hashable]]) -> dict[Hashable, Hashable]:
    """For each member of a pair the smallest name among all that pairs connect it with."""
    parent: dict[Hashable, Hashable] = {}

    def root(member: Hashable) -> Hashable:
        parent.setdefault(member, member)
        while parent[member] != member:
            parent[member] = parent[parent[member]]
            member = parent[member]
        return member

    for a, b in pairs:
        first, second = sorted((root(a), root(b)), key=str)
        parent[second] = first
    return {member: root(member) for member in parent}


def read_official_pairs(folder: str) -> dict[str, str]:
    """FaceForensics++'s train.json, val.json and test.json, lists of pairs of videos: the split of each video.

    Raises:
      PreparationError: for a missing or unreadable file, or a video in two splits.
    """
    split_of: dict[str, str] = {}
    for split, name in _OFFICIAL_FILES.items():
        path = Path(folder) / name
        if not path.is_file():
            raise PreparationError(
                f"--split-file={folder}: {name} is not in it; train.json, val.json and test.json come with "
                "FaceForensics++ (github.com/ondyari/FaceForensics, dataset/splits)"
            )
        try:
            pairs = [(str(a), str(b)) for a, b in json_text.parsed(tables.read_text(path))]
        except PreparationError:
            raise
        except (ValueError, TypeError) as error:
            raise PreparationError(f'{path}: must be a JSON list of pairs such as ["000", "003"] ({error})') from error
        for video in {video for pair in pairs for video in pair}:
            if split_of.setdefault(video, split) != split:
                raise PreparationError(f"{path}: video {video} is in {split_of[video]} as well")
    return split_of


def named_split(name: str, where: str) -> str:
    """`train`, `validation` or `test` for the names that people use. Raises PreparationError for another one."""
    split = _OTHER_NAMES.get(name.lower(), name.lower())
    if split not in SPLITS:
        raise PreparationError(f"{where}: split={name!r} must be one of {', '.join(SPLITS)}")
    return split
