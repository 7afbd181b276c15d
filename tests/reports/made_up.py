"""Records of tables and figures that no run has made, with names that try to be more than names."""

import numpy as np

from dfrec_jax.reports import figures
from dfrec_jax.reports.cells import Cell, CellTable, Heading
from dfrec_jax.reports.figures import Curve, Figure, Line, Panel, Shown

HOSTILE = "runs/<script>alert('1')</script>\"&_100%\\input{x}, =1+1"
IDSIM, FID = Heading("idsim", "IDSIM", 4, True), Heading("frechet", "FD (embedded-b)", 2, False)
COMPARABLE, OTHER = "FTM", "leak & <b>"
ROWS = ("None", "RECCE", f"DFREC, {HOSTILE}")
MADE = {"command": f"python evaluate.py --runs={HOSTILE}", "commit": "abc", "environment": {"jax": "1"}}
RUNS = {HOSTILE: {"method": "DFREC", "trained_on": OTHER, "without": ["ISM"], "config": {"name": HOSTILE}}}


def cell(row, column, metric, value, **fields):
    """One; those of a row but None are of a run."""
    run = {"run": HOSTILE, "step": 7} if row != "None" and value is not None else {}
    return Cell(row, column, metric, value, **{"n": 100, **run, **fields})


def table(number=1) -> CellTable:
    """Two columns: one on the paper's protocol and one that is not; RECCE has no run in the second."""
    dfrec = ROWS[-1]
    found = [
        cell("None", COMPARABLE, "idsim", 0.25, paper=0.2792, is_papers_protocol=True),
        cell("RECCE", COMPARABLE, "idsim", 1 / 3, low=0.3, high=0.4, paper=0.25, is_papers_protocol=True),
        cell(dfrec, COMPARABLE, "idsim", 0.7, low=0.6, high=0.75, paper=0.7192, is_papers_protocol=True),
        cell("None", OTHER, "idsim", -0.0123, paper=0.2318),
        cell("RECCE", OTHER, "idsim", None, reason=f"no run of {HOSTILE} was named", n=0),
        cell(dfrec, OTHER, "idsim", 0.5, paper=0.6967),
        *(cell(row, COMPARABLE, "frechet", float(i), paper=9.0 + i) for i, row in enumerate(ROWS)),
        *(cell(row, OTHER, "frechet", 2.0 + i) for i, row in enumerate(ROWS)),
    ]
    columns, notes = (COMPARABLE, OTHER), ("**Random weights.**", f"By `{HOSTILE}`.")
    return CellTable(number, "a <title>", ROWS, columns, (IDSIM, FID), notes, ("50 % & more",), {}, tuple(found), MADE)


def picture(seed: int, size: int = 8) -> np.ndarray:
    """Random pixels."""
    return np.random.default_rng(seed).integers(0, 256, (size, size, 3), np.uint8)


def grid(results) -> Figure:
    """Two lines of three places, one of them empty and one with insets."""
    names = [figures.keep(picture(seed), results) for seed in range(5)]
    lines = (
        Line(f"{HOSTILE}, 3", (Shown(names[0]), Shown(names[1], 0.5), Shown())),
        Line("LCR, 1", (Shown(names[2]), Shown(names[3], -0.25, (names[0], "", names[1], names[4])), Shown(names[4]))),
    )
    return Figure(
        "4", "a grid", ("input", "DFREC", HOSTILE), lines, caption=("A & B.",), missing=("Not shown: MAT.",), made=MADE
    )


def densities() -> Figure:
    """A panel with a curve that can be drawn and two that cannot."""
    values = np.random.default_rng(0).normal(0.3, 0.1, 50).tolist()
    curves = (Curve("source", tuple(values)), Curve("target", (0.5,)), Curve("another person", ()))
    return Figure("1", "densities", panels=(Panel(f"{HOSTILE} $x$", curves),))
