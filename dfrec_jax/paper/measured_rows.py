"""What was measured of the rows of a table is kept until the tables are written: preempted, they go on there.

A file for each row and batch. It counts only where it was measured of these very pictures, true and recovered, which
are on disk or quickly there; the networks that measure are what takes time.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dfrec_jax.evaluation import scores, unfinished
from dfrec_jax.evaluation.spread import Spread
from dfrec_jax.evaluation.unfinished import Unfinished
from dfrec_jax.paper.fitted_tables import Place, Wanted
from dfrec_jax.paper.recovered_pictures import Kept
from dfrec_jax.weights.digest import sha256_of_variables


def kept_by(results: Path, measures: scores.Measures) -> Callable[[Place, Wanted], Unfinished]:
    """Where what is measured of each row of a column is kept, below the folder of the results."""
    made_of: dict[str, Any] = {
        "networks": {role: [one.name, sha256_of_variables(one.variables)] for role, one in measures.networks.items()},
        "metrics": sorted(metric.name for metric in measures.measurable()),
    }

    def of(place: Place, row: Wanted) -> Unfinished:
        said = {"data": place.data.words(), "perturbation": place.perturbation, "row": [row.method, row.workdir]}
        return unfinished.of(results / "tables.json", made_of | said)

    return of


def outputs(
    kept_in: Unfinished,
    number: int,
    batch: Mapping[str, np.ndarray],
    pictures: Kept,
    measures: scores.Measures,
    truth: Callable[[], scores.Truth],
    devices: Spread,
) -> dict[str, np.ndarray]:
    """What `scores.outputs_of` gives of one row of a batch: from disk where it is there, else measured now, and kept.

    Args:
      kept_in: of the row.
      number: of the batch.
      batch: this host's rows.
      pictures: what was recovered of them.
      measures: what is measured, and by what.
      truth: gives that of the batch; it is asked for only where something is measured.
      devices: that share the rows.

    Raises:
      OSError: where it cannot be kept.
    """
    recovered = {"recovered": pictures.target, "generated": pictures.generated}
    inputs = unfinished.digests({**batch, **{name: one for name, one in recovered.items() if one is not None}})
    there = kept_in.read(number, inputs)
    if there is not None:
        return {name: array for (name,), array in there.arrays.items()}
    found = scores.outputs_of(measures, truth(), pictures.target, pictures.generated, devices)
    kept_in.write(number, inputs, unfinished.Kept({(name,): np.asarray(array) for name, array in found.items()}))
    return found
