"""What a run trains, in numbers, by clu's overview: every parameter in `parameters.txt`, and the parts on the screen.

The whole is logged too, as clu's users do it, at absl's level INFO: `train.py --verbosity=0` shows it.
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
from clu import parameter_overview

from dfrec_jax.files import whole

OVERVIEW = "parameters.txt"
MOST_LINES = 24  # of the table on the screen


@dataclass
class Part:
    """A row of the table on the screen; the fields are its columns."""

    part: str
    arrays: int
    parameters: int
    bytes: int


def parts_of(params: Mapping[str, Any]) -> list[Part]:
    """The outermost modules of a tree of arrays, or of their shapes."""
    leaves = {name: jax.tree.leaves(part) for name, part in params.items()}
    return [
        Part(
            name,
            len(of_part),
            sum(leaf.size for leaf in of_part),
            sum(leaf.size * leaf.dtype.itemsize for leaf in of_part),
        )
        for name, of_part in leaves.items()
    ]


def keep_overview(params: Mapping[str, Any], workdir: str | os.PathLike[str]) -> None:
    """Writes name, shape, type, size and sharding of each parameter into the workdir, and prints the sums of its parts.

    Args:
      params: arrays, or their shapes; a tree of dicts.
      workdir: of the run.
    """
    params, path = dict(params), Path(workdir) / OVERVIEW
    whole.write_text(path, parameter_overview.get_parameter_overview(params, include_stats="sharding") + "\n")
    parameter_overview.log_parameter_overview(params, include_stats="sharding")
    parts = parts_of(params)
    count, size = sum(part.parameters for part in parts), sum(part.bytes for part in parts)
    table = parameter_overview.make_table(parts, max_lines=MOST_LINES)
    print(f"{table}\nTotal: {count:,} parameters, {size:,} bytes; each of them in {path}", file=sys.stderr)
