"""Which pictures a split holds: hashes of their bytes beside its index, so that none need be read to be told again."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from jaxtyping import UInt64

from dfrec_jax.files import npz
from dfrec_jax.records.schema import Record

ROLES = ("image", "source", "target")


class DamagedHashes(ValueError):
    """A file of hashes that is there and cannot be used."""


def hashes_of(record: Record) -> tuple[int, ...]:
    """The first eight bytes of the SHA-256 of each picture of a record that is at hand, as it is stored."""
    return tuple(_hash(record[role]) for role in ROLES if record[role])


def write(folder: Path, split: str, hashes: Iterable[tuple[int, ...]]) -> None:
    """`pictures-<split>.npy`: the hashes of all records of a split, each once."""
    everything = {one for of_record in hashes for one in of_record}
    np.save(path_of(folder, split), np.array(sorted(everything), np.uint64))


def read(folder: Path, split: str) -> UInt64[np.ndarray, " n"] | None:
    """The hashes of a split; None where it was prepared by a version that kept none.

    Raises:
      DamagedHashes: for a file that cannot be read, or holds something else.
    """
    path = path_of(folder, split)
    if not path.exists():
        return None
    try:
        hashes = np.load(path, allow_pickle=False)
    except npz.ERRORS as error:
        raise DamagedHashes(f"{path}: cannot be read ({error})") from error
    if not isinstance(hashes, np.ndarray) or hashes.dtype != np.uint64 or hashes.ndim != 1:
        raise DamagedHashes(f"{path}: holds no hashes of pictures")
    return hashes


def path_of(folder: Path, split: str) -> Path:
    """Where they stand."""
    return folder / f"pictures-{split}.npy"


def _hash(data: bytes) -> int:
    return int.from_bytes(hashlib.sha256(data).digest()[:8], "big")
