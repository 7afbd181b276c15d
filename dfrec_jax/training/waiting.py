"""A loader that stalls is said, with what it is at: silence would look like a slow step."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dfrec_jax.training.periodically import periodically

FIRST_SECONDS = 30.0  # of waiting until it is said; then after twice as long, and so on
_LOOKED_AT_EVERY = 1 / 20  # of that


class Waiting:
    """A thread that looks how long the loop has been waiting."""

    def __init__(self, first_seconds: float = FIRST_SECONDS, *, clock: Callable[[], float] = time.monotonic):
        self._first, self._clock = first_seconds, clock
        self._since: float | None = None
        self._step, self._next = 0, first_seconds

    @contextmanager
    def watched(self, who: str, describe: Callable[[], str]) -> Iterator[None]:
        """Says within the block when `input` takes long.

        Args:
          who: this host, as the line names it; empty where there is but one.
          describe: what the loader is at, asked by the other thread.
        """
        with periodically(lambda: self.say_if_long(who, describe), self._first * _LOOKED_AT_EVERY):
            yield

    @contextmanager
    def input(self, step: int) -> Iterator[None]:
        """Around the call that waits for the batch of `step`."""
        self._step, self._next, self._since = step, self._first, self._clock()
        try:
            yield
        finally:
            self._since = None

    def say_if_long(self, who: str, describe: Callable[[], str]) -> None:
        """One line where the wait has become long, or twice as long as when it was last said."""
        since = self._since
        if since is None or (seconds := self._clock() - since) < self._next:
            return
        self._next = 2 * seconds
        said = describe()
        print(
            f"{who + ': ' if who else ''}step {self._step} has been waiting for its batch for {seconds:.0f} s"
            f"{'; ' + said if said else ''}",
            file=sys.stderr,
            flush=True,
        )
