"""The worst, the median and the best example of each DFREC on the data of its training, with what it made of them."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dfrec_jax.evaluation.recoverers import DFREC
from dfrec_jax.paper import captions, runs_at_hand, shown_examples, table_data
from dfrec_jax.paper.fitted_tables import Place, Wanted
from dfrec_jax.paper.recovered_pictures import Kept
from dfrec_jax.paper.runs_at_hand import Run
from dfrec_jax.paper.shown_examples import PARTS
from dfrec_jax.paper.table_data import Examples
from dfrec_jax.reports.figures import Figure, Line


def is_shown(row: Wanted, place: Place) -> bool:
    """Whether a row's cases are shown in a column: a DFREC's on the very data of its training, of the paper's data and
    of drawn faces a whole one's."""
    run = row.run
    if not isinstance(run, Run) or row.method != DFREC or (run.without and not place.data.folders):
        return False
    return table_data.covers(run.trained_on, place.data) and not place.perturbation


def lines(
    place: Place,
    row: Wanted,
    collected: Any,
    pictures: Callable[[int, Mapping[str, Any]], Kept],
    examples: Examples,
    results: Path,
) -> list[Line]:
    """Three lines of pictures; none where no forgery has a known target, and without a network that tells identities.

    Args:
      place: the column.
      row: of it, as `is_shown` lets through.
      collected: the row's sums, of `scores.collection`.
      pictures: of the row, by the number of a batch and the batch; they are kept by now.
      examples: of the column.
      results: the folder of results.
    """
    values = collected.examples.compute()
    if "idsim" not in values:
        return []
    counted = values["is_forgery"] & values["has_target"] & np.isfinite(values["idsim"])
    if not counted.any():
        return []
    numbers, idsim = values["number"][counted], values["idsim"][counted]
    chosen = shown_examples.extremes(numbers, idsim)
    found = shown_examples.numbered(examples, chosen.values())
    run = row.run
    assert isinstance(run, Run)
    which = f", {runs_at_hand.lacking(run.without)}" if run.without else ""
    which += "" if run.trained_on == place.data else f", trained on {run.trained_on}"
    made = []
    for word, number in chosen.items():
        example = found[number]
        label = f"{place.data}{which}: {word}, {number}"
        kept = pictures(example.batch_number, example.batch)
        of_example = float(idsim[numbers == number][0])
        made.append(shown_examples.intermediate_outputs(label, example, kept, of_example, results))
    return made


def figure(lines: Sequence[Line], runs: Mapping[str, int], network: str, **record: Any) -> Figure:
    """The record of all of them.

    Args:
      lines: of `lines`.
      runs: the checkpoint's step by workdir.
      network: that measured IDSIM.
      record: its fields `protocol` and `made`.
    """
    caption = (
        "For each DFREC the forgeries of its own test split whose recovered target is least like the true one, in the "
        "middle, and most like it; after the word the example's number in the split.",
        f"At the corner of a recovered target: its identity similarity with the true one, by {network}.",
        captions.checkpoints(runs),
    )
    return Figure(
        "cases", "worst, median and best cases", PARTS, tuple(lines), caption=caption, runs=tuple(runs), **record
    )
