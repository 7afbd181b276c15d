"""What a save that has failed goes on to write: nobody waits for it, and each array of it would print a traceback.

Orbax gives a save up at the first error and closes its event loop. Its threads log what they meet; the writes that fail
before the loop is closed are told to asyncio's logger; those that end after it find the loop closed, which tensorstore
tells the hook for errors that nobody can catch. The error of the save itself is raised, and said once
(`runs/saving.py`), so that these say nothing new; some come when the writer has been closed already.
"""

import asyncio
import logging
import sys
import traceback
from collections.abc import Callable
from typing import Any

_CALLED = asyncio.BaseEventLoop.call_soon_threadsafe.__code__
_ORBAX = "/orbax/checkpoint/"


def hush() -> None:
    """Keeps them off the screen from now on in this process; all else that nobody catches is told as before."""
    if not isinstance(sys.unraisablehook, _Hook):
        sys.unraisablehook = _Hook(sys.unraisablehook)
    for name, is_told in (("asyncio", _is_told_by_asyncio), ("absl", _is_told_by_orbax)):
        logging.getLogger(name).addFilter(is_told)  # once, however often it is added


class _Hook:
    def __init__(self, report: Callable[[Any], object]):
        self._report = report

    def __call__(self, unraisable: Any) -> None:
        trace = unraisable.exc_traceback
        # Called by C++: of a call by Python's code the traceback would begin with that.
        is_late = trace is not None and trace.tb_frame.f_code is _CALLED
        if not (is_late and isinstance(unraisable.exc_value, RuntimeError)):
            self._report(unraisable)


def _is_told_by_asyncio(record: logging.LogRecord) -> bool:
    trace = record.exc_info[2] if record.exc_info else None
    passed = [frame.f_code.co_filename for frame, _ in traceback.walk_tb(trace)]
    return not any(_ORBAX in words.replace("\\", "/") for words in (record.getMessage(), *passed))


def _is_told_by_orbax(record: logging.LogRecord) -> bool:
    return record.levelno < logging.ERROR or _ORBAX not in record.pathname.replace("\\", "/")
