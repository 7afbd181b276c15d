"""Tables for eyes: aligned and wrapped to a terminal; as Markdown wherever something else reads them."""

from collections.abc import Iterator
from typing import Any

from rich.console import Console, ConsoleOptions
from rich.markdown import Markdown, TableElement


class _WholeWords(TableElement):
    """A table none of whose cells is cut: what does not fit into its column goes on below."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Any]:
        for table in super().__rich_console__(console, options):
            for column in getattr(table, "columns", ()):
                column.overflow = "fold"
            yield table


class _Report(Markdown):
    elements = {**Markdown.elements, "table_open": _WholeWords}


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
