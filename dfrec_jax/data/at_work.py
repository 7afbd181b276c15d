"""What reading threads are at, so that a loader that stalls can be told from one that is slow, and where."""

import threading
import time
from collections.abc import Callable
from typing import Any

_NUM_SAID = 4


class AtWork:
    """Which rows of the stream of batches are being read, by which thread, since when."""

    def __init__(self, where: str, batch_size: int, *, clock: Callable[[], float] = time.monotonic):
        self._where, self._batch_size, self._clock = where, batch_size, clock
        self._reading: dict[int, tuple[int, float]] = {}

    def watched(self, example: Callable[[int], dict[str, Any]]) -> Callable[[int], dict[str, Any]]:
        """The same function of the number of a row, which is known to be at work while it is."""

        def read(index: int) -> dict[str, Any]:
            thread = threading.get_ident()
            self._reading[thread] = index, self._clock()
            try:
                return example(index)
            finally:
                del self._reading[thread]

        return read

    def words(self) -> str:
        """The rows that have been read for longest; that none is read is an answer too."""
        now, reading = self._clock(), sorted(self._reading.copy().values(), key=lambda entry: entry[1])
        rows = [
            f"row {index % self._batch_size} of batch {index // self._batch_size + 1} for {now - since:.0f} s"
            for index, since in reading[:_NUM_SAID]
        ]
        more = f" and {len(reading) - _NUM_SAID} more" if len(reading) > _NUM_SAID else ""
        return f"the loader reads {', '.join(rows) or 'nothing'}{more}, of {self._where}"
