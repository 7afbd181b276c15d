"""How far long work is: a bar on a terminal, a line for each tenth where standard error is a file."""

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import track

Thing = TypeVar("Thing")


def progress(things: Iterable[Thing], total: int, description: str, *, is_shown: bool = True) -> Iterator[Thing]:
    """Yields `things`, and says on standard error how many of `total` are done; where several hosts work, one does."""
    if not is_shown:
        yield from things
        return
    if sys.stderr.isatty():
        yield from track(things, total=total, description=description, console=Console(stderr=True))
        return
    said = 0
    for done, thing in enumerate(things, 1):
        yield thing  # the line comes when it is done with
        tenth = done * 10 // max(total, 1)
        if tenth > said:
            said = tenth
            print(f"{description}: {done} of {total}", file=sys.stderr, flush=True)
