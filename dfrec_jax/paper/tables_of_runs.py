"""Tables of the paper from workdirs: choose runs, recover or read what was recovered, measure, write, in this order."""

import functools
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.evaluation import describing, scores, spread
from dfrec_jax.evaluation.request import Request
from dfrec_jax.evaluation.spread import Spread
from dfrec_jax.evaluation.table_metrics import IDSIM
from dfrec_jax.evaluation.unfinished import Unfinished
from dfrec_jax.files import whole
from dfrec_jax.paper import (
    asked_runs,
    calibrator,
    cases,
    measured_rows,
    pictures_of_others,
    rows_of_others,
    runs_at_hand,
    sources,
)
from dfrec_jax.paper.fitted_tables import Place, Wanted, fitted, places_of, with_rows_of
from dfrec_jax.paper.table_cells import OfColumn, OfRow, cells_of, header_of
from dfrec_jax.paper.table_data import Examples
from dfrec_jax.paper.tables import TABLES, PaperTable
from dfrec_jax.reports import cells, figures
from dfrec_jax.reports.progress import progress
from dfrec_jax.runs import compiling


def evaluate(
    workdirs: Sequence[str],
    which: str,
    out: str,
    request: Request,
    beside: Sequence[PaperTable] = (),
    rows: Sequence[str] = (),
) -> str:
    """Makes one table of the paper, or all of them; writes `results/table_N.json` and `tables/table_N.md` below `out`.

    Args:
      workdirs: of the runs.
      which: `1` to `7`, or `all`.
      out: the folder; empty: as `folder_of_results`.
      request: checkpoint, seed, data_dir and examples; a table has no use for the other fields.
      beside: tables of figures that are asked for too, in which a run may have its place.
      rows: NAME=DIR each, of pictures that another program made; see `pictures_of_others`.

    Returns:
      The Markdown of the tables.

    Raises:
      CheckpointError: for a workdir that holds no run.
      ConfigError: for a table that is none, a request with other fields, runs of which two are the same, that do not
        go together or that belong to no asked table, rows whose pictures are not those of the examples, and for results
        of another request that stand in the way.
    """
    asked = chosen(which)
    runs, base, words, photographs = asked_runs.opened(workdirs, request)
    others = pictures_of_others.parsed(rows)
    tables = [with_rows_of(fitted(table, runs, photographs), others) for table in asked]
    said = f"table {asked[0].number}" if len(asked) == 1 else "the tables"
    all_places = [*tables, *(with_rows_of(fitted(table, runs, photographs), others) for table in beside)]
    asked_runs.check_used(runs, all_places, said)
    folder = folder_of_results(workdirs, out)
    files = {table.number: folder / "results" / f"table_{table.number}.json" for table in tables}
    for path in files.values():
        asked_runs.check_free(path, words, cells.read)
    cases_file = folder / "results" / "cases.json"
    asked_runs.check_free(cases_file, words, figures.read)
    rows_of_others.check(others, runs, all_places, base, lambda place: sources.measured_at(place, base, request))

    if spread.is_first_host():
        asked_runs.write_runs(runs, folder / "results" / "runs.json")
    devices = spread.over_all_devices(base.data.eval_batch_size)
    # IDSIM by any table: by it worst, median and best cases are told.
    metrics = tuple(dict.fromkeys([IDSIM, *(metric for table in tables for metric in table.metrics)]))
    networks = describing.load(base, tuple(metric.role for metric in metrics if metric.role))
    measures = scores.Measures(metrics, devices.everywhere(networks.by_role))
    made = asked_runs.made_now()
    truth_of = compiling.announced(scores.truth_of, "the networks that measure", spread.is_first_host())
    nothing = "" if measures.measurable() else "; ".join(networks.reasons.values())
    columns: dict[Place, OfColumn] = {}
    kept_by, kept = measured_rows.kept_by(folder / "results", measures), []
    for place, wanted in places_of(tables, runs, others).items():
        if nothing:  # without a network that measures nothing is recovered either
            columns[place] = OfColumn({}, 0, 0, nothing)
            continue
        kept_in = {one: kept_by(place, one) for one in wanted}
        kept += kept_in.values()
        columns[place] = _column(place, kept_in, base, request, measures, folder / "results", devices, truth_of)
    calibrated = _calibrated(columns, base, request, devices) if "identity" in networks.by_role else []
    texts = []
    for table in tables:
        header = header_of(table, columns, networks, base, runs) + calibrated + _of_several_hosts()
        record = cells_of(table, runs, columns, networks, header, words, others)._replace(made=made)
        texts.append(cells.markdown(record))
        if spread.is_first_host():
            cells.write(record, files[table.number])
            whole.write_text(folder / "tables" / f"table_{table.number}.md", texts[-1])
            print(f"written: {files[table.number]}", file=sys.stderr)
    if lines := [line for of in columns.values() for line in of.cases]:
        steps = {
            row.workdir: found.step
            for place, of in columns.items()
            for row, found in of.rows.items()
            if cases.is_shown(row, place)
        }
        record = cases.figure(lines, steps, networks.names()["identity"], protocol=words, made=made)
        figures.write(record, cases_file)
    if spread.is_first_host():
        asked_runs.drop_unnamed(runs, folder / "results")
        for one in kept:
            one.remove()
    return "\n".join(texts)


def _column(
    place: Place,
    wanted: Mapping[Wanted, Unfinished],
    base: ConfigDict,
    request: Request,
    measures: scores.Measures,
    results: Path,
    devices: Spread,
    truth_of: Callable[..., scores.Truth],
) -> OfColumn:
    """Every wanted row of one column, over the same examples; pictures of some are kept below `results`.

    What was measured of each row is kept where `wanted` says.
    """
    if not wanted:
        return OfColumn({}, 0, 0)
    measured = sources.measured_at(place, base, request)
    try:
        examples = Examples(measured, base, place.perturbation, sources.PERTURBATION_SEED)
    except ConfigError as error:
        return OfColumn({}, 0, 0, f"its data are not there ({error})")
    rows, reasons = {}, {}
    for one in wanted:
        try:
            rows[one] = sources.source_of(one, measured, place.perturbation, request)
        except ConfigError as error:
            reasons[one] = str(error)
    make = scores.collection(measures)
    sums: dict[Wanted, Any] = {one: make.empty() for one in rows}
    said = f"{place.data}{', ' + place.perturbation if place.perturbation else ''}: batches"
    forgeries = pristine = with_points = 0
    for number, batch in enumerate(progress(examples, examples.num_batches, said, is_shown=spread.is_first_host())):
        truth = functools.cache(functools.partial(truth_of, measures, batch, devices))
        who = scores.examples_of(batch)
        is_forgery, is_valid = who["is_forgery"], who["is_valid"]
        forgeries += int((is_valid & is_forgery & who["has_target"]).sum())
        pristine += int((is_valid & ~is_forgery).sum())
        is_counted = is_valid & (~is_forgery | who["has_target"])
        with_points += int((is_counted & spread.together(_has_points(batch))).sum())
        for one, source in rows.items():
            pictures = source.pictures(number, batch)
            outputs = measured_rows.outputs(wanted[one], number, batch, pictures, measures, truth, devices)
            sums[one] = sums[one].merge(make.single_from_model_output(**outputs))
    found = {one: OfRow(sums[one], source.step, source.folder) for one, source in rows.items()}
    shown = [
        line
        for one, source in rows.items()
        if jax.process_count() == 1 and cases.is_shown(one, place)  # of several, each has a part of the pictures
        for line in cases.lines(place, one, sums[one], source.pictures, examples, results)
    ]
    return OfColumn(found, forgeries, pristine, "", reasons, tuple(shown), with_points)


def _has_points(batch: Mapping[str, Any]) -> np.ndarray:
    """Of which of this host's rows 68 landmarks are known; of drawn faces none are."""
    points = batch.get("points", np.full((len(batch["image"]), 68, 2), np.nan))
    return np.isfinite(points).all(axis=(1, 2))


def _of_several_hosts() -> list[str]:
    hosts = jax.process_count()
    if hosts == 1:
        return []
    return [
        f"Made by {hosts} hosts, of which each has a part of the pictures: no worst, median and best cases are shown."
    ]


def _calibrated(columns: Mapping[Place, OfColumn], base: ConfigDict, request: Request, devices: Spread) -> list[str]:
    """What the row None says of FaceNet's input, where FaceNet measures and data of the paper were measured."""
    if not calibrator.is_asked(base):
        return []
    there = calibrator.columns_of([place.data for place, of in columns.items() if of.rows and not place.perturbation])
    found = {}
    for data in there:
        examples = Examples(sources.measured_at(Place(data, ""), base, request), base, "", sources.PERTURBATION_SEED)
        found[data] = calibrator.similarities(base, examples, devices)
    return [calibrator.remark(found, base.frozen.metric)] if found else []


def folder_of_results(workdirs: Sequence[str], out: str) -> Path:
    """`out`, or where it is empty the workdir of a single run (`runs_at_hand.written_to`), `runs/report` of several."""
    return Path(out or (runs_at_hand.written_to(workdirs[0]) if len(workdirs) == 1 else "runs/report"))


def chosen(which: str) -> list[PaperTable]:
    """The tables that `--table` names. Raises ConfigError for one that is none."""
    found = [table for table in TABLES if which in ("all", str(table.number))]
    if not found:
        raise ConfigError(f"--table={which}: must be 1 to {len(TABLES)}, or all")
    return found
