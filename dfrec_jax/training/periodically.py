"""What goes on beside the loop, in a thread of its own."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def periodically(act: Callable[[], None], every_seconds: float) -> Iterator[None]:
    """Calls `act` every so many seconds until the block ends, which waits for a call that is under way."""
    ended = threading.Event()

    def go_on() -> None:
        while not ended.wait(every_seconds):
            act()

    thread = threading.Thread(target=go_on, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
