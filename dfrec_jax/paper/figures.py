"""Figures 1(b) and 3 to 8 as data: of which cells of which table each shows pictures."""

from enum import Enum
from typing import NamedTuple

from dfrec_jax.evaluation.recoverers import DFREC
from dfrec_jax.paper.tables import (
    ALL,
    DELOCATE,
    DFI,
    E4S,
    FFPP,
    IDSIM,
    MAT,
    MEGAFS,
    NONE,
    RECCE,
    REPAINT,
    Column,
    PaperTable,
    Row,
)  # fmt: skip


class Kind(Enum):
    """How a figure is made."""

    DENSITIES = "a panel for each column: similarities of a forgery with source, target and another person"
    METHODS = "a line for each example, a place for each row"
    CROSSING = "a line for each row, a place for each column, with one example"
    PARTS = "a line for each example, a place for each intermediate output"


class PaperFigure(NamedTuple):
    """A figure.

    Attributes:
      table: its rows and columns; the number is the figure's, and the paper's values are none.
      kind: how it is made.
      examples: forgeries of each column, the first ones whose target people differ.
      pristine: pristine faces of each column.
      with_source: whether the source stands beside, and what the last row recovers of it.
    """

    table: PaperTable
    kind: Kind
    examples: int = 0
    pristine: int = 0
    with_source: bool = False

    @property
    def name(self) -> str:
        """As the flag has it."""
        return str(self.table.number)


def _table(number: int, title: str, rows: tuple[Row, ...], columns: tuple[Column, ...]) -> PaperTable:
    return PaperTable(number, title, rows, columns, (IDSIM,), {}, takes_others=rows is _METHODS)


_METHODS = (
    Row(MAT, MAT, of_any_attack=True),
    Row(REPAINT, REPAINT, of_any_attack=True),
    Row(RECCE, RECCE),
    Row(DELOCATE, DELOCATE, of_any_attack=True),
    Row(DFI, DFI),
    Row(DFREC, DFREC),
)
_COMPARED = "targets recovered by every method"
_TRAINED = tuple(Row(f"DFREC, trained on {column.label}", DFREC, column.data) for column in MEGAFS)
_ISM = (Row("without ISM", DFREC, without=frozenset({"ISM"})), Row("with ISM", DFREC))

FIGURES = (
    PaperFigure(
        _table(1, "identity similarity between a forgery and its target, its source and another person",
               (Row(NONE, NONE),), (*FFPP, *MEGAFS)),
        Kind.DENSITIES,
    ),
    PaperFigure(_table(3, f"FaceForensics++: {_COMPARED}", _METHODS, FFPP), Kind.METHODS, 2, with_source=True),
    PaperFigure(_table(4, f"CelebA-MegaFS: {_COMPARED}", _METHODS, MEGAFS), Kind.METHODS, 2, with_source=True),
    PaperFigure(_table(5, f"FFHQ-E4S: {_COMPARED}", _METHODS, (E4S,)), Kind.METHODS, 4, with_source=True),
    PaperFigure(
        _table(6, "targets recovered from attacks that training never saw", _TRAINED, (*FFPP, *MEGAFS)),
        Kind.CROSSING, 1,
    ),
    PaperFigure(_table(7, "intermediate outputs of DFREC", (Row(DFREC, DFREC),), ALL), Kind.PARTS, 2, 1),
    PaperFigure(_table(8, "targets recovered without and with the ISM", _ISM, MEGAFS[-1:]), Kind.METHODS, 4),
)  # fmt: skip
