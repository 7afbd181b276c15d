"""One process at a time: hosts of one run and commands side by side that want the same file."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import filelock


@contextlib.contextmanager
def at_a_time(lock: Path, on_waiting: Callable[[], None]) -> Iterator[None]:
    """Holds the file `lock` for the length of the block; `on_waiting` is called where another process holds it."""
    held = filelock.FileLock(lock)
    try:
        held.acquire(blocking=False)
    except filelock.Timeout:
        on_waiting()
        held.acquire()
    try:
        yield
    finally:
        held.release()
