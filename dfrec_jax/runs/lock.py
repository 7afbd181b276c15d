"""One training at a time in a workdir."""

import contextlib
import fcntl
import os
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from dfrec_jax.runs.errors import CheckpointError

NAME = "training.lock"


@contextlib.contextmanager
def held(workdir: str | os.PathLike[str]) -> Iterator[None]:
    """Keeps other trainings out of `workdir` until the block, or the process, ends, however it ends.

    The system holds the lock (`flock`), not the file, which stays and says who has it. On NFS it is the server's and
    holds among hosts, but for mounts with `nolock` or `local_lock`, where it holds on one host alone. Where a file
    system has no locks (Lustre without `-o flock`), a warning says so, and nothing keeps a second training out.

    Raises:
      CheckpointError: where another training is at work there, or the file cannot be written.
    """
    path = Path(workdir) / NAME
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("ab+", buffering=0)
    except OSError as error:
        raise CheckpointError(f"--workdir={workdir}: cannot be written to: {error}") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            holder = file.read().decode(errors="replace").strip() or "unknown"
            raise CheckpointError(
                f"--workdir={workdir}: another training is at work there ({holder}); wait for its end, stop it, or use "
                "another --workdir"
            ) from error
        except OSError as error:
            print(
                f"warning: {path} cannot be locked here ({error.strerror}): nothing keeps a second training out of "
                "this workdir",
                file=sys.stderr,
            )
        file.truncate(0)
        since = time.strftime("%Y-%m-%d %H:%M:%S")
        try:
            file.write(f"process {os.getpid()} of {socket.gethostname()}, since {since}\n".encode())
        except OSError as error:  # a full disk
            raise CheckpointError(f"--workdir={workdir}: cannot be written to: {error}") from error
        yield
        file.truncate(0)
