"""Curves as pictures: the loss terms of a run, and real faces told from forged ones at every threshold."""

import io
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from PIL import Image

from dfrec_jax.files import json_text
from dfrec_jax.pictures import grid

SMOOTHED_OVER = 5  # logged steps


def logged(metrics: str | os.PathLike[str]) -> dict[str, list[tuple[int, float]]]:
    """(step, value) of each name in a `metrics.jsonl`.

    A last line without its end, as a run that was killed leaves it, counts for nothing.

    Raises:
      OSError: for a file that cannot be read.
      ValueError: for one without a value, or with a line that is none of a run's.
    """
    series: dict[str, list[tuple[int, float]]] = {}
    lines = [line for line in Path(metrics).read_text().splitlines(keepends=True) if line.endswith("\n")]
    for number, line in enumerate(lines, start=1):
        try:
            record = json_text.parsed(line)
            step = int(record.pop("step"))
            for name, value in record.items():
                series.setdefault(name, []).append((step, float(value)))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{metrics}: line {number} is no line of a run's ({error})") from error
    if not series:
        raise ValueError(f"{metrics}: holds no value")
    return series


def training(metrics: str | os.PathLike[str], path: str | os.PathLike[str]) -> None:
    """Draws every value of a `metrics.jsonl` by step, one panel each: as logged, and a running mean.

    Raises:
      OSError, ValueError: as `logged`.
    """
    series = logged(metrics)
    columns = 4
    rows = -(-len(series) // columns)
    figure = Figure((3.2 * columns, 2.4 * rows), layout="constrained")
    for place, (name, points) in enumerate(sorted(series.items())):
        axes = figure.add_subplot(rows, columns, place + 1, title=name, xlabel="step")
        steps, values = np.array(points).T
        axes.plot(steps, values, color="0.75", marker="o" if len(values) == 1 else "")
        width = min(SMOOTHED_OVER, len(values))
        axes.plot(steps[width - 1 :], np.convolve(values, np.full(width, 1 / width), "valid"))
    legend = [Line2D([], [], color="0.75", label="as logged"), Line2D([], [], label=f"mean of {SMOOTHED_OVER}")]
    figure.legend(handles=legend, loc="outside lower right", ncols=2, frameon=False)
    _save(figure, path)


def roc(
    curves: Mapping[str, tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]], path: str | os.PathLike[str]
) -> None:
    """Draws (false positive rate, true positive rate) of each method."""
    figure = Figure((4.0, 4.0), layout="constrained")
    axes = figure.add_subplot(
        xlabel="share of forged faces judged real",
        ylabel="share of real faces judged real",
        title="cosine of the input and its recovered target",
        aspect="equal",
    )
    axes.title.set_fontsize("medium")
    axes.plot([0, 1], [0, 1], color="0.75", linestyle=":", label="chance")
    for name, (false_positives, true_positives) in curves.items():
        axes.plot(false_positives, true_positives, label=name)
    axes.legend(loc="lower right")
    _save(figure, path)


def _save(figure: Figure, path: str | os.PathLike[str]) -> None:
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=100)
    grid.save(Image.open(drawn), path)
