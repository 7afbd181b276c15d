"""How much may be staged: room is made by dropping what was used longest ago, and is in use by nobody."""

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

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
        with contextlib.ExitStack() as locks:
            dropped, taken = [], sum(sizes.values())
            for place in others:
                if taken + wanted <= limit:
                    break
                if locks.enter_context(_unused(place)):
                    dropped.append(place)
                    taken -= sizes[place]
            if taken + wanted > limit:
                in_use = f", and {taken / GIB:.2f} GiB of it are in use by other trainings or evaluations"
                raise StoreError(
                    f"{folder.name}: {wanted / GIB:.2f} GiB do not fit into {root}, which may hold {limit / GIB:.2f} "
                    f"GiB ({reason}){in_use if taken else ''}; raise {LIMIT}, name a larger disk with DFREC_CACHE=DIR, "
                    "or mount the bucket and name the folder"
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
    """The file beside it that is locked by who uses it."""
    return folder.with_name(f"{folder.name}.used")


@contextlib.contextmanager
def _alone(root: Path) -> Iterator[None]:
    with (root / "room.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _unused(folder: Path) -> Iterator[bool]:
    """Whether nobody uses it; and nobody can begin to while the block lasts."""
    with mark_of(folder).open("a") as mark:
        try:
            fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


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
