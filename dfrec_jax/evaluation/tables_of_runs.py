"""Tables of the paper from workdirs: choose runs, recover or read what was recovered, measure, write, in this order."""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ml_collections import ConfigDict

from dfrec_jax import perceptors
from dfrec_jax.config.errors import ConfigError
from dfrec_jax.evaluation import calibrator, describing, recovered_pictures, runs_at_hand, scores
from dfrec_jax.evaluation.fitted_tables import Place, Wanted, fitted, places_of
from dfrec_jax.evaluation.paper_tables import NONE, TABLES, PaperTable
from dfrec_jax.evaluation.protocol import Protocol
from dfrec_jax.evaluation.recovered_pictures import Kept
from dfrec_jax.evaluation.recoverers import COPY
from dfrec_jax.evaluation.runs_at_hand import Run
from dfrec_jax.evaluation.table_cells import OfColumn, OfRow, cells_of, header_of
from dfrec_jax.evaluation.table_data import DRAWN_EXAMPLES, SCENES, Examples, Measured
from dfrec_jax.files import whole
from dfrec_jax.reports import cells
from dfrec_jax.reports.progress import progress

PERTURBATION_SEED = 0


def evaluate(workdirs: Sequence[str], which: str, out: str, protocol: Protocol) -> str:
    """Makes one table of the paper, or all of them; writes `results/table_N.json` and `tables/table_N.md` below `out`.

    Args:
      workdirs: of the runs.
      which: `1` to `7`, or `all`.
      out: the folder; empty: the workdir of a single run, `runs/report` for several.
      protocol: checkpoint, seed, data_dir and examples; a table has no use for the other fields.

    Returns:
      The Markdown of the tables.

    Raises:
      CheckpointError: for a workdir that holds no run.
      ConfigError: for a table that is none, a protocol with other fields, runs of which two are the same, that do not
        go together or that belong to no asked table, and for results of another protocol that stand in the way.
      WeightsError: where there is no network to tell identities.
    """
    asked = _tables(which)
    _check_protocol(protocol)
    runs = [runs_at_hand.open_run(workdir) for workdir in workdirs]
    runs_at_hand.check_distinct(runs)
    base = _base(runs, protocol)
    tables = [fitted(table, runs) for table in asked]
    _check_used(runs, tables)
    folder = Path(out or (workdirs[0] if len(workdirs) == 1 else "runs/report"))
    files = {table.number: folder / "results" / f"table_{table.number}.json" for table in tables}
    words = {**protocol.conditions(), "metrics": dict(sorted(perceptors.table_networks(base).items()))}
    for path in files.values():
        _check_free(path, words)

    networks = describing.load(base)
    columns: dict[Place, OfColumn] = {}
    for place, wanted in places_of(tables, runs).items():
        columns[place] = _column(place, wanted, base, protocol, networks)
    calibrated = _calibrated(columns, base, protocol)
    texts = []
    for table in tables:
        header = header_of(table, columns, networks, base, runs) + calibrated
        made = cells_of(table, runs, columns, networks, header, words)
        cells.write(made, files[table.number])
        texts.append(cells.markdown(made))
        whole.write_text(folder / "tables" / f"table_{table.number}.md", texts[-1])
        print(f"written: {files[table.number]}", file=sys.stderr)
    return "\n".join(texts)


def _column(
    place: Place, wanted: Sequence[Wanted], base: ConfigDict, protocol: Protocol, networks: describing.Networks
) -> OfColumn:
    """Every wanted row of one column, over the same examples."""
    if not wanted:
        return OfColumn({}, 0, 0)
    measured = _measured(place, base, protocol)
    try:
        examples = Examples(measured, base, place.perturbation, PERTURBATION_SEED)
    except ConfigError as error:
        return OfColumn({}, 0, 0, f"its data are not there ({error})")
    rows, reasons = {}, {}
    for one in wanted:
        try:
            rows[one] = _source(one, measured, place.perturbation, protocol)
        except ConfigError as error:
            reasons[one] = str(error)
    make = scores.collection(networks.by_role)
    sums: dict[Wanted, Any] = {one: make.empty() for one in rows}
    said = f"{place.data}{', ' + place.perturbation if place.perturbation else ''}: batches"
    forgeries = pristine = 0
    for number, batch in enumerate(progress(examples, examples.num_batches, said)):
        forgeries += int((batch["is_valid"] & batch["is_forgery"] & batch["has_target"]).sum())
        pristine += int((batch["is_valid"] & ~batch["is_forgery"]).sum())
        truth = scores.truth_of(networks.by_role, batch, batch["image"])
        for one, source in rows.items():
            kept = source.pictures(number, batch)
            outputs = scores.outputs_of(networks.by_role, truth, kept.target, kept.generated)
            sums[one] = sums[one].merge(make.single_from_model_output(**outputs))
    found = {one: OfRow(sums[one], source.step, source.folder) for one, source in rows.items()}
    return OfColumn(found, forgeries, pristine, "", reasons)


def _calibrated(columns: Mapping[Place, OfColumn], base: ConfigDict, protocol: Protocol) -> list[str]:
    """What the row None says of FaceNet's input, where FaceNet measures and data of the paper were measured."""
    if not calibrator.is_asked(base):
        return []
    there = calibrator.columns_of([place.data for place, of in columns.items() if of.rows and not place.perturbation])
    found = {}
    for data in there:
        examples = Examples(_measured(Place(data, ""), base, protocol), base, "", PERTURBATION_SEED)
        found[data] = calibrator.similarities(base, examples)
    return [calibrator.remark(found, base.frozen.metric)] if found else []


class Source(NamedTuple):
    """Where the pictures of a row come from: a function of the number of a batch and the batch."""

    pictures: Callable[[int, Mapping[str, Any]], Kept]
    step: int = 0
    folder: str = ""


def _source(wanted: Wanted, measured: Measured, perturbation: str, protocol: Protocol) -> Source:
    if wanted.method in (NONE, COPY):
        return Source(lambda number, batch: Kept(target=batch["image"]))
    run = wanted.run
    assert run is not None
    if run.config.image_size != measured.image_size:
        raise ConfigError(f"{run.workdir} recovers pictures of {run.config.image_size} px, not {measured.image_size}")
    loaded = runs_at_hand.load(run, protocol.checkpoint, wanted.method)
    made_of = {
        "config": run.config.to_json_best_effort(sort_keys=True),
        **measured.words(perturbation, PERTURBATION_SEED),
    }
    store = recovered_pictures.store(Path(run.workdir), loaded.recoverer, made_of, protocol.seed)
    jitted = recovered_pictures.jitted(loaded.recoverer)

    def pictures(number: int, batch: Mapping[str, Any]) -> Kept:
        return recovered_pictures.recovered(
            store, number, batch["image"], batch["landmarks"], jitted, batch.get("points")
        )

    return Source(pictures, loaded.step, str(store.folder.relative_to(run.workdir)))


def _measured(place: Place, base: ConfigDict, protocol: Protocol) -> Measured:
    examples = protocol.examples or (DRAWN_EXAMPLES if place.data.dataset in SCENES else base.data.test_examples)
    return Measured(
        place.data, protocol.data_dir or base.data.dir, base.image_size, examples, base.data.eval_batch_size
    )


def _tables(which: str) -> list[PaperTable]:
    chosen = [table for table in TABLES if which in ("all", str(table.number))]
    if not chosen:
        raise ConfigError(f"--table={which}: must be 1 to {len(TABLES)}, or all")
    return chosen


def _check_protocol(protocol: Protocol) -> None:
    plain = Protocol(
        checkpoint=protocol.checkpoint, seed=protocol.seed, data_dir=protocol.data_dir, examples=protocol.examples
    )
    if plain != protocol:
        beyond = protocol._replace(checkpoint="best", seed=0, data_dir="", examples=0)
        flags = beyond.flags() or f"--name={protocol.name}"
        raise ConfigError(f"{flags}: a table of the paper says itself what it is measured on; leave it out")


def _base(runs: Sequence[Run], protocol: Protocol) -> ConfigDict:
    """The config whose networks measure: of the first DFREC, with which all others must agree."""
    base = next((run for run in runs if "DFREC" in run.methods), runs[0])
    networks = perceptors.table_networks(base.config)
    for run in runs:
        differing = {
            role: name for role, name in perceptors.table_networks(run.config).items() if name != networks[role]
        }
        if differing:
            raise ConfigError(
                f"{base.workdir} is measured by {networks}, {run.workdir} by {differing}: a table has one network "
                "for a metric; leave one of the two out"
            )
    if len({run.trained_on.dataset in SCENES for run in runs}) > 1:
        raise ConfigError("runs on drawn faces and on photographs stand in no table together; name those of one kind")
    return base.config


def _check_used(runs: Sequence[Run], tables: Sequence[PaperTable]) -> None:
    used = {one.run.workdir for places in places_of(tables, runs).values() for one in places if one.run is not None}
    for run in runs:
        if run.workdir not in used:
            of = f"table {tables[0].number}" if len(tables) == 1 else "the tables"
            columns = dict.fromkeys(str(column.data) for table in tables for column in table.columns)
            lacks = f", without {' and '.join(sorted(run.without))}" if run.without else ""
            raise ConfigError(
                f"{run.workdir}: {run.methods[0]} trained on {run.trained_on}{lacks} has no cell in {of}, which is of "
                f"{'; '.join(columns)}; leave it out"
            )


def _check_free(path: Path, words: Mapping[str, Any]) -> None:
    if not path.exists():
        return
    try:
        earlier = cells.read(path).protocol
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: a table cannot be kept there ({error}); move it away") from error
    changed = [
        f"{name}: {earlier.get(name)!r} -> {value!r}" for name, value in words.items() if earlier.get(name) != value
    ]
    if changed:
        raise ConfigError(
            f"{path} holds a table of another protocol ({'; '.join(changed)}): choose another --out, or move it away"
        )
