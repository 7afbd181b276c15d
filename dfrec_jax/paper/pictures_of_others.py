"""Rows that another program made: a folder of pictures for each data set, named by the numbers of the examples.

`dfrec masks` writes what such a program needs under the same names (`masks.py`).
"""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.paper.table_data import Data

NAMED = 3  # files of each kind that an error names


class Given(NamedTuple):
    """A row of pictures that are there.

    Attributes:
      method: the row.
      workdir: the folder that holds one of `folder_name` for each data set; called so since it stands where a run does.
    """

    method: str
    workdir: str

    @property
    def flag(self) -> str:
        """As it was typed."""
        return f"--row={self.method}={self.workdir}"


def folder_name(data: Data) -> str:
    """Of the pictures of a data set and attack: letters, digits, dots and underscores, everything else a `-`."""
    return re.sub(r"[^a-z0-9._]+", "-", str(data).lower())


def file_name(number: int) -> str:
    """Of the picture of an example, by its number in the order of the test split."""
    return f"{number:06d}.png"


def parsed(rows: Sequence[str]) -> list[Given]:
    """The rows of `--row NAME=DIR`.

    Raises:
      ConfigError: for what has no such form, a folder that is not there, and a name that is given twice.
    """
    given: dict[str, Given] = {}
    for word in rows:
        name, _, folder = word.partition("=")
        name, folder = name.strip(), os.path.expanduser(folder)
        if not name or not folder:
            raise ConfigError(f"--row={word}: must be NAME=DIR, a name and the folder of its pictures")
        if name in given:
            raise ConfigError(f"--row={word}: {name} is given twice, the first time as {given[name].workdir}")
        if not Path(folder).is_dir():
            raise ConfigError(f"--row={word}: {folder} is no folder")
        given[name] = Given(name, folder)
    return list(given.values())


def reason_without(given: Given, data: Data) -> str:
    """Why the row has no pictures of a data set; empty where it has."""
    folder = folder_name(data)
    return "" if (Path(given.workdir) / folder).is_dir() else f"{given.workdir} has no folder {folder}"


def faults(given: Given, data: Data, num_examples: int, image_size: int) -> str:
    """Looks at every picture of a data set and says how many are missing, belong to no example, or are no RGB picture
    of `image_size`, with the first of their names; empty where all is well."""
    folder = Path(given.workdir) / folder_name(data)
    wanted = [file_name(number) for number in range(num_examples)]
    there = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    missing = [name for name in wanted if name not in there]
    extra = sorted(there - set(wanted))
    wrong = []
    for name in wanted:
        if name in there and (fault := _fault(folder / name, image_size)):
            wrong.append(f"{name} {fault}")
    said = [
        f"{len(names)} {words} ({', '.join(names[:NAMED])}{', ...' if len(names) > NAMED else ''})"
        for names, words in ((missing, "missing"), (extra, "of no example"), (wrong, "of another kind"))
        if names
    ]
    if not said:
        return ""
    return (
        f"{folder} must hold {num_examples} RGB pictures of {image_size} px, {wanted[0]} to {wanted[-1]}, as "
        f"`dfrec masks` names them: {'; '.join(said)}"
    )


def read(given: Given, data: Data, batch: Mapping[str, Any]) -> UInt8[np.ndarray, "b h w 3"]:
    """The pictures of a batch of `pipeline.eval_batches`; of a row that only fills it up, the input."""
    pictures, folder = np.array(batch["image"]), Path(given.workdir) / folder_name(data)
    for row in np.flatnonzero(batch["is_valid"]):
        with Image.open(folder / file_name(int(batch["number"][row]))) as picture:
            pictures[row] = np.asarray(picture)
    return pictures


def _fault(path: Path, image_size: int) -> str:
    try:
        with Image.open(path) as picture:
            if picture.size != (image_size, image_size):
                return f"is {picture.width} x {picture.height} px"
            if picture.mode != "RGB":
                return f"has the channels {picture.mode}"
            picture.load()
            return ""
    except (OSError, SyntaxError, ValueError) as error:  # SyntaxError: Pillow's, of a damaged PNG
        return f"cannot be read ({str(error).splitlines()[0]})"
