"""A table as it is laid out for eyes: our figures, the paper's beside them, and a difference where one is allowed."""

import re
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from dfrec_jax.reports import intervals
from dfrec_jax.reports.cells import Cell, CellTable, Heading

# Widths are in digits of a figure: so many stand side by side on a page of 1,280 pixels, labels among them.
WIDTH = 109.0
LABEL = (17.0, 22.5)  # of labels before the rows: at least and at most
PADDING = 1.6  # of a column of figures
INTERVAL, HEADING, GROUP = 0.74, 0.91, 1.05  # the width of a letter there, of one of a figure
ARROW = 1.8  # at a heading, with its space
LONGEST_WORD = 14  # letters of a heading that are not parted; a longer word goes on in the next line after a hyphen
ROMAN = ("0", "I", "II", "III", "IV", "V", "VI", "VII")
OTHER_DATA = "paper, other data"
_DISTANCES = ("frechet", "fid")  # the second one in records of an earlier version, on whatever features


class Kind(Enum):
    """What stands below a heading."""

    OURS = "ours"
    PAPER = "paper"  # on the same protocol
    OTHER = "other"  # the paper's, on data, a split or a network that are not ours
    DIFFERENCE = "difference"


class Leaf(NamedTuple):
    """One column of figures."""

    metric: Heading
    kind: Kind

    @property
    def heading(self) -> str:
        """Above it."""
        if self.kind is Kind.OTHER and self.metric.name in _DISTANCES and self.metric.text != "FID":
            return "paper's FID, other data"  # ours is a distance of another kind
        return {
            Kind.OURS: self.metric.text,
            Kind.PAPER: "paper",
            Kind.OTHER: OTHER_DATA,
            Kind.DIFFERENCE: "ours - paper",
        }[self.kind]


class Group(NamedTuple):
    """A column of the paper's table: what is measured on."""

    label: str
    leaves: tuple[Leaf, ...]


class Entry(NamedTuple):
    """The words of one place.

    Attributes:
      text: the figure; a dash for a cell that has none, empty where the paper has none.
      interval: below it, or empty.
      is_best: whether it is the best figure that a run reached in its column.
      detail: on how many examples, of which run.
    """

    text: str
    interval: str = ""
    is_best: bool = False
    detail: str = ""


class Layout:
    """The cells of a table by place."""

    def __init__(self, table: CellTable):
        self.table = table
        self._cells = {(cell.row, cell.column, cell.metric): cell for cell in table.cells}

    def groups(self) -> list[Group]:
        """Every column with its lines of figures; the paper's stand only where the paper has some."""
        return [Group(column, tuple(self._leaves(column))) for column in self.table.columns]

    def label_width(self) -> float:
        """Of the labels before the rows, in digits of a figure; longer ones go on in the next line."""
        return min(LABEL[1], max(LABEL[0], 2.5 + 0.93 * max(map(len, self.table.rows))))

    def blocks(self, width: float | None = None) -> list[list[Group]]:
        """The groups in few parts of equally many that are at most `width` digits wide, or of one metric each.

        By default what a page leaves beside the labels.
        """
        width = WIDTH - self.label_width() if width is None else width
        groups = [part for group in self.groups() for part in self._split(group, width)]
        widths = [self._width(group) for group in groups]
        for num_groups in range(len(groups), 0, -1):
            starts = range(0, len(groups), num_groups)
            if all(sum(widths[start : start + num_groups]) <= width for start in starts):
                break
        else:
            num_groups = 1
        num_groups = _evenly(len(groups), num_groups) if groups else 1
        return [groups[start : start + num_groups] for start in range(0, len(groups), num_groups)]

    def _split(self, group: Group, width: float) -> Iterator[Group]:
        """A group that is wider than that in parts, each of whole metrics."""
        part: list[Leaf] = []
        for metric in self.table.metrics:
            of_metric = [leaf for leaf in group.leaves if leaf.metric == metric]
            if part and self._width(Group(group.label, (*part, *of_metric))) > width:
                yield Group(group.label, tuple(part))
                part = []
            part += of_metric
        yield Group(group.label, tuple(part))

    def _width(self, group: Group) -> float:
        """In digits of a figure; headings may break at spaces, and the label of the group stands in one line."""
        leaves = 0.0
        for leaf in group.leaves:
            entries = [self.entry(row, group.label, leaf) for row in self.table.rows]
            words = [_digits(word) for word in parted(leaf.heading)]
            words[-1] += ARROW if leaf.kind is Kind.OURS else 0
            figures = max(max(_digits(entry.text), INTERVAL * _digits(entry.interval)) for entry in entries)
            leaves += PADDING + max(HEADING * max(words), figures)
        return max(leaves, PADDING + GROUP * _digits(group.label))

    def entry(self, row: str, column: str, leaf: Leaf) -> Entry:
        """What stands at a place; a difference only where the cell itself allows it."""
        cell, digits = self._cells[row, column, leaf.metric.name], leaf.metric.digits
        if leaf.kind is Kind.DIFFERENCE:
            if cell.value is None or cell.paper is None or not cell.is_papers_protocol:
                return Entry("")
            return Entry(f"{cell.value - cell.paper:+.{digits}f}")
        if leaf.kind is not Kind.OURS:
            return Entry("" if cell.paper is None else f"{cell.paper:.{digits}f}")
        if cell.value is None:
            return Entry("-", detail=cell.reason)
        interval = intervals.text(cell.low, cell.high, cell.clusters, digits)
        return Entry(f"{cell.value:.{digits}f}", interval, self._is_best(cell, leaf.metric), _detail(cell))

    def sources(self) -> list[tuple[str, str, int, list[str], str]]:
        """Of each row its run, the checkpoint's step, the columns that come from it, and the folder of its pictures."""
        found: dict[tuple[str, str, int, str], list[str]] = {}
        for cell in self.table.cells:
            if cell.value is not None:
                columns = found.setdefault((cell.row, cell.run, cell.step, cell.pictures), [])
                if cell.column not in columns:
                    columns.append(cell.column)
        return [(row, run, step, columns, pictures) for (row, run, step, pictures), columns in found.items()]

    def _leaves(self, column: str) -> Iterator[Leaf]:
        for metric in self.table.metrics:
            of_metric = [self._cells[row, column, metric.name] for row in self.table.rows]
            yield Leaf(metric, Kind.OURS)
            if any(cell.paper is not None for cell in of_metric):
                is_papers = any(cell.is_papers_protocol for cell in of_metric)
                yield Leaf(metric, Kind.PAPER if is_papers else Kind.OTHER)
                if is_papers:
                    yield Leaf(metric, Kind.DIFFERENCE)

    def _is_best(self, cell: Cell, metric: Heading) -> bool:
        """Of at least two runs; a row that is made by no run, as the forgery itself, does not compete."""
        values = [
            other.value
            for row in self.table.rows
            if (other := self._cells[row, cell.column, metric.name]).run and other.value is not None
        ]
        best = max(values, default=None) if metric.more_is_better else min(values, default=None)
        return bool(cell.run) and len(values) > 1 and cell.value == best


def _evenly(total: int, most: int) -> int:
    """How many of a total stand together where at most so many may: 3, 3, 3 for up to 7 of 9, not 4, 4, 1 or 5, 4."""
    divisor = max((number for number in range(2, most + 1) if total % number == 0), default=0)
    return divisor if 2 * divisor >= most - 1 > 0 else -(-total // -(-total // most))


def parted(heading: str) -> list[str]:
    """Its words as they may stand in lines of their own: a long one is broken after its hyphens."""
    words = (re.findall("[^-]*-|[^-]+", word) if len(word) > LONGEST_WORD else [word] for word in heading.split())
    return [part for word in words for part in word]


def _digits(text: str) -> float:
    """The width of a text in digits: points, commas, brackets and spaces are half as wide, a sign is wider."""
    return sum((1.3 if letter in "+-" else 0.5 if letter in ".,[]() '" else 1.0 for letter in text), 0.0)


def _detail(cell: Cell) -> str:
    parts = [f"n {cell.n}", cell.network and f"by {cell.network}", cell.run and f"{cell.run} at step {cell.step}"]
    return ", ".join(part for part in parts if part)
