"""Which examples are not independent of each other, from a list: figures cut from one repository, say."""

import csv
import os
from collections.abc import Sequence

import numpy as np
from jaxtyping import Int

from dfrec_jax.config.errors import ConfigError


def read(
    path: str | os.PathLike[str], target_ids: Int[np.ndarray, " n"], identities: Sequence[str]
) -> Int[np.ndarray, " n"]:
    """A number for the repository of each example; the same for examples of one.

    Args:
      path: a CSV with the columns `id` and `repository`.
      target_ids: numbers in `identities` of the people in the examples.
      identities: names as `dfrec prepare triplets` gives them where the list names nobody: `target-<id>`,
        `source-<id>`.

    Raises:
      ConfigError: for a list that is not there, lacks a column, does not hold an example, or contradicts itself.
    """
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"--groups={path}: cannot be read ({error}); it must be a CSV in UTF-8") from error
    if not rows or not {"id", "repository"} <= rows[0].keys():
        raise ConfigError(f"--groups={path}: must be a CSV with the columns id and repository")
    repository: dict[str, str] = {}
    for row in rows:  # of two lines for one id the later would count, in silence
        if not row["repository"]:
            raise ConfigError(f"--groups={path}: {row['id']!r} has no repository; name one")
        if repository.setdefault(row["id"], row["repository"]) != row["repository"]:
            raise ConfigError(f"--groups={path}: {row['id']!r} is of two repositories; leave one line of it")
    numbers = {name: number for number, name in enumerate(sorted(set(repository.values())))}
    ids = [str(identities[number]).split("-", 1)[-1] for number in target_ids]
    if missing := [name for name in ids if name not in repository]:
        raise ConfigError(f"--groups={path}: has no id {missing[0]!r}, which the data set holds; add a line for it")
    return np.array([numbers[repository[name]] for name in ids], np.int64)
