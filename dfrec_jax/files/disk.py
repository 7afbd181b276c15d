"""Whether it was the disk, and which file met it."""

import contextlib
import errno
import os
from collections.abc import Iterator

_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_WORDS = ("No space left on device", "Disk quota exceeded", "File too large")  # as C++ says it


def is_full(error: BaseException) -> bool:
    """Whether `error`, or one that it came of, says that a disk, a quota or a limit on files is full."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in _ERRORS or any(word in str(cause) for word in _WORDS):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


@contextlib.contextmanager
def naming(path: str | os.PathLike[str]) -> Iterator[None]:
    """Gives an error of the system the name of the file, which that of a full disk has not."""
    try:
        yield
    except OSError as error:
        if error.errno and error.filename is None:
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
