"""What a person names on the command line, as files: pictures and videos, folders of them, and patterns."""

import glob
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from dfrec_jax.pictures.reading import PICTURE_ENDINGS, ImageError
from dfrec_jax.pictures.video import VIDEO_ENDINGS


class Inputs(NamedTuple):
    """Files, in the order in which they were named, and those of a folder by name.

    Attributes:
      paths: of pictures and videos.
      remarks: what was left out of folders, in words.
    """

    paths: tuple[Path, ...]
    remarks: tuple[str, ...]


def listed(named: Sequence[str | os.PathLike[str]]) -> Inputs:
    """The files that are meant; a file that is named twice is taken once.

    Of a folder the pictures and videos that lie in it are taken, not those of folders below, and no hidden ones. A name
    that is no file is a pattern where it holds `*`, `?` or `[`, of which `**` goes through folders too: not every shell
    expands them.

    Raises:
      ImageError: for a folder or a pattern that yields nothing; names it.
    """
    paths: dict[Path, None] = {}
    remarks: list[str] = []
    for each in named:
        path = Path(each)
        if path.is_dir():
            found = _of_folder(path, remarks)
        elif not os.path.lexists(path) and glob.has_magic(os.fspath(each)):
            found = [Path(name) for name in sorted(glob.glob(os.fspath(each), recursive=True)) if Path(name).is_file()]
            if not found:
                raise ImageError(f"{each}: no file is called so; check the folder and the pattern")
        else:
            found = [path]
        paths |= dict.fromkeys(found)
    return Inputs(tuple(paths), tuple(remarks))


def is_video(path: Path) -> bool:
    """By the ending of its name."""
    return path.suffix.lower() in VIDEO_ENDINGS


def _of_folder(folder: Path, remarks: list[str]) -> list[Path]:
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    taken = [path for path in files if path.suffix.lower() in (*PICTURE_ENDINGS, *VIDEO_ENDINGS)]
    if not taken:
        raise ImageError(
            f"{folder}: this folder holds no picture ({', '.join(PICTURE_ENDINGS)}) and no video "
            f"({', '.join(VIDEO_ENDINGS)}); folders below it are named by themselves, or as {folder}/**/*.png"
        )
    others = [path.name for path in files if path not in taken]
    if others:
        and_more = ", ..." if len(others) > 3 else ""
        number = f"{len(others)} files are" if len(others) > 1 else "1 file is"
        remarks.append(f"{folder}: {number} no picture by name and left out ({', '.join(others[:3])}{and_more})")
    below = [path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")]
    if below:
        number = f"{len(below)} folders" if len(below) > 1 else "1 folder"
        remarks.append(f"{folder}: {number} below it left out; {folder}/**/* takes what is in them")
    if hidden := sum(path.name.startswith(".") for path in folder.iterdir()):
        remarks.append(f"{folder}: {hidden} of hidden names left out; each is taken where it is named")
    return taken
