"""Where a weight file is: the folder that the config names, `$DFREC_WEIGHTS`, the cache, its authors' address.

The first two may be addresses of an object store (`weights/stored.py`). What comes with the package is looked for there
alone.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from dfrec_jax import networks
from dfrec_jax.files import addresses, cache
from dfrec_jax.files.object_store import StoredObject
from dfrec_jax.weights import digest, stored
from dfrec_jax.weights.download import download
from dfrec_jax.weights.registry import Release
from dfrec_jax.weights.rules import WeightsError


class WeightsMissing(WeightsError):
    """Weights that are nowhere to be found, as opposed to found and wrong."""


def store() -> Path:
    """The folder of the user's cache into which weight files are downloaded and imported."""
    return cache.folder() / "weights"


def locate(release: Release, weights_dir: str = "", *, may_download: bool = True) -> Path:
    """The file of `release`: the first that is found, else a download from its address into the cache.

    Folders are searched with their subfolders. What an object store has is staged in the cache. `$DFREC_OFFLINE` (any
    value) forbids the download, and to ask the store.

    Args:
      release: what to look for.
      weights_dir: the folder that a config (`frozen.weights_dir`) or a program names; empty: none.
      may_download: whether to download what is found nowhere.

    Raises:
      WeightsMissing: where there is none; says what to run.
      WeightsError: for a `weights_dir` that does not exist, an object store that cannot be read, two different
        candidates in one folder, a failed download.
    """
    for folder, found in _found(release, weights_dir):
        return stored.fetched(folder, release, found) if isinstance(found, StoredObject) else found
    if may_download and release.url and not cache.is_offline():
        download(release, store() / release.name / release.file)
        return store() / release.name / release.file
    raise WeightsMissing(_how_to_get(release, weights_dir))


def is_at_hand(release: Release, weights_dir: str = "") -> bool:
    """Whether `locate` would find it in a folder; nothing is downloaded or staged. Raises WeightsError as `locate`."""
    return bool(whereabouts(release, weights_dir))


def whereabouts(release: Release, weights_dir: str = "") -> str:
    """The path or the address at which `locate` would find it in a folder; empty where it would not. Raises as it."""
    for _, found in _found(release, weights_dir):
        return found.address if isinstance(found, StoredObject) else str(found)
    return ""


def _found(release: Release, weights_dir: str) -> Iterator[tuple[str, Path | StoredObject]]:
    """Each folder that holds the file, with where it is in there."""
    if release.comes_with:
        folder = Path(networks.__file__).parent
        if (found := _search(folder, release)) is not None:
            yield str(folder), found
        return
    if weights_dir and not addresses.is_address(weights_dir) and not Path(weights_dir).is_dir():
        raise WeightsError(
            f"{weights_dir!r} (frozen.weights_dir of a config, or --weights-dir): no such folder; name another, or none"
        )
    for folder in (weights_dir, os.environ.get("DFREC_WEIGHTS", ""), str(store())):
        found = None
        if addresses.is_address(folder):
            found = stored.search(folder, release)
        elif folder and Path(folder).is_dir():
            found = _search(Path(folder), release)
        if found is not None:
            yield folder, found


def _search(folder: Path, release: Release) -> Path | None:
    """The file in `folder`, in its subfolder of the release's name, or in any subfolder, in this order."""
    for path in (folder / release.file, folder / release.name / release.file):
        if path.is_file():
            return path
    found = sorted(path for path in folder.rglob(release.file) if path.is_file())
    if len(found) > 1 and release.sha256:
        found = [path for path in found if digest.sha256(path) == release.sha256] or found
    if len({digest.sha256(path) for path in found} if len(found) > 1 else found) > 1:
        raise WeightsError(
            f"{folder}: holds different files called {release.file!r} ({found[0]}, {found[1]}); "
            f"put the one of {release.name} into {folder / release.name}"
        )
    return found[0] if found else None


def _how_to_get(release: Release, weights_dir: str) -> str:
    if release.comes_with:
        return f"{release.name}: is not in this installation; {remedy(release)}"
    environment = os.environ.get("DFREC_WEIGHTS", "")
    searched = [
        weights_dir or "a folder of weights (none was named)",
        f"$DFREC_WEIGHTS ({environment or 'not set'})",
        str(store()),
    ]
    return f"{release.name}: {release.file} is not in {', '.join(searched)}; {remedy(release)}"


def remedy(release: Release) -> str:
    """What to run where `release` is missing, in words."""
    if release.comes_with:
        return f"it comes with the package where a version has it, and is made by {release.page}"
    by_hand = f"`dfrec weights import FILE --as {release.name}`"
    if release.url:
        return f"run `dfrec weights fetch {release.name}`, or fetch {release.url} elsewhere and run {by_hand}"
    return f"get it by hand from {release.page} and run {by_hand}"
