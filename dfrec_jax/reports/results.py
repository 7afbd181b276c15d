"""Result files: every number that a table shows is a record in `results/*.json`, and tables are rendered from them."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from dfrec_jax.files import json_text, whole


class Record(NamedTuple):
    """One measured number.

    Attributes:
      table: which table it belongs to.
      row: the method, `None` (the forgery itself) among them.
      dataset: key of the data set.
      attack: the face swap, or `all`.
      role: `source` or `target`, the face that was to be recovered; empty where none was.
      metric: `idsim`, `psnr`, ...; with the suffix `_region` on the generated region alone.
      value: the mean, or what else the metric is over examples.
      low: lower end of the 95 % bootstrap interval, or None.
      high: its upper end, or None.
      n: over how many pictures.
      network: the frozen network that measured it, empty for pixel metrics.
      over: what it is the mean over: `examples`, or `groups`, each of which then counts once.
      clusters: how many people or groups there were to resample; None of a metric that has no interval, and in files of
        a version that did not say.
    """

    table: str
    row: str
    dataset: str
    attack: str
    role: str
    metric: str
    value: float
    low: float | None
    high: float | None
    n: int
    network: str
    over: str = "examples"
    clusters: int | None = None


class Results(NamedTuple):
    """What a file holds.

    Attributes:
      protocol: what was asked for, field by field: a file is only ever replaced by results of the same. Empty in files
        of a version that did not say.
      measured: what that came to: the checkpoint's step, the numbers of examples.
      records: the numbers.
    """

    protocol: Mapping[str, Any]
    measured: Mapping[str, Any]
    records: Sequence[Record]


def write(results: Results, path: str | os.PathLike[str]) -> None:
    """Writes them as JSON, whole or not at all."""
    content = {**results._asdict(), "records": [record._asdict() for record in results.records]}
    whole.write_json(path, content, indent=1)


def read(path: str | os.PathLike[str]) -> Results:
    """The inverse of `write`; the list of records that earlier versions wrote is read too.

    Raises:
      ValueError: for a file that holds neither.
    """
    content = json_text.parsed(Path(path).read_text())
    if isinstance(content, list):
        content = {"protocol": {}, "measured": {}, "records": content}
    try:
        records = [Record(**record) for record in content["records"]]
        return Results(dict(content["protocol"]), dict(content["measured"]), records)
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path}: holds no results ({error})") from error
