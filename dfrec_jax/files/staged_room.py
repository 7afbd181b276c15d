"""How much may be staged: room is made by dropping what was used longest ago, and is in use by nobody."""

import json
import os
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path

import filelock

from dfrec_jax.files import json_text, whole
from dfrec_jax.files.addresses import StoreError

LISTED, WHOLE = ".listed.json", ".whole"  # of a staged folder: its files with their sizes; a mark that they are there
LIMIT = "DFREC_STAGED_GIB"
GIB = 2**30
_SPARED = 0.1  # share of what is free or staged that is left to others, where no limit is set


def make(root: Path, folder: Path, files: Sequence[tuple[str, int]]) -> None:
    """Reserves room in `root` for a folder, which is made with a list of its files.

    Every process counts what all have reserved, so that two never fill the same room.

    Args:
      root: of all staged folders.
      folder: one of them, in use by this process.
      files: names and sizes of what is to come.

    Raises:
      StoreError: where it does not fit, even when all is dropped that nobody uses; then nothing is dropped or made.
      OSError: where the cache cannot be written.
    """
    root.mkdir(parents=True, exist_ok=True)
    wanted = sum(num_bytes for _, num_bytes in files)
    with _alone(root):
        others = sorted((place for place in _folders(root) if place != folder), key=last_use)
        sizes = {place: _reserved(place) for place in others}
        limit, reason = _limit(root, sum(map(_on_disk, [*others, folder])))
        dropped, taken = [], sum(sizes.values())
        for place in others:
            if taken + wanted <= limit:
                break
            if _is_unused(place):
                dropped.append(place)
                taken -= sizes[place]
        if taken + wanted > limit:
            in_use = f", and {taken / GIB:.2f} GiB of it are in use by other trainings or evaluations"
            raise StoreError(
                f"{folder.name}: {wanted / GIB:.2f} GiB do not fit into {root}, which may hold {limit / GIB:.2f} GiB "
                f"({reason}){in_use if taken else ''}; raise {LIMIT}, name a larger disk with DFREC_CACHE=DIR, or "
                "mount the bucket and name the folder"
            )
        for place in dropped:
            shutil.rmtree(place)
        folder.mkdir(exist_ok=True)
        whole.write_text(folder / LISTED, json.dumps(files))


def last_use(folder: Path) -> float:
    """When a process began to use it, in seconds since 1970."""
    try:
        return mark_of(folder).stat().st_mtime
    except OSError:
        return 0.0


def mark_of(folder: Path) -> Path:
    """The file beside it whose time is that of its last use."""
    return folder.with_name(f"{folder.name}.used")


def held(folder: Path) -> filelock.BaseFileLock:
    """A lock that keeps a folder from being dropped until it is released, or its process ends, however it ends.

    Each has a file of its own, since no system but Unix has locks that several share.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(folder.with_name(f"{folder.name}.{secrets.token_hex(4)}.lock"), thread_local=False)
    with _alone(folder.parent):  # not while another makes room
        lock.acquire()
    return lock


def _alone(root: Path) -> filelock.BaseFileLock:
    return filelock.FileLock(root / "room.lock")


def _is_unused(folder: Path) -> bool:
    """Whether nobody holds it; what those left who were killed goes."""
    for path in folder.parent.glob(f"{folder.name}.*.lock"):
        lock = filelock.FileLock(path)
        try:
            lock.acquire(blocking=False)
        except filelock.Timeout:
            return False
        lock.release()
        path.unlink(missing_ok=True)
    return True


def _folders(root: Path) -> list[Path]:
    return [place for place in root.iterdir() if place.is_dir()]


def _reserved(folder: Path) -> int:
    try:
        return sum(num_bytes for _, num_bytes in json_text.parsed((folder / LISTED).read_text(encoding="utf-8")))
    except (OSError, TypeError, ValueError):  # it was killed as it was made, or was damaged
        return _on_disk(folder)


def _on_disk(folder: Path) -> int:
    if not folder.is_dir():
        return 0
    return sum(entry.stat().st_size for entry in os.scandir(folder) if entry.is_file())


def _limit(root: Path, staged: int) -> tuple[float, str]:
    """Bytes that may be staged in all, and where that is said.

    Raises:
      StoreError: for a value of the variable that is no number of GiB.
    """
    said = os.environ.get(LIMIT, "")
    if not said:
        return (1 - _SPARED) * (shutil.disk_usage(root).free + staged), "nine tenths of what its disk has for it"
    try:
        limit = float(said)
    except ValueError:
        limit = -1.0
    if not 0 < limit < float("inf"):
        raise StoreError(f"{LIMIT}={said}: must be a number of GiB above 0; unset, it is nine tenths of the free disk")
    return limit * GIB, f"{LIMIT}={said}"
