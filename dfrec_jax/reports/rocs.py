"""ROC curves of a table as a drawing: a panel for each column, a curve for each row."""

import io
from pathlib import Path

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas

from dfrec_jax.files import whole
from dfrec_jax.reports.cells import CellTable
from dfrec_jax.reports.drawing import PANELS_ACROSS, STYLE

CAPTION = (
    "Shares of forgeries and of pristine faces that are judged real, at every threshold of the similarity to the input."
)


def write(table: CellTable, path: Path) -> None:
    """Draws them into a file, whole or not at all; of a table that has none there is no file, and none of before."""
    if not table.rocs:
        path.unlink(missing_ok=True)
        return
    drawn = encoded(table, path.suffix.removeprefix("."))
    with whole.replacing(path) as unfinished:
        unfinished.write_bytes(drawn)


def encoded(table: CellTable, kind: str) -> bytes:
    """The same bytes for the same curves, of which there are some; `kind` is `pdf`, `svg` or `png`."""
    dates = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}
    with matplotlib.rc_context(STYLE):
        canvas = _panels(table)
        FigureCanvasAgg(canvas)
        drawn = io.BytesIO()
        canvas.savefig(drawn, format=kind, metadata=dates.get(kind))
    return drawn.getvalue()


def columns(table: CellTable) -> list[str]:
    """Those that have a curve, in the table's order."""
    there = {roc.column for roc in table.rocs}
    return [column for column in table.columns if column in there]


def _panels(table: CellTable) -> Canvas:
    shown = columns(table)
    across = min(len(shown), PANELS_ACROSS)
    down = -(-len(shown) // across)
    rows = [row for row in table.rows if any(roc.row == row for roc in table.rocs)]
    canvas = Canvas((2.3 * across + 0.3, 2.4 * down + 0.16 * len(rows) + 0.2), layout="constrained")
    handles = {}
    for number, column in enumerate(shown):
        axes = canvas.add_subplot(down, across, number + 1)
        axes.set_title(column, loc="left", parse_math=False)
        axes.plot([0, 1], [0, 1], color="0.75", linestyle=":", linewidth=0.8)
        for roc in table.rocs:
            if roc.column == column:
                colour = f"C{rows.index(roc.row) % 10}"
                (handles[roc.row],) = axes.plot(roc.forged, roc.pristine, color=colour, linewidth=1.2)
        axes.set_aspect("equal")
        axes.set_xlim(-0.02, 1.02)
        axes.set_ylim(-0.02, 1.02)
        if number + across >= len(shown):
            axes.set_xlabel("forgeries judged real")
        if number % across == 0:
            axes.set_ylabel("pristine faces judged real")
    legend = canvas.legend([handles[row] for row in rows], rows, loc="outside lower left", fontsize=7, handlelength=1.4)
    for text in legend.get_texts():
        text.set_parse_math(False)
    return canvas
