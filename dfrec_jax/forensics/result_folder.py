"""The folder of one picture's result: it appears whole or not at all, and never takes the place of another."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from dfrec_jax.files import json_text, whole

RECORD = "result.json"
_REMEDY = "choose another folder for the results, or move it away"


class FolderTaken(ValueError):
    """A folder that is there already and holds something else; the message names it and the fix."""


def name_of(picture: Path) -> str:
    """The picture's name without its ending; the whole name where only dots would be left, as of `...png`."""
    return picture.stem if picture.stem.strip(".") else picture.name


def of_frame(place: int, frame: int) -> str:
    """The folder of a frame's result in that of its video: track by its place from 1, frame by its number."""
    return f"track-{place}/frame-{frame:06d}"


def check_out(out: Path) -> None:
    """Raises OSError where no folder can be made in `out`, before anything was computed for it."""
    nearest = next(folder for folder in (out, *out.absolute().parents) if folder.exists())
    if not nearest.is_dir():
        raise NotADirectoryError(20, "is a file: name a folder for the results", str(nearest))
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise PermissionError(13, "may not be written to: name another folder for the results", str(nearest))


def holds(folder: Path, identity: Mapping[str, Any]) -> bool:
    """Whether `folder` is there with the result that `identity` describes; False where it is not there.

    Raises:
      FolderTaken: where it is there with another result, or with none.
    """
    if not os.path.lexists(folder):
        return False
    try:
        record = json_text.parsed((folder / RECORD).read_text())
        other = {name: record.get(name) for name in identity}
    except (OSError, ValueError, AttributeError):
        raise FolderTaken(f"{folder} is there already and holds no result: {_REMEDY}") from None
    different = [f"{name} {other[name]}, now {value}" for name, value in identity.items() if other[name] != value]
    if different:
        raise FolderTaken(f"{folder} holds another result already ({'; '.join(different)}): {_REMEDY}")
    return True


def write(folder: Path, fill: Callable[[Path], None]) -> None:
    """Lets `fill` write into a new folder beside `folder`, and gives it that name when all is written.

    Raises:
      FolderTaken: where something of that name has come into being meanwhile.
      OSError: as of a full disk; nothing is left then.
    """
    with whole.new_folder(folder) as unfinished:
        fill(unfinished)
        if os.path.lexists(folder):
            raise FolderTaken(f"{folder} has been made meanwhile, by another program: its result is left as it is")
