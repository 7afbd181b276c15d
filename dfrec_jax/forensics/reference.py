"""What the two checks of a result give on a run's test set, beside which a reader sees where an exhibit falls.

`dfrec reference --workdir W` measures it and keeps it with the run, in `results/recovery_reference.json`. It holds for
the network that it was measured with, and for swaps like those of its test set.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.files import json_text, whole
from dfrec_jax.forensics.consistency import Consistency
from dfrec_jax.forensics.degradation import Step

FILE = Path("results") / "recovery_reference.json"


class Reference(NamedTuple):
    """Sorted figures of the test set's swaps.

    Attributes:
      values: by name: `identity`, `ssim`, and `noise 2` and so on of the target's cosines.
      words: whose they are.
    """

    values: Mapping[str, Sequence[float]]
    words: str


def read(workdir: str | os.PathLike[str], network_sha256: str) -> tuple[Reference | None, str]:
    """The figures that are kept with a run, or None and why not, in words that are the same wherever the run lies.

    Raises:
      ConfigError: for a file that is damaged; names it.
    """
    path = Path(workdir) / FILE
    if not path.exists():
        return None, "no figures of a test set are kept with the network: `dfrec reference` makes them of a run"
    try:
        said = json_text.parsed(path.read_text())
        values = {str(name): sorted(float(each) for each in row) for name, row in said["values"].items()}
        words, measured = str(said["words"]), said["network_sha256"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"{path}: is damaged ({error}); delete it, or run `dfrec reference` again") from error
    if measured != network_sha256:
        return None, f"{FILE.as_posix()} was measured with another checkpoint: run `dfrec reference` again"
    return Reference(values, words), ""


def write(
    workdir: str | os.PathLike[str], identity: Mapping[str, Any], values: Mapping[str, Sequence[float]], words: str
) -> Path:
    """Keeps the figures with the run, in the place of earlier ones; the path is returned."""
    path = Path(workdir) / FILE
    rounded = {name: sorted(round(float(each), 4) for each in row) for name, row in values.items()}
    whole.write_json(path, {**identity, "words": words, "values": rounded}, indent=1)
    return path


def figures(steps: Sequence[Step], consistency: Consistency) -> dict[str, float]:
    """The figures of one result, by the names of `Reference`; those that are not told are left out."""
    found = {name_of(step): step.target_cosine for step in steps}
    found |= {"identity": consistency.identity, "ssim": consistency.ssim}
    return {name: value for name, value in found.items() if value is not None}


def name_of(step: Step) -> str:
    """Of the cosines of a step."""
    return f"{step.kind} {step.strength:g}"


def rank(reference: Reference | None, name: str, value: float | None) -> float | None:
    """The share of the test set's figures that are as low or lower; None where either is not told."""
    if reference is None or value is None or not reference.values.get(name):
        return None
    return float(np.mean(np.asarray(reference.values[name]) <= value + 5e-5))  # as they are rounded
