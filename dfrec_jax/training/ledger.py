"""A ledger of a training's time: every second of the process stands in `timing.jsonl` under what it was spent on.

What the lines mean, and how those of many processes make one account, stands in `runs/goodput.py`.
"""

import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dfrec_jax.files import disk
from dfrec_jax.training.periodically import periodically

# A line is written at least when this share of the process's age has passed since the last: what a kill leaves open is
# as small a part of the run, and the file stays small.
OPEN_SHARE, SHORTEST, LONGEST = 1 / 200, 0.2, 30.0


def process_age() -> float:
    """Seconds since this process began, as Linux knows it; 0 elsewhere."""
    try:
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        return time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[19]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):
        return 0.0


class Ledger:
    """Counts from the moment that it is made; what passes before `opened` is written with the first line.

    Until something else is said the time is that of `starting`. Another thread writes a line now and then, so that a
    process that is killed in a long compilation has said how far it came.
    """

    def __init__(
        self, age: float = 0.0, *, clock: Callable[[], float] = time.monotonic, wall: Callable[[], float] = time.time
    ):
        """Begins to count.

        Args:
          age: seconds that have passed already and count as `starting`.
          clock: seconds that never go back.
          wall: seconds of the day's clock, which other processes share.
        """
        self._clock, self._wall, self._lock = clock, wall, threading.RLock()
        self._began = self._since = self._written = clock() - age
        self._kind, self._step, self._seconds = "starting", 0, {}
        self._totals: dict[str, float] = {}
        self._file, self._from, self._is_torn = None, None, False

    @contextmanager
    def opened(self, path: str | os.PathLike[str], start_step: int, *, is_writer: bool) -> Iterator[None]:
        """Appends to the file until the end of the block; where not `is_writer`, nothing is written."""
        self._step = self._from = start_step
        if not is_writer:
            yield
            return
        with open(path, "ab+", buffering=0) as self._file:
            if self._file.seek(0, os.SEEK_END):
                self._file.seek(-1, os.SEEK_END)
                self._is_torn = self._file.read(1) != b"\n"  # of a process that was killed as it wrote
            self.write()
            try:
                with periodically(self._write_if_due, SHORTEST / 2):
                    yield
            finally:
                try:
                    self.write()
                finally:
                    self._file = None

    @contextmanager
    def doing(self, kind: str) -> Iterator[None]:
        """The time of the block is that of `kind`, one of `goodput.KINDS`; of a block inside it, of that one's."""
        before = self._switch(kind)
        try:
            yield
        finally:
            self._switch(before)

    def begin(self, step: int) -> None:
        """What comes now belongs to `step`, until the next is begun."""
        with self._lock:
            self._write_if_due()
            self._count()
            self._step = step

    def write(self, values: Mapping[str, Any] | None = None) -> None:
        """Writes what is not written yet as one line, with `values` beside it.

        Raises:
          OSError: where it cannot be written.
        """
        with self._lock:
            self._count()
            if self._file is None:
                return
            seconds = {kind: round(value, 4) for kind, value in self._seconds.items() if value}
            record = {"step": self._step, "time": round(self._wall(), 3), "seconds": seconds, **(values or {})}
            if self._from is not None:
                record["from"] = self._from
            line = b"\n" * self._is_torn + json.dumps(record).encode() + b"\n"
            self._is_torn = True
            with disk.naming(self._file.name):
                if self._file.write(line) != len(line):
                    raise OSError(28, "No space left on device")
            self._is_torn, self._from, self._seconds, self._written = False, None, {}, self._since

    def total(self, kind: str) -> float:
        """Seconds of `kind` so far, of this process, whatever step they were of."""
        with self._lock:
            self._count()
            return self._totals.get(kind, 0.0)

    def _switch(self, kind: str) -> str:
        with self._lock:
            self._count()
            before, self._kind = self._kind, kind
            return before

    def _count(self) -> None:
        now = self._clock()
        for counts in (self._seconds, self._totals):
            counts[self._kind] = counts.get(self._kind, 0.0) + now - self._since
        self._since = now

    def _is_due(self) -> bool:
        now = self._clock()
        return now - self._written >= min(max(OPEN_SHARE * (now - self._began), SHORTEST), LONGEST)

    def _write_if_due(self) -> None:
        with self._lock:
            if self._is_due():
                self._write_if_possible()

    def _write_if_possible(self) -> None:
        try:
            self.write()
        except OSError:
            pass  # nothing is forgotten: the next line has it, and that of the loop raises
