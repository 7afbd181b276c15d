"""What tables and figures have in common before anything is measured: runs that go together, and records that may be
written."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
from ml_collections import ConfigDict

from dfrec_jax import perceptors
from dfrec_jax.config import networks
from dfrec_jax.config.errors import ConfigError
from dfrec_jax.evaluation.recoverers import COPY
from dfrec_jax.evaluation.request import AS_TRAINED, Request
from dfrec_jax.files import json_text, whole
from dfrec_jax.paper import runs_at_hand, table_data
from dfrec_jax.paper.fitted_tables import places_of
from dfrec_jax.paper.runs_at_hand import Run
from dfrec_jax.paper.table_data import SCENES, Data
from dfrec_jax.paper.tables import NONE, PaperTable
from dfrec_jax.pictures.framing import Frame
from dfrec_jax.records import joint
from dfrec_jax.reports import cells, figures, known_runs, provenance
from dfrec_jax.runs import published_method, released


class Asked(NamedTuple):
    """What was asked for, and fits together.

    Attributes:
      runs: in the order in which they were named.
      base: the config whose networks measure.
      words: the request as records hold it: a file is only ever replaced by one of the same.
      others: of runs on other photographs than the paper's, the data sets that are measured on.
    """

    runs: list[Run]
    base: ConfigDict
    words: dict[str, Any]
    others: tuple[Data, ...] = ()


def opened(workdirs: Sequence[str], request: Request) -> Asked:
    """Opens the runs and sees whether they go together; loads nothing.

    Raises:
      CheckpointError: for a workdir that holds no run, or not the checkpoint that is asked for.
      ConfigError: for a request with other fields than tables have, and for runs of which two are the same or that do
        not go together.
    """
    _check_request(request)
    runs = [runs_at_hand.open_run(workdir) for workdir in workdirs]
    runs_at_hand.check_distinct(runs)
    base = _base(runs, request)
    measuring = dict(sorted(perceptors.table_networks(base).items()))
    others = _others(runs, request.data_dir)
    for run in runs:
        runs_at_hand.check_checkpoint(run, request.checkpoint)
    return Asked(runs, base, {**request.conditions(), "metrics": measuring}, others)


def _check_request(request: Request) -> None:
    """Raises ConfigError for a request with fields that tables and figures say themselves."""
    plain = Request(
        checkpoint=request.checkpoint, seed=request.seed, data_dir=request.data_dir, examples=request.examples,
        measure_by=request.measure_by,
    )  # fmt: skip
    if plain != request:
        beyond = request._replace(checkpoint="best", seed=0, data_dir="", examples=0, measure_by="")
        flags = beyond.flags() or f"--name={request.name}"
        raise ConfigError(f"{flags}: a table of the paper says itself what it is measured on; leave it out")


def _base(runs: Sequence[Run], request: Request) -> ConfigDict:
    """The config whose networks measure: of the first DFREC, with which all others must agree where the request names
    no others."""
    base = next((run for run in runs if "DFREC" in run.methods), runs[0])
    configs = {run.workdir: networks.replaced(run.config, request.measure_by, networks.OF_TABLES) for run in runs}
    measuring = perceptors.table_networks(configs[base.workdir])
    for run in runs:
        of_run = perceptors.table_networks(configs[run.workdir])
        if differing := {role: name for role, name in of_run.items() if name != measuring[role]}:
            raise ConfigError(
                f"{base.workdir} is measured by {measuring}, {run.workdir} by {differing}: a table has one network "
                "for a metric; name it, --measure_by=FIELD=NAME, or leave one of the two out"
            )
    if request.data_dir and base.trained_on.dataset in SCENES:
        raise ConfigError(
            f"--data_dir={request.data_dir}: {base.workdir} was trained on drawn faces, which are read from no folder; "
            "leave it out"
        )
    kinds = list(dict.fromkeys(_kind(run.trained_on) for run in runs))
    if len(kinds) > 1:
        raise ConfigError(f"runs on {kinds[0]} and on {kinds[1]} stand in no table together; name those of one kind")
    _check_frames(runs)
    return configs[base.workdir]


def _kind(data: Data) -> str:
    if data.dataset in SCENES:
        return "drawn faces"
    return "other photographs than the paper's" if data.folders else "the paper's photographs"


def _others(runs: Sequence[Run], data_dir: str) -> tuple[Data, ...]:
    """Of runs on other photographs than the paper's, the data sets of `data_dir`, or where it is empty of all runs.

    Raises:
      ConfigError: for a folder of which it is not clear which data set is meant, and for two that have one name.
    """
    if not any(run.trained_on.folders for run in runs):
        return ()
    if data_dir:
        kinds = sorted({run.config.data.dataset for run in runs})
        known = kinds[0] if len(kinds) == 1 else ""
        named = [Data(kind, "", folder) for kind, folder in joint.named_folders(data_dir, known)]
        if unclear := next((data.folders for data in named if not data.dataset), ""):
            raise ConfigError(
                f"--data_dir={data_dir}: {unclear} may be of {' or '.join(kinds)}; say which, as {kinds[0]}:{unclear}"
            )
    else:
        named = [run.trained_on for run in runs]
    found: dict[str, Data] = {}
    for data in (part for one in named for part in table_data.single_sets(one)):
        same = found.setdefault(str(data), data)
        if (same.dataset, same.folders) != (data.dataset, data.folders):
            raise ConfigError(
                f"{same.dataset}:{same.folders} and {data.dataset}:{data.folders} are both called {data}, as columns "
                "are by their folder's last name; name one of them, --data_dir=BUILDER:DIR"
            )
    return tuple(found.values())


def _check_frames(runs: Sequence[Run]) -> None:
    """Raises ConfigError for runs that see faces in different frames, as far as their configs say."""
    frames = [(run, Frame(run.config.data.crop, run.config.data.margin)) for run in runs if run.config.data.crop]
    for run, frame in frames[1:]:
        first, wanted = frames[0]
        if not frame.is_that_of(wanted):
            raise ConfigError(
                f"{first.workdir} was trained on faces of `{wanted.words()}`, {run.workdir} on those of "
                f"`{frame.words()}`: a table has one frame for all rows; leave one of the two out"
            )


def check_used(runs: Sequence[Run], tables: Sequence[PaperTable], said: str) -> None:
    """Raises ConfigError for a run that fills no cell of the tables, which the message calls `said`."""
    methods = {row.method for table in tables for row in table.rows}
    if methods and methods <= {NONE, COPY}:
        return  # they show what the data are
    used = {one.run.workdir for places in places_of(tables, runs).values() for one in places if one.run is not None}
    for run in runs:
        if run.workdir not in used:
            columns = dict.fromkeys(str(column.data) for table in tables for column in table.columns) or [
                "data that no run was trained on"
            ]
            lacks = f", {runs_at_hand.lacking(run.without)}" if run.without else ""
            raise ConfigError(
                f"{run.workdir}: {run.methods[0]} trained on {run.trained_on}{lacks} has no cell in {said}, which is "
                f"of {'; '.join(columns)}; leave it out"
            )


def write_runs(runs: Sequence[Run], path: Path) -> None:
    """Adds what each run is, with its config, to the file that says so of all runs that tables and figures show.

    Raises:
      ConfigError: where the file is damaged.
      WeightsError: where the note of an imported network on the file that it was made of is damaged.
    """
    try:
        known: dict[str, Any] = dict(known_runs.read(path))
    except ValueError as error:
        raise ConfigError(str(error)) from error
    for run in runs:
        workdir = runs_at_hand.folder_of(run.workdir)
        known[run.workdir] = {
            "method": run.methods[0],
            "trained_on": str(run.trained_on),
            "without": sorted(run.without),
            "config": json.loads(run.config.to_json()),
            "imported": released.imported_from(workdir) or published_method.imported_from(workdir) or {},
        }
    whole.write_json(path, known, indent=1)


def drop_unnamed(runs: Sequence[Run], results: Path) -> None:
    """Drops from `runs.json` what neither was asked for now nor is named by a record of a table or a figure any more.

    Where a record cannot be read, or an earlier version wrote it and it does not say, nothing is dropped.
    """
    path = results / "runs.json"
    named = {run.workdir for run in runs}
    try:
        for table in map(cells.read, results.glob("table_[1-7].json")):
            named |= {cell.run for cell in table.cells}
        for figure in map(figures.read, (*results.glob("figure_[1-8].json"), *results.glob("cases.json"))):
            if not figure.is_empty and not figure.runs:
                return
            named |= set(figure.runs)
    except ValueError:
        return
    known = json_text.parsed(path.read_text(encoding="utf-8"))
    kept = {workdir: run for workdir, run in known.items() if workdir in named}
    if len(kept) < len(known):
        whole.write_json(path, kept, indent=1)


def made_now() -> dict[str, Any]:
    """By which command, which code and on what machine, as records hold it."""
    devices = jax.devices()
    return provenance.made(f"{len(devices)} of {devices[0].platform}: {devices[0].device_kind}")


def check_free(path: Path, words: Mapping[str, Any], read: Callable[[Path], Any]) -> None:
    """Raises ConfigError where `path` holds a record of another request, or something that `read` cannot read."""
    if not path.exists():
        return
    try:
        earlier = {**AS_TRAINED.conditions(), **read(path).protocol}  # fields that are newer than the record
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: a record cannot be kept there ({error}); move it away") from error
    changed = [
        f"{name}: {earlier.get(name)!r} -> {value!r}" for name, value in words.items() if earlier.get(name) != value
    ]
    if changed:
        raise ConfigError(
            f"{path} holds a record of another request ({'; '.join(changed)}): choose another --out, or move it away"
        )
