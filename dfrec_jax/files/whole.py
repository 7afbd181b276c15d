"""Files, and folders, that are there whole or not at all: after an error, a full disk, a kill or a power cut."""

import contextlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A path beside `path` to write to; what is written there takes the place of `path` when the block ends.

    The name is this call's alone, so that two writers, of two hosts even, never meet in one unfinished file. The
    folder is made. After an error `path` is what it was, and nothing else is left.

    Raises:
      OSError: where the folder or the file cannot be written; by the name of the one or the other.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        yield unfinished
        with open(unfinished, "r+b") as file:  # Windows flushes only what may be written to
            os.fsync(file.fileno())  # or a power cut could leave the new name on an empty file
        os.replace(unfinished, path)
    except OSError as error:
        if error.errno and error.filename in (None, str(unfinished)):  # none, as of a full disk
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink()


@contextlib.contextmanager
def new_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A new folder beside `path` to fill, which gets that name when the block ends; nothing is left after an error.

    A kill leaves it beside, hidden (`.unfinished-...`), and in nobody's way. `path` is not there yet, or is an empty
    folder.

    Raises:
      OSError: where it cannot be written, by the name of `path` where the system gives none, as of a full disk; where
        `path` holds something by the time that it is to have the name.
    """
    path = Path(path)
    is_new = not path.parent.exists()
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.parent / f".unfinished-{secrets.token_hex(4)}"
    try:
        unfinished.mkdir()
        yield unfinished
        unfinished.rename(path)
    except BaseException as error:  # Ctrl-C too
        shutil.rmtree(unfinished, ignore_errors=True)
        if is_new and not any(path.parent.iterdir()):
            path.parent.rmdir()
        if isinstance(error, OSError) and error.errno and error.filename is None:
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Writes `text` in UTF-8; see `replacing`."""
    with replacing(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")


def write_json(path: str | os.PathLike[str], content: Any, *, indent: int) -> None:
    """Writes `content` as JSON with a line end; see `replacing`."""
    write_text(path, json.dumps(content, indent=indent) + "\n")
