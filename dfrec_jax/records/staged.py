"""Prepared data in an object store: `data.dir` may be `s3://bucket/folder` or `gs://bucket/folder`.

ArrayRecord opens no address of S3. Google's it opens, and asks it once for each record that is read in random order. So
the files of a split are staged in the cache before anything is read (`files/staging.py`).
"""

import hashlib
import re
from collections.abc import Collection
from pathlib import Path

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.files import addresses, cache, object_store, staging
from dfrec_jax.files.addresses import StoreError
from dfrec_jax.records.schema import VERSION, folder_of


def place_of(folder: str, dataset: str) -> Path | str:
    """Where a prepared data set lies, by an entry of `data.dir`: a path, or an address."""
    return addresses.joined(folder, dataset, VERSION) if addresses.is_address(folder) else folder_of(folder, dataset)


def files_of(folder: str, dataset: str, split: str) -> Path:
    """The folder of this machine that holds the files of a split; those of an address are staged first.

    Raises:
      ConfigError: for an address that cannot be had, or holds no such split.
    """
    place = place_of(folder, dataset)
    if isinstance(place, Path):
        return place
    try:
        return _staged(place, dataset, split)
    except StoreError as error:
        raise ConfigError(f"data.dir={folder!r}: {error}") from error


def _staged(place: str, dataset: str, split: str) -> Path:
    slug = re.sub(r"[^A-Za-z0-9._-]+", "-", "-".join(addresses.split(place)[1][-3:-1]))
    name = f"{slug}-{hashlib.sha256(place.encode()).hexdigest()[:8]}-{split}"
    if cache.is_offline():
        return staging.newest(name)
    there = {item.name: item for item in object_store.listing(place)}
    if f"index-{split}.npz" not in there:
        splits = sorted(match[1] for match in map(re.compile(r"index-(.+)\.npz").fullmatch, there) if match)
        raise StoreError(
            f"{place} has the splits {', '.join(splits)}, and not {split}"
            if splits
            else f"{place} holds no prepared {dataset!r}; run `dfrec prepare {dataset} --source DIR --out OUT` and "
            "copy the folder OUT there"
        )
    sums = {}
    if stored := there.get(staging.SUMS):
        data = object_store.read(stored, 0, stored.num_bytes) if stored.num_bytes else b""
        sums = staging.sums_of(data.decode("utf-8", errors="replace"))
    return staging.stage(name, [there[one] for one in _of_split(there, split)], sums)


def _of_split(names: Collection[str], split: str) -> list[str]:
    """Of the files of a prepared data set those that a split is read from; the pages for people are not."""
    read = {"names.json", "metadata.json", f"index-{split}.npz", f"pictures-{split}.npy"}
    return [name for name in names if name in read or f"-{split}.array_record-" in name]
