"""Result files: every number that a table shows is a record in `results/*.json`, and tables are rendered from them."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from dfrec_jax.files import whole


class Record(NamedTuple):
    """One measured number.

    Attributes:
      table: which table it belongs to.
      row: the method, `None` (the forgery itself) among them.
      dataset: key of the data set.
      attack: the face swap, or `all`.
      role: `source` or `target`, the face that was to be recovered.
      metric: `idsim`, `psnr`, ...; with the suffix `_region` on the generated region alone.
      value: the mean.
      low: lower end of the 95 % bootstrap interval, or None.
      high: its upper end, or None.
      n: over how many pictures.
      network: the frozen network that measured it, empty for pixel metrics.
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


def write(records: Sequence[Record], path: str | os.PathLike[str]) -> None:
    """Writes the records as a JSON list, whole or not at all."""
    whole.write_json(path, [record._asdict() for record in records], indent=1)


def read(path: str | os.PathLike[str]) -> list[Record]:
    """The inverse of `write`."""
    return [Record(**record) for record in json.loads(Path(path).read_text())]
