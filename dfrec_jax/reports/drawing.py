"""Figures as files: grids of pictures and densities, drawn by Matplotlib in one style, as vectors."""

import io
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas
from scipy.stats import gaussian_kde

from dfrec_jax.files import whole
from dfrec_jax.reports import figures
from dfrec_jax.reports.figures import PICTURES, Figure, Panel, Shown

STYLE: dict[Any, Any] = {
    "font.family": "sans-serif", "font.sans-serif": ["DejaVu Sans"], "font.size": 8, "axes.titlesize": 8,
    "axes.spines.top": False, "axes.spines.right": False, "axes.linewidth": 0.6, "legend.frameon": False,
    "pdf.fonttype": 42, "svg.hashsalt": "dfrec", "savefig.dpi": 300,
}  # fmt: skip
COLOURS = {"source": "#b5502d", "target": "#1f5f99", "another person": "#6b6b6b"}
CELL, LABEL, HEADING, GAP = 0.85, 1.1, 0.42, 0.06  # inches, and a share of a cell
LONGEST = 20  # letters of a label, which then goes on in the next line
INSET = 0.25  # of a picture: the side of the four beside it
PANELS_ACROSS = 3  # densities side by side
FEWEST = 2  # distinct values that a density is drawn of


def write(figure: Figure, results: Path, path: Path) -> None:
    """Draws a figure into a file, whole or not at all; of the kind that the name of the file ends by.

    Args:
      figure: that has something to draw.
      results: the folder of results, where its pictures are kept.
      path: `.pdf`, `.svg` or `.png`.

    Raises:
      OSError: where a picture is not there.
    """
    kind = path.suffix.removeprefix(".")
    drawn = encoded(figure, results, kind)
    with whole.replacing(path) as unfinished:
        unfinished.write_bytes(drawn)


def encoded(figure: Figure, results: Path, kind: str) -> bytes:
    """The same bytes for the same figure; arguments as of `write`."""
    dates = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}
    with matplotlib.rc_context(STYLE):
        canvas = _densities(figure.panels) if figure.panels else _grid(figure, results / PICTURES)
        FigureCanvasAgg(canvas)
        drawn = io.BytesIO()
        canvas.savefig(drawn, format=kind, metadata=dates.get(kind))
    return drawn.getvalue()


def density(values: Sequence[float], points: int = 256) -> tuple[Float[np.ndarray, " p"], Float[np.ndarray, " p"]]:
    """A density by a Gaussian kernel of Scott's width, and the places where it is given; its integral is 1.

    Raises:
      ValueError: for values of which there are not two that differ.
    """
    if len(set(values)) < FEWEST:
        raise ValueError(f"a density of {len(set(values))} distinct values")
    kernel = gaussian_kde(values)
    beyond = 4 * float(np.sqrt(kernel.covariance[0, 0]))
    axis = np.linspace(min(values) - beyond, max(values) + beyond, points)
    return axis, kernel(axis)


def _densities(panels: Sequence[Panel]) -> Canvas:
    columns = min(len(panels), PANELS_ACROSS)
    rows = -(-len(panels) // columns)
    canvas = Canvas((2.6 * columns + 0.3, 2.1 * rows + 0.2), layout="constrained")
    for number, panel in enumerate(panels):
        axes = canvas.add_subplot(rows, columns, number + 1)
        axes.set_title(panel.title, loc="left")
        for curve in panel.curves:
            colour = COLOURS.get(curve.label, "0.3")
            label = (
                f"{curve.label}, mean {_signed(float(np.mean(curve.values)))}"
                if curve.values
                else f"{curve.label}, none"
            )
            if len(set(curve.values)) < FEWEST:
                axes.plot([], [], color=colour, label=label)
                continue
            axis, height = density(curve.values)
            axes.plot(axis, height, color=colour, linewidth=1.2, label=label)
            axes.fill_between(axis, height, color=colour, alpha=0.12, linewidth=0)
        axes.set_ylim(0, axes.get_ylim()[1] * 1.45)  # room for the legend
        axes.set_xlim(-1, 1)
        axes.set_yticks([])
        axes.legend(loc="upper left", fontsize=6.5, handlelength=1.2, borderaxespad=0.1)
        if number // columns == rows - 1 or number + columns >= len(panels):
            axes.set_xlabel("identity similarity of a forgery and ...")
        if number % columns == 0:
            axes.set_ylabel("density")
    return canvas


def _grid(figure: Figure, pictures: Path) -> Canvas:
    width, height = len(figure.headings), len(figure.lines)
    wide = CELL * (1 + INSET if any(shown.insets for line in figure.lines for shown in line.places) else 1)
    size = (LABEL + wide * width, HEADING + CELL * height)
    canvas = Canvas(size)
    axes = canvas.add_axes((LABEL / size[0], 0, wide * width / size[0], CELL * height / size[1]))
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    axes.set_axis_off()
    for column, heading in enumerate(figure.headings):
        words = heading.replace(", ", ",\n").replace("recovered ", "recovered\n")
        axes.text(column + 0.5, -0.04, words, ha="center", va="bottom", fontsize=7, clip_on=False)
    for row, line in enumerate(figure.lines):
        words = line.label.replace(": ", ":\n").replace(", ", ",\n")
        words = "\n".join(textwrap.fill(part, LONGEST) for part in words.split("\n"))
        axes.text(-0.06, row + 0.5, words, ha="right", va="center", fontsize=6.5, clip_on=False)
        for column, shown in enumerate(line.places):
            _place(axes, shown, column, row, pictures)
    return canvas


def _place(axes: Axes, shown: Shown, column: int, row: int, pictures: Path) -> None:
    left, right, top, bottom = column + GAP / 2, column + 1 - GAP / 2, row + GAP / 2, row + 1 - GAP / 2
    if not shown.picture:
        axes.text(column + 0.5, row + 0.5, "-", ha="center", va="center", color="0.5")
        return
    if shown.insets:  # a column of their own at the left
        inner = left + (right - left) * INSET / (1 + INSET)
        height = (bottom - top) / len(shown.insets)
        for number, inset in enumerate(shown.insets):
            if inset:
                upper = top + number * height
                _picture(axes, pictures / inset, left, inner, upper, upper + height)
        left = inner
    _picture(axes, pictures / shown.picture, left, right, top, bottom)
    if shown.number is not None:
        box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 0.8}
        axes.text(right - 0.03, top + 0.03, _signed(shown.number), ha="right", va="top", fontsize=5.5, bbox=box)


def _signed(number: float) -> str:
    """With a sign as wide as a plus, and none at a zero."""
    return f"{number:z.2f}".replace("-", "\N{MINUS SIGN}")


def _picture(axes: Axes, path: Path, left: float, right: float, top: float, bottom: float) -> None:
    pixels = np.asarray(figures.opened(path).convert("RGB"))
    axes.imshow(pixels, extent=(left, right, bottom, top), interpolation="none", aspect="auto")
