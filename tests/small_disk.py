"""A disk that is really full and needs no rights: a file system in memory, in a name space of its own (Linux)."""

import contextlib
import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

REPOSITORY = Path(__file__).parents[1]
_MOUNT = 'mount -t tmpfs -o "size=${1}k" none "$0" && echo mounted && exec cat'  # which ends with who holds its input


class NoSmallDiskError(RuntimeError):
    """This machine allows none; the message says why."""


class SmallDisk(NamedTuple):
    """Where it is.

    Attributes:
      folder: as processes see it that were started by `within`.
      seen: the same folder as all others of this user see it; links in the path must be followed, not resolved.
      within: what a command line has to begin with; it is run in the folder of the repository.
    """

    folder: Path
    seen: Path
    within: tuple[str, ...]

    def leave(self, room: int) -> None:
        """Fills it but for so many bytes, in whole blocks of 4096; what others write meanwhile is left its room."""
        with open(self.seen / "ballast", "wb") as file:
            for last in (False,) * 99 + (True,):
                found = os.statvfs(self.seen)
                try:
                    return os.posix_fallocate(file.fileno(), 0, max(1, found.f_bavail * found.f_frsize - room))
                except OSError as error:  # between the two calls
                    if last or error.errno != errno.ENOSPC:
                        raise

    def empty(self) -> None:
        """Gives the room back."""
        (self.seen / "ballast").unlink()


@contextlib.contextmanager
def mounted(folder: Path, kibibytes: int) -> Iterator[SmallDisk]:
    """A new one over an empty folder; it is gone when the block ends.

    Raises:
      NoSmallDiskError: where user name spaces are forbidden, or util-linux is not there.
    """
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", _MOUNT, str(folder), str(kibibytes)]
    try:
        holder = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
    except FileNotFoundError as error:
        raise NoSmallDiskError("there is no `unshare` (util-linux)") from error
    with holder:
        assert holder.stdin and holder.stdout
        try:
            if (said := holder.stdout.readline().strip()) != "mounted":
                raise NoSmallDiskError(said or "unshare ended")
            enter = ("nsenter", "--user", "--preserve-credentials", "--mount", f"--target={holder.pid}")
            back = ("sh", "-c", 'cd "$0" && exec "$@"', str(REPOSITORY))  # nsenter goes to the root
            yield SmallDisk(folder, Path(f"/proc/{holder.pid}/root{folder}"), (*enter, *back))
        finally:
            holder.stdin.close()


@pytest.fixture
def disk(tmp_path):
    """Of 256 KiB."""
    try:
        with mounted(tmp_path, 256) as found:
            yield found
    except NoSmallDiskError as error:
        pytest.skip(f"no file system of a test's own: {error}")
