"""Tables for eyes: aligned and wrapped to a terminal; as Markdown wherever something else reads them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from rich.console import Console, ConsoleOptions
from rich.markdown import Markdown, TableElement
from rich.measure import Measurement
from rich.table import Column, Table

_GAP = 2  # between two columns


class _InParts(TableElement):
    """A table whose cells are never broken: columns that do not fit go on below, beside what names the lines."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Any]:
        for whole in super().__rich_console__(console, options):
            assert isinstance(whole, Table)
            for columns in _parts(_with_widths(whole.columns, console, options), options.max_width):
                part = Table(box=whole.box, pad_edge=False, collapse_padding=True, style=whole.style)
                for column in columns:
                    part.add_column(column.header, width=column.width)
                for cells in zip(*(column.cells for column in columns), strict=True):
                    part.add_row(*cells)
                yield part


class _Report(Markdown):
    elements = {**Markdown.elements, "table_open": _InParts}


def show(markdown: str, console: Console | None = None) -> None:
    """Prints a table and its notes.

    Args:
      markdown: of `tables.markdown`.
      console: where to; standard output by default.
    """
    console = console or Console()
    if console.file.isatty():  # `is_terminal` is also true of a pipe where FORCE_COLOR is set
        console.print(_Report(markdown))
    else:
        print(markdown, file=console.file)


def _with_widths(columns: Sequence[Column], console: Console, options: ConsoleOptions) -> list[Column]:
    """Each as wide as its cells; where there is room for all, as its heading too, and otherwise as its longest word."""
    headings = [Measurement.get(console, options, column.header) for column in columns]
    cells = [
        max((Measurement.get(console, options, cell).maximum for cell in column.cells), default=0) for column in columns
    ]
    widths = [max(cell, heading.maximum) for cell, heading in zip(cells, headings, strict=True)]
    if sum(widths) + _GAP * len(widths) > options.max_width:
        widths = [max(cell, heading.minimum) for cell, heading in zip(cells, headings, strict=True)]
    return [replace(column, width=width) for column, width in zip(columns, widths, strict=True)]


def _parts(columns: Sequence[Column], width: int) -> Iterator[list[Column]]:
    """As many columns as fit side by side, and the next; before each of them the first ones, which hold words."""
    names = next((i for i, column in enumerate(columns) if getattr(column.header, "justify", "") == "right"), 0)
    room = width - sum((column.width or 0) + _GAP for column in columns[:names])
    chosen, taken = list(columns[:names]), 0
    for column in columns[names:]:
        needed = (column.width or 0) + _GAP
        if taken and taken + needed > room:
            yield chosen
            chosen, taken = list(columns[:names]), 0
        chosen.append(column)
        taken += needed
    yield chosen
