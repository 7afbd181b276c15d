"""One process at a time in a folder that it writes: a training's workdir, a data set that is being prepared."""

import contextlib
import fcntl
import os
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def held(
    path: Path, doing: str, flag: str, folder: str | os.PathLike[str], error_of: type[Exception]
) -> Iterator[None]:
    """Keeps others who hold the same file out until the block, or the process, ends, however it ends.

    The system holds the lock (`flock`), not the file, which stays and says who has it. On NFS it is the server's and
    holds among hosts, but for mounts with `nolock` or `local_lock`, where it holds on one host alone. Where a file
    system has no locks (Lustre without `-o flock`), a warning says so, and nothing keeps a second one out.

    Args:
      path: the file; its folder is made.
      doing: what only one may be at, as messages name it: "training".
      flag: that names the folder, "--workdir".
      folder: as the user named it.
      error_of: the error that is raised.

    Raises:
      error_of: where another process holds it, or the file cannot be written.
    """
    named = f"{flag}={folder}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("ab+", buffering=0)
    except OSError as error:
        raise error_of(f"{named}: cannot be written to: {error}") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            holder = file.read().decode(errors="replace").strip() or "unknown"
            raise error_of(
                f"{named}: another {doing} is at work there ({holder}); wait for its end, stop it, or use another "
                f"{flag}"
            ) from error
        except OSError as error:
            print(
                f"warning: {path} cannot be locked here ({error.strerror}): nothing keeps a second {doing} out of "
                f"{named}",
                file=sys.stderr,
            )
        file.truncate(0)
        since = time.strftime("%Y-%m-%d %H:%M:%S")
        try:
            file.write(f"process {os.getpid()} of {socket.gethostname()}, since {since}\n".encode())
        except OSError as error:  # a full disk
            raise error_of(f"{named}: cannot be written to: {error}") from error
        yield
        file.truncate(0)
