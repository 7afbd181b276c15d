"""What lists say of examples that the data set does not: which are not independent of each other, and which half of a
set they belong to; figures cut from one repository, say."""

import csv
import os
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Int, Shaped

from dfrec_jax.config.errors import ConfigError

GROUP, TARGET = "repository", "target"  # columns: what intervals resample; who the target is, where names do not say it
Labels = Mapping[str, Shaped[np.ndarray, " n"]]  # words by column, of each example


def read(paths: str, target_ids: Int[np.ndarray, " n"], identities: Sequence[str]) -> Labels:
    """The columns of the lists, of each example.

    Args:
      paths: CSVs with commas between. One has the columns `id` and `repository`, or gets the second from another;
        each later list adds its columns by the first one that it shares with those before it.
      target_ids: numbers in `identities` of the people in the examples.
      identities: names as `dfrec prepare triplets` gives them where the list names nobody: `target-<id>`,
        `source-<id>`.

    Raises:
      ConfigError: for a list that is not there, lacks a column, does not hold an example, or contradicts itself.
    """
    joined: dict[str, dict[str, str]] = {}
    flag = f"--groups={paths}"
    for path in (part.strip() for part in paths.split(",")):
        joined = _joined(joined, path)
    if not all(GROUP in row for row in joined.values()):
        raise ConfigError(f"{flag}: must be CSVs with the columns id and {GROUP}")
    if unnamed := [name for name, row in joined.items() if not row[GROUP]]:
        raise ConfigError(f"{flag}: {unnamed[0]!r} has no {GROUP}; name one")
    ids = [str(identities[number]).split("-", 1)[-1] for number in target_ids]
    if missing := [name for name in ids if name not in joined]:
        raise ConfigError(f"{flag}: has no id {missing[0]!r}, which the data set holds; add a line for it")
    columns = next(iter(joined.values()))
    return {column: np.array([joined[name][column] for name in ids]) for column in columns}


def chosen(labels: Labels, only: str) -> Bool[np.ndarray, " n"]:
    """Which examples are asked for.

    Args:
      labels: of `read`.
      only: `column=value` or `column!=value`; several with commas between, all of which hold.

    Raises:
      ConfigError: for a column or a value that the lists do not have, or where nothing is left.
    """
    found = np.ones(len(next(iter(labels.values()))), bool)
    for part in only.split(","):
        column, _, value = part.strip().partition("=")
        is_negated, column = column.endswith("!"), column.removesuffix("!")
        if column not in labels:
            raise ConfigError(f"--only={part}: must be COLUMN=VALUE or COLUMN!=VALUE, of {', '.join(labels)}")
        if value not in labels[column]:
            there = sorted(set(labels[column].tolist()))
            raise ConfigError(f"--only={part}: the lists have, of {column}, {', '.join(there[:20])}")
        found &= (labels[column] == value) != is_negated
    if not found.any():
        raise ConfigError(f"--only={only}: no example is left; ask for less at once")
    return found


def _joined(before: dict[str, dict[str, str]], path: str | os.PathLike[str]) -> dict[str, dict[str, str]]:
    """The rows by id, with the columns of one more list."""
    rows = _rows(path)
    if not before:
        if "id" not in rows[0]:
            raise ConfigError(f"--groups={path}: must be a CSV with the columns id and {GROUP}; the first list has id")
        return _by(rows, "id", path)
    known = next(iter(before.values()))
    shared = next((column for column in rows[0] if column in known), None)
    if shared is None:
        raise ConfigError(f"--groups={path}: has no column that the lists before it have: {', '.join(known)}")
    added = _by(rows, shared, path)
    columns = [column for column in rows[0] if column not in known]
    if missing := sorted({row[shared] for row in before.values()} - added.keys()):
        raise ConfigError(f"--groups={path}: has no {shared} {missing[0]!r}; add a line for it")
    return {name: row | {column: added[row[shared]][column] for column in columns} for name, row in before.items()}


def _by(rows: list[dict[str, str]], column: str, path: str | os.PathLike[str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for row in rows:  # of two lines for one the later would count, in silence
        if found.setdefault(row[column], row) != row:
            raise ConfigError(f"--groups={path}: {row[column]!r} stands in two lines that differ; leave one of them")
    return found


def _rows(path: str | os.PathLike[str]) -> list[dict[str, str]]:
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, restval="")
            rows = []
            for row in reader:
                if None in row:  # a comma that stands in no quotes would move what follows it
                    raise ConfigError(
                        f"--groups={path}: line {reader.line_num} has more values than the first has headings; a value "
                        'with a comma stands in quotes, "a,b"'
                    )
                rows.append(row)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"--groups={path}: cannot be read ({error}); it must be a CSV in UTF-8") from error
    if not rows:
        raise ConfigError(f"--groups={path}: must be a CSV with a line of headings, such as id and {GROUP}, and others")
    return rows
