"""`results/runs.json`: what each run that tables and figures show is, by workdir, with its config."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dfrec_jax.files import json_text

FILE = "runs.json"
_FIELDS = {"method": str, "trained_on": str, "without": list, "config": Mapping}


def read(path: Path) -> dict[str, Mapping[str, Any]]:
    """The runs; none where there is no such file.

    Raises:
      ValueError: for a file that says something else.
    """
    if not path.exists():
        return {}
    try:
        found = json_text.parsed(path.read_text(encoding="utf-8"))
        for workdir, run in found.items():
            if wrong := [name for name, kind in _FIELDS.items() if not isinstance(run[name], kind)]:
                raise ValueError(f"{wrong[0]} of {workdir} is {run[wrong[0]]!r:.60}")
            if not all(isinstance(part, str) for part in run["without"]):
                raise ValueError(f"without of {workdir} is {run['without']!r:.60}")
            if not isinstance(run["config"].get("train", {}), Mapping):
                raise ValueError(f"train of the config of {workdir} is {run['config']['train']!r:.60}")
            if imported := run.get("imported", {}):
                str(imported["source"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: does not say what runs are ({error}); move it away, and evaluate again") from error
    return found
