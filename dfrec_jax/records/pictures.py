"""Which pictures a split holds: hashes of their bytes beside its index, so that none need be read to be told again."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from jaxtyping import UInt64

from dfrec_jax.files import npz
from dfrec_jax.records.schema import Record

ROLES = ("image", "source", "target")


def hashes_of(record: Record) -> tuple[int, ...]:
    """The first eight bytes of the SHA-256 of each picture of a record that is at hand, as it is stored."""
    return tuple(_hash(record[role]) for role in ROLES if record[role])


def write(folder: Path, split: str, hashes: Iterable[tuple[int, ...]]) -> None:
    """`pictures-<split>.npy`: the hashes of all records of a split, each once."""
    everything = {one for of_record in hashes for one in of_record}
    np.save(_path(folder, split), np.array(sorted(everything), np.uint64))


def read(folder: Path, split: str) -> UInt64[np.ndarray, " n"] | None:
    """The hashes of a split; None where it was prepared before there were any, or the file cannot be read."""
    try:
        return np.load(_path(folder, split), allow_pickle=False)
    except npz.ERRORS:
        return None


def _path(folder: Path, split: str) -> Path:
    return folder / f"pictures-{split}.npy"


def _hash(data: bytes) -> int:
    return int.from_bytes(hashlib.sha256(data).digest()[:8], "big")
