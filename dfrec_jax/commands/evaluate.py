"""The evaluation that is asked for: of one run on its own test split, or tables of the paper from several."""

import os
from collections.abc import Sequence
from typing import Any

import jax

from dfrec_jax.config import autoencoder, compared, trace
from dfrec_jax.config.defaults import task_of
from dfrec_jax.config.errors import ConfigError
from dfrec_jax.evaluation import attributes, recovery, spread
from dfrec_jax.evaluation.request import AS_TRAINED, Request
from dfrec_jax.paper import figures_of_runs, tables_of_runs
from dfrec_jax.reports import report
from dfrec_jax.runs import shipped, stored_config


def asked(
    workdir: str,
    runs: str,
    table: str,
    figure: str,
    render_only: bool,
    out: str,
    request: Request,
    rows: Sequence[str] = (),
    *,
    network: str = "",
) -> str:
    """What evaluate.py's flags ask for; returns what is to be shown.

    Raises:
      CheckpointError, WeightsError: as the evaluations.
      ConfigError: as they, and for flags that do not go together.
    """
    if network:
        return _of_network(network, (workdir, runs, table, figure, render_only, rows), out, request)
    workdirs = [part.strip() for part in runs.split(",")] if runs else [workdir]
    if runs and not all(workdirs):
        raise ConfigError(f"--runs={runs}: an empty name stands there; folders of runs with commas between are meant")
    folder = str(tables_of_runs.folder_of_results(workdirs, out)) if workdir or runs or out else ""
    if render_only:
        if table or figure or not folder:
            raise ConfigError("--render-only: wants --out=DIR, where results/ is, and neither --table nor --figure")
        return _rendered(folder)
    if bool(workdir) == bool(runs):
        raise ConfigError(
            "--workdir=W names one run, --runs=A,B,C several, --network=NAME what comes with the package: exactly one "
            "of them must be given"
        )
    if rows and not (table or figure):
        raise ConfigError(
            f"--row={rows[0]}: goes with a table or a figure of the paper, --table=1 or --figure=4 for one"
        )
    if figure and jax.process_count() > 1:
        raise ConfigError(f"--figure={figure}: figures are made by one host; leave --distributed out")
    if table or figure:
        return tables_and_figures(workdirs, table, figure, folder, request, rows)
    for flag, value in (("runs", runs), ("out", out)):
        if value:
            raise ConfigError(f"--{flag}={value}: goes with a table or a figure of the paper (--table, --figure)")
    return evaluate(workdir, request)


def _of_network(network: str, others: Sequence[Any], out: str, request: Request) -> str:
    """The evaluation of a network that comes with the package, whose folder is not written to."""
    if any(others):
        raise ConfigError(
            f"--network={network}: is measured by itself, with --out=DIR for where its results go; for tables and "
            f"figures name it among the runs, --runs={network}, without --network"
        )
    return recovery.evaluate(shipped.folder(network), request, out or f"runs/{network}")


def tables_and_figures(
    workdirs: list[str], table: str, figure: str, folder: str, request: Request, rows: Sequence[str] = ()
) -> str:
    """Tables and figures of the paper (each `all`, one, or empty for none) below a folder, and the report of them.

    Both are held against their lists before the first table is measured. Raises as `asked`.
    """
    of_tables = tables_of_runs.chosen(table) if table else []
    of_figures = figures_of_runs.tables_of(figure) if figure else []
    texts = []
    if table:
        texts.append(tables_of_runs.evaluate(workdirs, table, folder, request, of_figures, rows))
    if figure:
        texts.append(figures_of_runs.evaluate(workdirs, figure, folder, request, of_tables, rows))
    if spread.is_first_host():
        texts.append(_rendered(folder))
    return "\n".join(texts)


def _rendered(folder: str) -> str:
    try:
        return f"The report: {report.render(folder)}\n"
    except ValueError as error:
        raise ConfigError(str(error)) from error


def evaluate(workdir: str | os.PathLike[str], request: Request = AS_TRAINED) -> str:
    """Measures one checkpoint on a test split and returns the table; see the evaluation of each task.

    Raises:
      CheckpointError: where `workdir` is not the folder of a run.
      ConfigError: as the evaluation of the task.
    """
    task = task_of(stored_config.load(workdir))
    if task in compared.METHODS:
        raise ConfigError(f"{workdir}: trained {task}, which stands in tables of the paper: --table=1 to 7 or all")
    if task == autoencoder.TASK:
        raise ConfigError(f"{workdir}: trained the autoencoder of faces, which benchmarks/neural_swaps.py measures")
    if task == trace.TASK:
        raise ConfigError(f"{workdir}: trained a trace head, which `dfrec trace calibrate --head {workdir}` measures")
    return {"dfrec": recovery.evaluate, "attributes": attributes.evaluate}[task](workdir, request)
