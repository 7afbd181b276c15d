"""Files of tables of the paper: every cell with its figure, or the reason why it has none; all rendering reads them."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from dfrec_jax.files import json_text, whole
from dfrec_jax.reports import intervals, provenance
from dfrec_jax.reports.names import in_markdown
from dfrec_jax.reports.typed import checked


class Cell(NamedTuple):
    """One figure.

    Attributes:
      row, column: labels.
      metric: name, as in `Heading.name`.
      value: None where there is none.
      low, high: ends of the 95 % interval from resampling people, or None.
      n: examples that it is over.
      lacking: examples of the column that it is not over, because the metric has no number for them.
      reason: why there is no value; empty otherwise.
      paper: the paper's figure, or None.
      is_papers_protocol: whether data set, attack, split and metric network are the paper's, so that the two may be
        compared.
      network: the frozen network that measured it; empty for pixel metrics.
      run: the workdir, as it was named; empty for rows that need none.
      step: of its checkpoint; 0 for rows that need none.
      pictures: the folder below the workdir where what was recovered is kept, of a network that comes with the package
        below runs/NAME; empty for rows that need none.
      clusters: how many people there were to resample; None of a metric that has no interval, and in files of a version
        that did not say.
    """

    row: str
    column: str
    metric: str
    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0
    lacking: int = 0
    reason: str = ""
    paper: float | None = None
    is_papers_protocol: bool = False
    network: str = ""
    run: str = ""
    step: int = 0
    pictures: str = ""
    clusters: int | None = None


class Roc(NamedTuple):
    """How a row tells pristine faces from forgeries in a column at every threshold, from (0, 0) to (1, 1).

    Attributes:
      row, column: labels.
      metric: the area under it.
      forged, pristine: shares of forgeries and of pristine faces that are judged real, at the curve's corners or 200 of
        them.
    """

    row: str
    column: str
    metric: str
    forged: tuple[float, ...]
    pristine: tuple[float, ...]


class Heading(NamedTuple):
    """Of a metric."""

    name: str
    text: str
    digits: int
    more_is_better: bool


class CellTable(NamedTuple):
    """A table.

    Attributes:
      number: of the paper's.
      title: in few words.
      rows, columns: labels in order.
      metrics: in order; the same in every column.
      header: sentences: on what it was measured, by what.
      footnotes: sentences.
      protocol: what was asked for: a file is only ever replaced by one of the same.
      cells: one for each row, column and metric.
      made: by which command and code, on what machine; empty in files of a version that did not say.
      rocs: of the cells that give an area under a ROC curve; empty in files of a version that kept none.
    """

    number: int
    title: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    metrics: tuple[Heading, ...]
    header: tuple[str, ...]
    footnotes: tuple[str, ...]
    protocol: Mapping[str, Any]
    cells: tuple[Cell, ...]
    made: Mapping[str, Any] = {}
    rocs: tuple[Roc, ...] = ()


def write(table: CellTable, path: str | os.PathLike[str]) -> None:
    """Writes it as JSON, whole or not at all."""
    content = {**table._asdict(), "metrics": [metric._asdict() for metric in table.metrics]}
    whole.write_json(
        path,
        {**content, "cells": [cell._asdict() for cell in table.cells], "rocs": [roc._asdict() for roc in table.rocs]},
        indent=1,
    )


def read(path: str | os.PathLike[str]) -> CellTable:
    """The inverse of `write`.

    Raises:
      ValueError: for a file that holds no such table.
    """
    try:
        content = json_text.parsed(Path(path).read_text(encoding="utf-8"))
        lists: dict[str, Any] = {name: tuple(content[name]) for name in ("rows", "columns", "header", "footnotes")}
        metrics = tuple(Heading(**metric) for metric in content["metrics"])
        cells = tuple(Cell(**cell) for cell in content["cells"])
        rocs = tuple(
            Roc(**{**roc, "forged": tuple(roc["forged"]), "pristine": tuple(roc["pristine"])})
            for roc in content.get("rocs", ())
        )
        table = checked(CellTable(**{**content, **lists, "metrics": metrics, "cells": cells, "rocs": rocs}))
        _check(table)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: holds no table of the paper ({error})") from error
    return table


def _check(table: CellTable) -> None:
    """Raises ValueError for a table that the paper has not, one without cells or with others than its places have."""
    if not (1 <= table.number <= 7 and table.rows and table.columns and table.metrics):
        raise ValueError(f"number {table.number} with {len(table.rows)} rows and {len(table.columns)} columns")
    if not all(0 <= metric.digits <= 20 for metric in table.metrics):
        raise ValueError(f"digits {[metric.digits for metric in table.metrics]}")
    names = [metric.name for metric in table.metrics]
    places = [(row, column, name) for row in table.rows for column in table.columns for name in names]
    provenance.check(table.made)
    if sorted((cell.row, cell.column, cell.metric) for cell in table.cells) != sorted(places):
        raise ValueError("its cells are not one for each row, column and metric")
    for roc in table.rocs:
        if roc.row not in table.rows or roc.column not in table.columns or len(roc.forged) != len(roc.pristine):
            raise ValueError(f"a curve of {roc.row}, {roc.column}, {roc.metric}")


def markdown(table: CellTable) -> str:
    """The table as Markdown, then what it was measured on, why cells are missing, and the footnotes."""
    found = {(cell.row, cell.column, cell.metric): cell for cell in table.cells}
    places = [(column, metric) for column in table.columns for metric in table.metrics]
    is_one = len(table.metrics) == 1
    headings = [in_markdown(column if is_one else f"{column}, {metric.text}") for column, metric in places]
    of_one = f" ({table.metrics[0].text})" if is_one else ""
    lines = [
        f"**Table {table.number}: {table.title}**{of_one}",
        "",
        "| method | " + " | ".join(headings) + " |",
        "|---|" + "---:|" * len(places),
    ]
    for row in table.rows:
        cells = [_text(found[row, column, metric.name], metric) for column, metric in places]
        lines.append(f"| {in_markdown(row)} | " + " | ".join(cells) + " |")
    notes = notes_of(table)
    return "\n".join(lines) + "\n" + "".join(f"\n{note}\n" for note in notes)


def _text(cell: Cell, metric: Heading) -> str:
    if cell.value is None:
        return "-"
    text = f"{cell.value:.{metric.digits}f}"
    return f"{text} {intervals.text(cell.low, cell.high, cell.clusters, metric.digits)}".rstrip()


def notes_of(table: CellTable) -> list[str]:
    """What stands below the table, a paragraph each."""
    return [*table.header, *reasons(table), *lacking(table), *without_interval(table), *table.footnotes]


def reasons(table: CellTable) -> list[str]:
    """A sentence for each reason, with the rows, and where a row has figures too its columns or its metrics."""
    columns: dict[str, dict[str, list[str]]] = {}
    metrics: dict[str, set[str]] = {}
    for cell in table.cells:
        if cell.reason:
            metrics.setdefault(cell.reason, set()).add(cell.metric)
            of_row = columns.setdefault(cell.reason, {}).setdefault(cell.row, [])
            if cell.column not in of_row:
                of_row.append(cell.column)
    said = []
    for reason, rows in columns.items():
        places = [
            row if len(of_row) == len(table.columns) else f"{row} ({', '.join(of_row)})" for row, of_row in rows.items()
        ]
        of = [metric.text for metric in table.metrics if metric.name in metrics[reason]]
        which = f"{', '.join(of)} of " if len(of) < len(table.metrics) else ""
        said.append(f"A dash for {which}{'; '.join(places)}: {reason}.")
    return said


def lacking(table: CellTable) -> list[str]:
    """A sentence on figures that are over fewer examples than their column."""
    headings = {metric.name: metric.text for metric in table.metrics}
    said = [
        f"{headings[cell.metric]} of {cell.row} on {cell.column} lacks {cell.lacking} of {cell.n + cell.lacking} "
        "examples."
        for cell in table.cells
        if cell.lacking and cell.value is not None
    ]
    return [" ".join(said)] if said else []


def without_interval(table: CellTable) -> list[str]:
    """Why figures have no interval that their kind has: a sentence, or nothing."""
    return intervals.reasons(cell.clusters for cell in table.cells if cell.low is None and cell.clusters is not None)
