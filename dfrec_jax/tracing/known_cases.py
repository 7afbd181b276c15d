"""Cases whose truth is known: the list of them, and which people are fitted on and which measured on."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.tracing.gallery import Gallery
from dfrec_jax.tracing.routes import ROLES

COLUMNS = ("exhibit", "target", "source", "visible", "part")
PARTS = ("fit", "measure")


class Case(NamedTuple):
    """An exhibit of which is known who is hidden in it.

    Attributes:
      exhibit: picture, or folder of `dfrec recover`.
      truth: the person of the gallery by role; a role may be left out.
      visible: pictures of the person who is seen.
      part: `fit`, `measure`, or empty: drawn.
    """

    exhibit: Path
    truth: Mapping[str, str]
    visible: tuple[Path, ...]
    part: str


def cases_of(path: Path, gallery: Gallery) -> list[Case]:
    """Reads a CSV with the columns `exhibit`, `target`, `source`, `visible` (several are parted by `;`) and `part`.

    Paths are taken from the CSV's folder. Only `exhibit` and one of `target` and `source` are needed.

    Raises:
      ConfigError: for a file that cannot be read, or a row that names nobody of the gallery; names the row.
    """
    try:
        reader = csv.DictReader(path.read_text(encoding="utf-8").splitlines())
        rows, columns = list(reader), reader.fieldnames or []
    except (OSError, ValueError, csv.Error) as error:
        raise ConfigError(f"--cases={path}: cannot be read ({error})") from error
    unknown = [name for name in columns if name not in COLUMNS]
    if unknown or "exhibit" not in columns or not {"target", "source"} & set(columns):
        raise ConfigError(f"--cases={path}: has the columns {', '.join(columns)}; known are {', '.join(COLUMNS)}")
    known, cases = {one.name for one in gallery.people}, []
    for number, row in enumerate(rows, 2):
        where = f"--cases={path}, line {number}"
        truth = {role: row[role] for role in ROLES if row.get(role)}
        strangers = [name for name in truth.values() if name not in known]
        if not truth or strangers:
            raise ConfigError(f"{where}: target or source must name people of the gallery, not {strangers or 'nobody'}")
        part = row.get("part") or ""
        if part not in ("", *PARTS):
            raise ConfigError(f"{where}: part={part!r} must be one of {PARTS}, or empty: then it is drawn")
        visible = tuple(path.parent / each for each in (row.get("visible") or "").split(";") if each)
        cases.append(Case(path.parent / row["exhibit"], truth, visible, part))
    if not cases:
        raise ConfigError(f"--cases={path}: holds no case")
    return cases


def is_of_measurement(gallery: Gallery, cases: Sequence[Case], seed: int) -> Bool[np.ndarray, " p"]:
    """Who of the gallery is among people B: as the cases say, and half of all others, drawn from the seed.

    Raises:
      ConfigError: for somebody who stands in both.
    """
    part_of: dict[str, str] = {}
    for case in cases:
        for name in case.truth.values() if case.part else ():
            if part_of.setdefault(name, case.part) != case.part:
                raise ConfigError(f"--cases: {name} is in both parts; all cases of one person must be in one")
    free = [i for i, one in enumerate(gallery.people) if one.name not in part_of]
    chosen = np.array([part_of.get(one.name) == "measure" for one in gallery.people])
    has_case = {name for case in cases for name in case.truth.values()}
    rng = np.random.default_rng(seed)
    for group in (True, False):  # those with cases are halved by themselves, so that both parts have some
        drawn = rng.permutation([i for i in free if (gallery.people[i].name in has_case) == group])
        chosen[drawn[: len(drawn) // 2].astype(int)] = True
    return chosen
