"""Weight files in an object store: `DFREC_WEIGHTS` and `frozen.weights_dir` may be `s3://bucket/folder`, or `gs://`."""

import functools
import hashlib
from pathlib import Path

from dfrec_jax.files import addresses, cache, object_store, staging
from dfrec_jax.files.addresses import StoreError
from dfrec_jax.files.object_store import StoredObject
from dfrec_jax.weights.registry import Release
from dfrec_jax.weights.rules import WeightsError


def search(address: str, release: Release) -> StoredObject | Path | None:
    """The file of a release below an address, as it is searched for in a folder; nothing is fetched.

    Where `$DFREC_OFFLINE` forbids the network, the copy of it that an earlier run staged.

    Raises:
      WeightsError: where the address cannot be listed, or has two different candidates.
    """
    try:
        if cache.is_offline():
            return _staged_before(address, release)
        found = [item for item in _listing(address) if item.name == release.file]
    except StoreError as error:
        raise WeightsError(str(error)) from error
    for exact in (addresses.joined(address, release.file), addresses.joined(address, release.name, release.file)):
        for item in found:
            if item.address == exact:
                return item
    if len({(item.num_bytes, item.version) for item in found}) > 1:
        raise WeightsError(
            f"{address}: holds different files called {release.file!r} ({found[0].address}, {found[1].address}); "
            f"put the one of {release.name} into {addresses.joined(address, release.name)}"
        )
    return found[0] if found else None


def fetched(address: str, release: Release, item: StoredObject) -> Path:
    """The copy of a file that `search` found, fetched where it is not there. Raises WeightsError where it cannot be."""
    try:
        return staging.stage(_name(address, release), [item]) / release.file
    except StoreError as error:
        raise WeightsError(str(error)) from error


@functools.lru_cache(maxsize=4)
def _listing(address: str) -> tuple[StoredObject, ...]:
    """Once a process: each network asks for each of its files."""
    return tuple(object_store.listing(address, is_deep=True))


def _staged_before(address: str, release: Release) -> Path | None:
    try:
        return staging.newest(_name(address, release)) / release.file
    except StoreError:
        return None


def _name(address: str, release: Release) -> str:
    return f"{release.name}-{hashlib.sha256(address.rstrip('/').encode()).hexdigest()[:8]}"
