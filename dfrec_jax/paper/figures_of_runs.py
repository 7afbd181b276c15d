"""Figures of the paper from workdirs: choose runs, read or recover the pictures of a few examples, write records."""

import sys
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import jax

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.evaluation import describing
from dfrec_jax.evaluation.request import Request
from dfrec_jax.paper import (
    asked_runs,
    captions,
    figure_grids,
    pictures_of_others,
    rows_of_others,
    runs_at_hand,
    sources,
    table_data,
)
from dfrec_jax.paper.figure_grids import Material
from dfrec_jax.paper.figures import FIGURES, PaperFigure
from dfrec_jax.paper.fitted_tables import Place, Wanted, fitted, others_of, with_rows_of
from dfrec_jax.paper.pictures_of_others import Given
from dfrec_jax.paper.runs_at_hand import Run
from dfrec_jax.paper.table_data import LEAKS, Data, Examples
from dfrec_jax.paper.tables import NONE, TABLES, Column, PaperTable
from dfrec_jax.reports import figures
from dfrec_jax.reports.figures import Figure

_OF_ONE_DATA_SET = ("3", "5")  # Figure 4 is their counterpart of other photographs


def chosen(which: str) -> list[PaperFigure]:
    """The figures that `--figure` names. Raises ConfigError for one that is none."""
    found = [figure for figure in FIGURES if which in ("all", figure.name)]
    if not found:
        names = ", ".join(figure.name for figure in FIGURES)
        raise ConfigError(f"--figure={which}: must be one of {names} (of figure 1 its part b), or all")
    return found


def tables_of(which: str) -> list[PaperTable]:
    """In which runs may have their place beside asked tables: the figures, and where all are asked for every table, so
    that one list of runs does for both."""
    return [figure.table for figure in chosen(which)] + (list(TABLES) if which == "all" else [])


def evaluate(
    workdirs: Sequence[str],
    which: str,
    out: str,
    request: Request,
    beside: Sequence[PaperTable] = (),
    rows: Sequence[str] = (),
) -> str:
    """Makes one figure, or all of them: `results/figure_N.json` below `out` and the pictures that it shows.

    Args:
      workdirs: of the runs.
      which: as `chosen`.
      out: the folder.
      request: as for tables.
      beside: tables that are asked for too, in which a run may have its place; beside all figures it may be in
        any table.
      rows: as for tables: NAME=DIR each, of pictures that another program made.

    Returns:
      In Markdown what each figure shows, and what it lacks.

    Raises:
      CheckpointError, ConfigError, WeightsError: as `tables_of_runs.evaluate`.
    """
    asked = chosen(which)
    if jax.process_count() > 1:
        raise ConfigError("--figure: pictures of a few examples are made on one host; run it again on one, alone")
    runs, base, words, photographs = asked_runs.opened(workdirs, request)
    others = pictures_of_others.parsed(rows)
    fitting = [_with_rows_of(_fitted(figure, runs, photographs), others) for figure in asked]
    said = "the figures, nor in a table" if which == "all" else f"figure {asked[0].name}"
    tables = [fitted(table, runs, photographs) for table in (*beside, *(TABLES if which == "all" else ()))]
    all_places = [*(figure.table for figure in fitting), *(with_rows_of(table, others) for table in tables)]
    asked_runs.check_used(runs, all_places, said)
    results = Path(out) / "results"
    files = {figure.name: results / f"figure_{figure.name}.json" for figure in fitting}
    for path in files.values():
        asked_runs.check_free(path, words, figures.read)
    rows_of_others.check(others, runs, all_places, base, lambda place: sources.measured_at(place, base, request))

    asked_runs.write_runs(runs, results / "runs.json")
    networks, made = describing.load(base, roles=("identity",)), asked_runs.made_now()
    remember = _Columns(base, request)
    texts = []
    for figure in fitting:
        material, missing, steps = _material(figure, runs, others, remember, networks, results)
        found = figure_grids.made(figure, material)
        if without := [column.label for column in material.examples if column.label in found.without_source]:
            missing.append(f"Not shown: {'; '.join(without)}: no forgery has a known source and a known target.")
        record = Figure(
            name=figure.name,
            title=figure.table.title + (" (on drawn faces)" if captions.is_drawn(runs) else ""),
            headings=found.headings,
            lines=found.lines,
            panels=found.panels,
            caption=()
            if not (found.lines or found.panels)
            else captions.caption(figure, found, networks, steps, runs, others),
            missing=tuple(missing),
            protocol=words,
            made=made,
            runs=tuple(steps),
        )
        figures.write(record, files[figure.name])
        print(f"written: {files[figure.name]}", file=sys.stderr)
        texts.append(captions.on_screen(record))
    asked_runs.drop_unnamed(runs, results)
    return "\n".join(texts)


def _fitted(figure: PaperFigure, runs: Sequence[Run], photographs: Sequence[Data]) -> PaperFigure:
    """As a table is, but that a figure of drawn faces has no column for another data set or attack that has a figure of
    its own: only for leaks that stand for none of the paper's attacks. Of other photographs one figure compares all
    methods, where the paper has three."""
    table = fitted(figure.table, runs, photographs)
    if photographs:
        columns = () if figure.name in _OF_ONE_DATA_SET else table.columns
        title = figure.table.title.rpartition(": ")[2] if columns else figure.table.title
        return figure._replace(table=table._replace(title=title, columns=columns))
    counterparts = {table_data.drawn(column.data) for column in figure.table.columns}
    datasets = {data.dataset for data in counterparts if data is not None}

    def belongs(column: Column) -> bool:
        is_another = column.data.dataset in datasets and column.data.attack not in LEAKS
        return column in figure.table.columns or column.data in counterparts or is_another

    return figure._replace(table=table._replace(columns=tuple(filter(belongs, table.columns))))


def _with_rows_of(figure: PaperFigure, others: Sequence[Given]) -> PaperFigure:
    """With a row for each of `others` that has none, before the last one, whose source stands beside."""
    rows = figure.table.rows
    added = with_rows_of(figure.table, others).rows[len(rows) :]
    return figure._replace(table=figure.table._replace(rows=(*rows[:-1], *added, *rows[-1:])))


class _Columns:
    """Batches of columns and pictures of rows, each opened once for all figures."""

    def __init__(self, base: Any, request: Request):
        self.base, self.request = base, request
        self.examples = lru_cache(maxsize=None)(self._examples)
        self._sources: dict[tuple[Wanted, Place], sources.Source] = {}

    def _examples(self, place: Place) -> Examples:
        measured = sources.measured_at(place, self.base, self.request)
        return Examples(measured, self.base, place.perturbation, sources.PERTURBATION_SEED)

    def source(self, wanted: Wanted, place: Place) -> sources.Source:
        if (wanted, place) not in self._sources:
            measured = sources.measured_at(place, self.base, self.request)
            found = sources.source_of(wanted, measured, place.perturbation, self.request)
            last: dict[int, Any] = {}

            def pictures(number: int, batch: Any) -> Any:
                if number not in last:  # several examples of one batch: read from disk once
                    last.clear()
                    last[number] = found.pictures(number, batch)
                return last[number]

            self._sources[wanted, place] = found._replace(pictures=pictures)
        return self._sources[wanted, place]


def _material(
    figure: PaperFigure,
    runs: Sequence[Run],
    others: Sequence[Given],
    columns: _Columns,
    networks: describing.Networks,
    results: Path,
) -> tuple[Material, list[str], dict[str, int]]:
    """What there is for a figure, what is missing, and the step of each run that it shows."""
    examples, pictures, steps = {}, {}, {}
    missing: dict[str, list[str]] = {}
    for column in figure.table.columns:
        place = Place(column.data, column.perturbation)
        try:
            examples[column] = columns.examples(place)
        except ConfigError as error:
            missing.setdefault(f"its data are not there ({error})", []).append(column.label)
            continue
        for row in figure.table.rows:
            if row.method == NONE:
                continue
            run, reason = runs_at_hand.choose(runs, row, column.data, others_of(figure.table, others))
            if run is not None:
                try:
                    source = columns.source(Wanted(row.method, run.workdir, run), place)
                    pictures[row, column] = source.pictures
                    if isinstance(run, Run):
                        steps[run.workdir] = source.step
                except ConfigError as error:
                    reason = str(error)
            if reason:
                missing.setdefault(reason.rstrip("."), []).append(f"{row.label} ({column.label})")
    said = [
        f"Not shown: {'; '.join(captions.grouped(labels, figure))}: {reason}." for reason, labels in missing.items()
    ]
    if figure.table.columns and (reason := networks.reasons.get("identity")):
        said.append(f"Not shown: identity similarities: {reason.rstrip('.')}.")
    if not figure.table.columns:
        said.append("Not shown: no run was named that was trained on its data, or on drawn faces in their place.")
    return Material(examples, pictures, networks.by_role.get("identity"), results), said, steps
