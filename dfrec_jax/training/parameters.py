"""What a run trains, in numbers: clu's overview of every parameter in `parameters.txt`, and a line on the screen."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from clu import parameter_overview

from dfrec_jax.files import whole

OVERVIEW = "parameters.txt"


def keep_overview(params: Mapping[str, Any], workdir: str | os.PathLike[str]) -> None:
    """Writes name, shape, type, size and sharding of each parameter into the workdir, and says how many there are.

    Args:
      params: arrays, or their shapes; a tree of dicts.
      workdir: of the run.
    """
    path = Path(workdir) / OVERVIEW
    whole.write_text(path, parameter_overview.get_parameter_overview(dict(params), include_stats="sharding") + "\n")
    parts = {name: int(parameter_overview.count_parameters({name: part})) for name, part in params.items()}
    of_parts = ", ".join(f"{name} {count:,}" for name, count in parts.items())
    print(f"{sum(parts.values()):,} parameters ({of_parts}), each of them in {path}", file=sys.stderr)
