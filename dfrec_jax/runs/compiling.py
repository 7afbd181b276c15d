"""A word before XLA compiles, which takes from seconds to minutes and says nothing itself."""

import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def said(what: str, is_said: bool = True) -> Iterator[None]:
    """Around the first call of a jitted function: says on standard error that it compiles, and how long that took.

    Args:
      what: is compiled; a word may follow on how long that takes.
      is_said: False where nothing is compiled, or another host says it.
    """
    begun = time.monotonic()
    if is_said:
        print(f"compiling {what} ...", file=sys.stderr, flush=True)
    yield
    if is_said:
        print(f"compiled in {duration(time.monotonic() - begun)}", file=sys.stderr, flush=True)


def announced(run: Callable[..., Any], what: str, is_said: bool = True) -> Callable[..., Any]:
    """`run`, of which the first call says that it compiles; arguments as of `said`."""
    is_called = False

    def call(*args: Any) -> Any:
        nonlocal is_called
        is_first, is_called = not is_called, True
        with said(what, is_said and is_first):
            return run(*args)

    return call


def duration(seconds: float | int) -> str:
    """As `HH:MM:SS`, with days in front where there are any; `unknown` for what is no number."""
    if not math.isfinite(seconds):
        return "unknown"
    days, rest = divmod(round(seconds), 24 * 3600)
    hours, minutes = divmod(rest // 60, 60)
    clock = f"{hours:02d}:{minutes:02d}:{rest % 60:02d}"
    return f"{days} d {clock}" if days else clock
