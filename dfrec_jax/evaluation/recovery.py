"""Evaluation of a DFREC on a test split: load, measure, summarise, write, in this order."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from dfrec_jax import perceptors
from dfrec_jax.evaluation import (
    collecting,
    measured_split,
    output_files,
    people,
    recoverers,
    shared_pictures,
    spread,
    unfinished,
)
from dfrec_jax.evaluation.notes import notes
from dfrec_jax.evaluation.request import AS_TRAINED, Request, measured_config
from dfrec_jax.evaluation.summary import TABLE, summarise
from dfrec_jax.metrics import identity
from dfrec_jax.models import dfrec
from dfrec_jax.pictures import grid
from dfrec_jax.reports import averages, curves, results, tables
from dfrec_jax.reports.progress import progress
from dfrec_jax.runs import packed, released, trained
from dfrec_jax.weights.digest import sha256_of_variables

METRICS = "metrics.jsonl"
PANEL_COLUMNS = (
    "input", "source map", "masked input", "recovered source", "recovered target", "true source", "true target",
)  # fmt: skip


def evaluate(
    workdir: str | os.PathLike[str], request: Request = AS_TRAINED, out: str | os.PathLike[str] | None = None
) -> str:
    """Measures one checkpoint on a test split; writes records, a table, a panel for each attack, and curves.

    IDSIM, PSNR and SSIM are over forgeries; Acc_id is the balanced accuracy over forged and pristine faces. All that is
    asked for is checked before anything is measured.

    Args:
      workdir: of a training run, or of an imported or packed network.
      request: on what it is measured, and under which name that is kept.
      out: folder for what is written; None: the workdir.

    Returns:
      The Markdown table.

    Raises:
      CheckpointError: as `trained.load`.
      ConfigError: for data that are not there or cannot be forged from, a request that does not fit the network, or
        a name under which results of another request stand.
      WeightsError: for networks of the measurement that are not at hand.
    """
    workdir, out = Path(workdir), Path(workdir if out is None else out)
    written = output_files.files(out, request, TABLE)
    network = trained.load(workdir, request.checkpoint)
    output_files.check_free(written.results, request)
    trained_on = None if (workdir / released.RETAINED).exists() else network.config
    config = measured_config(network.config, request)
    split = measured_split.open_split(config, request)
    instruments = _load_instruments(config)

    panels: dict[int, list[list[np.ndarray]]] = {}
    network = network._replace(config=config, model=dfrec.build(config))
    measured_rows = rows(network, request.verdict)
    kept = unfinished.of(written.results, _made_of(network, measured_rows, instruments, request))
    if spread.is_first_host():
        kept.say(split.num_batches)
    collected = collecting.collect(
        measured_rows,
        recoverers.DFREC,
        instruments,
        progress(split.batches, split.num_batches, "test split, batches", is_shown=spread.is_first_host()),
        request.seed,
        panels,
        spread.over_all_devices(config.data.eval_batch_size),
        kept,
    )
    examples = collected.examples
    split.add_labels(examples)

    records = summarise(collected, split.attacks, config, instruments.names())
    seen = [people.overlap(trained_on, config, examples), shared_pictures.count(trained_on, config)]
    said = notes(config, network.step, instruments, collected, request, "; ".join(part for part in seen if part))
    spec = tables.RECOVERY if instruments.detector is None else tables.FACES
    said += tables.without_interval(records, (spec, averages.AVERAGES, tables.DETECTION))
    parts = [
        tables.markdown(spec, records),
        averages.markdown(records) if instruments.detector is not None else "",
        tables.by_attack(tables.DETECTION, records),
        *(f"{note}\n" for note in said),
    ]
    text = "\n".join(part for part in parts if part)

    if not spread.is_first_host():  # which alone writes
        return text
    num_forgeries = int(examples["is_forgery"].sum())
    measured = {
        "step": network.step,
        "dataset": config.data.dataset,
        "forgeries": num_forgeries,
        "pristine": len(examples["is_forgery"]) - num_forgeries,
    }
    results.write(results.Results(request.conditions(), measured, records), written.results)
    tables.write(text, written.table)
    _write_pictures(written.panels, collected, panels, split.attacks)
    if not packed.is_packed(workdir):  # which brings no log
        _draw_curves(workdir, out)
    kept.remove()
    print(f"written: {written.results}, {written.table}, {written.panels}", file=sys.stderr)
    return text


def rows(network: trained.Trained, verdict: str) -> tuple[recoverers.Recoverer, ...]:
    """A row for each thing that the network has learned to do without, or with."""
    config = network.config
    found = [recoverers.copy(), recoverers.inpainting(network, verdict), recoverers.dfrec(network, verdict)]
    if config.sirm.feature_dropout > 0 or config.data.photograph_share > 0:
        found.append(recoverers.surroundings(network, verdict))
    if config.tirm.identity_width > 0:
        recogniser = perceptors.load_network(config.frozen.identity, config)
        found.append(recoverers.visible_given(network, recogniser, verdict))
        found.append(recoverers.visible_estimated(network, recogniser, verdict))
    return tuple(found)


def _made_of(
    network: trained.Trained,
    measured_rows: Sequence[recoverers.Recoverer],
    instruments: collecting.Instruments,
    request: Request,
) -> dict[str, Any]:
    """What the numbers depend on, but for the examples."""
    weights = {id(row.variables): sha256_of_variables(row.variables) for row in measured_rows}
    return {
        "step": network.step,
        "config": network.config.to_json(),
        "protocol": request.conditions(),
        "rows": [[row.name, weights[id(row.variables)]] for row in measured_rows],
        "instruments": instruments.names(),
    }


def _load_instruments(config: ConfigDict) -> collecting.Instruments:
    names = {"distance": config.frozen.distance, "detector": config.frozen.detector}
    loaded = {role: perceptors.load_network(name, config) if name else None for role, name in names.items()}
    return collecting.Instruments(perceptors.load_metric_network(config), **loaded)


def _write_pictures(
    folder: Path,
    collected: collecting.Collected,
    panels: Mapping[int, list[list[np.ndarray]]],
    attacks: Sequence[str],
) -> None:
    """A panel of each attack, and real faces told from forged ones.

    What an earlier evaluation left there and this one has nothing of is removed.
    """
    made = []
    for number, shown in panels.items():
        captions = [["", grid.words_of_map(row[1]), *[""] * (len(row) - 2)] for row in shown]
        panel = grid.grid(shown, PANEL_COLUMNS, captions)
        made.append(folder / f"{output_files.plain_name(attacks[number])}.png")
        grid.save(panel, made[-1])
    is_forgery = collected.examples["is_forgery"]
    if is_forgery.any() and not is_forgery.all():
        known = {
            name: (score[np.isfinite(score)], ~is_forgery[np.isfinite(score)])  # of a face that cannot be aligned: NaN
            for name, score in collected.input_to_recovered.items()
            if name != recoverers.COPY
        }
        drawn = {
            name: identity.roc_curve(score, is_pristine)
            for name, (score, is_pristine) in known.items()
            if is_pristine.any() and not is_pristine.all()
        }
        made.append(folder / "roc.png")
        curves.roc(drawn, made[-1])
    for path in set(folder.glob("*.png")) - set(made):
        path.unlink()


def _draw_curves(workdir: Path, out: Path) -> None:
    """How training went."""
    try:
        curves.training(workdir / METRICS, out / "panels" / "training.png")
    except (OSError, ValueError) as error:
        print(f"no curves of training: {error}", file=sys.stderr)
