"""Objects of a store as files of this machine: fetched once into the cache, whole, checked, and used from there.

What is staged together is one folder of the cache, `staged/<name>-<hash>`, whose hash is that of the objects' versions:
when they are replaced in the store, another folder comes, and who reads the one of before goes on. Beside it lie
`<folder>.used`, whose time is that of the last use, a lock of each process that reads it, until its end
(`files/staged_room.py`), and `<folder>.fetch`, the lock of the one that fetches.
"""

import concurrent.futures
import hashlib
import json
import os
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import filelock

from dfrec_jax.files import cache, disk, json_text, object_store, one_process, staged_room, whole
from dfrec_jax.files.addresses import StoreError
from dfrec_jax.files.object_store import StoredObject

SUMS = "SHA256SUMS"  # as `sha256sum *` writes it; where it lies beside the objects, they are checked by it
FETCHES = 8  # files at a time
CHUNK_BYTES = 16 << 20  # of one request
SAID_EVERY = 30.0  # seconds
_IN_USE: dict[Path, filelock.BaseFileLock] = {}  # until the process ends


def stage(name: str, objects: Sequence[StoredObject], sums: Mapping[str, str] | None = None) -> Path:
    """The folder of the cache that holds `objects`, by their names; they are fetched where they are not there.

    A fetch that was stopped goes on where it was. Two processes that want the same wait for one that fetches.

    Args:
      name: how their folder in the cache begins.
      objects: of one folder of a store.
      sums: the SHA-256 of some or all of them by name, where it is known.

    Raises:
      StoreError: where they cannot be had, come damaged, or do not fit; what has come stays for the next time.
    """
    versions = json.dumps([(item.address, item.version, item.num_bytes) for item in objects])
    folder = root() / f"{name}-{hashlib.sha256(versions.encode()).hexdigest()[:12]}"
    try:
        use(folder)
        with one_process.at_a_time(folder.with_name(f"{folder.name}.fetch"), lambda: _say_waiting(folder)):
            if not is_whole(folder):
                staged_room.make(root(), folder, [(item.name, item.num_bytes) for item in objects])
                _fetch_all(folder, objects, sums or {})
                whole.write_text(folder / staged_room.WHOLE, f"{time.time()}\n")
    except OSError as error:
        full = "the disk is full: " if disk.is_full(error) else ""
        raise StoreError(
            f"{objects[0].address} and what lies beside it cannot be kept in {folder}: {full}{error}; DFREC_CACHE=DIR "
            "names another folder"
        ) from error
    return folder


def newest(name: str) -> Path:
    """The folder of that name that was used last, for a machine that must not ask the store.

    Raises:
      StoreError: where none is whole.
    """
    folders = [place for place in root().glob(f"{name}-" + "?" * 12) if place.is_dir() and is_whole(place)]
    if not folders:
        raise StoreError(f"DFREC_OFFLINE forbids the network, and {root()} holds no whole copy: unset it once")
    folder = max(folders, key=staged_room.last_use)
    use(folder)
    return folder


def root() -> Path:
    """The folder of all that is staged."""
    return cache.folder() / "staged"


def use(folder: Path) -> None:
    """Keeps a folder from being dropped, by any process, until this process ends."""
    if folder not in _IN_USE:
        _IN_USE[folder] = staged_room.held(folder)
    staged_room.mark_of(folder).touch()


def is_whole(folder: Path) -> bool:
    """Whether all has come, and is there still, by sizes."""
    try:
        listed = json_text.parsed((folder / staged_room.LISTED).read_text(encoding="utf-8"))
        return (folder / staged_room.WHOLE).exists() and all(
            (folder / name).stat().st_size == num_bytes for name, num_bytes in listed
        )
    except (OSError, TypeError, ValueError):
        return False


def sums_of(text: str) -> dict[str, str]:
    """SHA-256 by name, of what `sha256sum` wrote; lines of another form count for nothing."""
    found = {}
    for line in text.splitlines():
        digest, _, name = line.strip().partition(" ")
        if len(digest) == 64 and name:
            found[name.strip().removeprefix("*").removeprefix("./")] = digest.lower()
    return found


def _say_waiting(folder: Path) -> None:
    print(f"waiting for another process that fetches {folder}", file=sys.stderr, flush=True)


class _Progress:
    """Says now and then how far a fetch is; of all threads."""

    def __init__(self, where: str, missing: int, count: int):
        self._where, self._missing, self._come, self._lock = where, missing, 0, threading.Lock()
        self._begun = self._said = time.monotonic()
        print(f"fetching {count} files, {_gib(missing)}, from {where}", file=sys.stderr, flush=True)

    def __call__(self, num_bytes: int) -> None:
        with self._lock:
            self._come += num_bytes
            if time.monotonic() < self._said + SAID_EVERY:
                return
            self._said = time.monotonic()
            print(f"fetched {_gib(self._come)} of {_gib(self._missing)}", file=sys.stderr, flush=True)

    def end(self, untold: int) -> None:
        seconds = time.monotonic() - self._begun
        said = f"; of {untold} of them the store says no MD5: their sizes alone are checked" if untold else ""
        print(f"fetched {_gib(self._come)} in {seconds:.0f} s{said}", file=sys.stderr, flush=True)


def _fetch_all(folder: Path, objects: Sequence[StoredObject], sums: Mapping[str, str]) -> None:
    """Fills `folder`; several files side by side, and after an error none that is not under way."""
    missing = [item for item in objects if not _is_there(folder / item.name, item.num_bytes)]
    if not missing:
        return
    there = sum(_size(_part_of(folder / item.name)) for item in missing)
    progress = _Progress(
        objects[0].address.rpartition("/")[0], sum(item.num_bytes for item in missing) - there, len(missing)
    )
    stopped = threading.Event()

    def fetch(item: StoredObject) -> bool:
        return _fetch(item, folder / item.name, sums.get(item.name, ""), progress, stopped)

    with concurrent.futures.ThreadPoolExecutor(FETCHES) as threads:
        fetched = [threads.submit(fetch, item) for item in missing]
        try:
            told = [future.result() for future in concurrent.futures.as_completed(fetched)]
        finally:  # after an error, and after Ctrl-C
            stopped.set()
            threads.shutdown(cancel_futures=True)
    progress.end(told.count(False))


def _fetch(item: StoredObject, target: Path, sha256: str, progress: _Progress, stopped: threading.Event) -> bool:
    """Fetches one file; returns whether its content could be checked, and not its size alone."""
    part = _part_of(target)
    have = min(_size(part), item.num_bytes)
    is_resumed = have > 0
    with part.open("r+b" if part.exists() else "wb") as file:
        file.truncate(have)
        file.seek(have)
        while have < item.num_bytes:
            if stopped.is_set():
                raise StoreError(f"{item.address}: the fetch was stopped")
            data = object_store.read(item, have, min(have + CHUNK_BYTES, item.num_bytes))
            if not data:
                raise StoreError(f"{item.address}: it ends after {have} bytes of {item.num_bytes}; run it again")
            file.write(data)
            have += len(data)
            progress(len(data))
        file.flush()
        os.fsync(file.fileno())
    wrong = object_store.damage(item, part, sha256)
    if wrong:
        part.unlink()
        if is_resumed:  # a part of another content, or one that a power cut spoiled
            return _fetch(item, target, sha256, progress, stopped)
        raise StoreError(
            f"{item.address}: came damaged, or was replaced meanwhile ({wrong}); it was removed here: run it again, "
            "and if that does not help, look whether the one in the store is whole"
        )
    if wrong is None and object_store.version(item.address) != item.version:
        part.unlink()
        raise StoreError(f"{item.address}: was replaced while it was fetched; it was removed here: run it again")
    os.replace(part, target)
    return wrong is not None


def _is_there(path: Path, num_bytes: int) -> bool:
    return path.exists() and path.stat().st_size == num_bytes


def _part_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.part")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _gib(num_bytes: int) -> str:
    return f"{num_bytes / 2**30:.2f} GiB" if num_bytes >= 2**27 else f"{num_bytes / 2**20:.1f} MiB"
