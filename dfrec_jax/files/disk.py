"""Whether it was the disk."""

import errno

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
