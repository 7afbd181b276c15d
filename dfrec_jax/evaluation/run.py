"""Evaluation of a workdir on a test split: result records, the tables that are rendered from them, and panels."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from ml_collections import ConfigDict
from rich.console import Console
from rich.progress import track

from dfrec_jax import perceptors
from dfrec_jax.config import rules
from dfrec_jax.config.errors import ConfigError
from dfrec_jax.data import forged, mixture, pipeline
from dfrec_jax.evaluation import collecting, finding, groups, measure
from dfrec_jax.evaluation.summary import summarise
from dfrec_jax.metrics import identity
from dfrec_jax.models import dfrec
from dfrec_jax.pictures import grid
from dfrec_jax.reports import curves, results, tables
from dfrec_jax.runs import trained

METRICS = "metrics.jsonl"
PANEL_COLUMNS = (
    "input", "source map", "seen by the TIRM", "recovered source", "recovered target", "true source", "true target",
)  # fmt: skip


class Protocol(NamedTuple):
    """On what a network is measured.

    Attributes:
      name: of the files: `results/<name>.json` (`results/results.json` for the one without a name of its own),
        `tables/<name>.md`, `panels/<name>/`.
      dataset, data_dir: prepared data in place of those that the network was trained on; empty for the same.
      forge: whether the pristine faces of the split are forged anew by every generator of training, in place of the
        forgeries that the data set holds.
      groups: a CSV whose columns `id` and `repository` say which examples are not independent, by which intervals are
        resampled in place of people; empty for none.
      mask_ratio, patch_threshold: of Algorithm 1, in place of those of training; no parameter depends on them. 0 for
        the same.
      num_examples: of each attack where forgeries are made anew, otherwise of all; 0 for what the config says.
    """

    name: str = tables.RECOVERY.table
    dataset: str = ""
    data_dir: str = ""
    forge: bool = False
    groups: str = ""
    num_examples: int = 0
    mask_ratio: float = 0.0
    patch_threshold: float = 0.0

    @property
    def results_file(self) -> str:
        """Where scripts look for the records of the plain evaluation, and beside it those of others."""
        return "results.json" if self.name == tables.RECOVERY.table else f"{self.name}.json"


AS_TRAINED = Protocol()


def evaluate(
    workdir: str | os.PathLike[str], *, which: str = "best", seed: int = 0, protocol: Protocol = AS_TRAINED
) -> str:
    """Measures one checkpoint on a test split; writes records, a table, a panel for each attack, and curves.

    IDSIM, PSNR and SSIM are over forgeries; Acc_id is the balanced accuracy over forged and pristine faces.

    Args:
      workdir: of a training run.
      which: `best` by validation IDSIM, `newest`, or a step.
      seed: of the masking noise, the same for every example.
      protocol: on what it is measured.

    Returns:
      The Markdown table.

    Raises:
      ConfigError: for data that are not there, or cannot be forged from.
      WeightsError: for networks of the measurement that are not at hand.
    """
    model = trained.load(workdir, which)
    config = _measured_config(model.config, protocol)
    model = model._replace(config=config, model=dfrec.build(config))
    instruments = _load_instruments(config)
    names, batches = _test_batches(config, protocol)
    panels: dict[int, list[list[np.ndarray]]] = {}
    collected = collecting.collect(model, instruments, batches, seed, panels)
    if protocol.groups:
        people = mixture.split_of(config, "test").names.identities
        collected.examples["group"] = groups.read(protocol.groups, collected.examples["target_id"], people)
    networks = {role: network.name for role, network in instruments._asdict().items() if network is not None}
    records = summarise(collected, names, config, networks)

    workdir = Path(workdir)
    results.write(records, workdir / "results" / protocol.results_file)
    for number, rows in panels.items():
        panel = grid.grid(rows, PANEL_COLUMNS)
        grid.save(panel, workdir / "panels" / protocol.name / f"{names[number].replace(' ', '_')}.png")
    is_forgery = collected.examples["is_forgery"]
    if is_forgery.any() and not is_forgery.all():
        scores = {name: score for name, score in collected.input_to_recovered.items() if name != measure.COPY}
        drawn = {name: identity.roc_curve(score, ~is_forgery) for name, score in scores.items()}
        curves.roc(drawn, workdir / "panels" / protocol.name / "roc.png")
    if (workdir / METRICS).exists():
        curves.training(workdir / METRICS, workdir / "panels" / "training.png")
    spec = tables.RECOVERY if instruments.detector is None else tables.FACES
    text = tables.markdown(spec, records, _notes(model, instruments, collected, protocol))
    tables.write(text, workdir / "tables" / f"{protocol.name}.md")
    return text


def _measured_config(config: ConfigDict, protocol: Protocol) -> ConfigDict:
    config = config.copy_and_resolve_references()
    if protocol.dataset:
        config.data.dataset, config.data.attack = protocol.dataset, ""
    if protocol.data_dir:
        config.data.dir = protocol.data_dir
    if protocol.num_examples:
        config.data.test_examples = protocol.num_examples
    if protocol.mask_ratio:
        config.tirm.mask_ratio = protocol.mask_ratio
    if protocol.patch_threshold:
        config.tirm.patch_threshold = protocol.patch_threshold
    rules.validate(config)
    if protocol.forge and config.data.dataset == pipeline.EMBEDDED:
        raise ConfigError("forge: the embedded faces are drawn as forgeries; leave it out")
    return config


def _load_instruments(config: ConfigDict) -> collecting.Instruments:
    names = {"distance": config.frozen.distance, "detector": config.frozen.detector}
    loaded = {role: perceptors.load_network(name, config) if name else None for role, name in names.items()}
    return collecting.Instruments(perceptors.load_metric_network(config), **loaded)


def _test_batches(config: ConfigDict, protocol: Protocol) -> tuple[tuple[str, ...], Iterator[dict]]:
    """The names of the attacks, and the batches of the test split behind a bar that shows how far they are."""
    if protocol.forge:
        names, batches, total = forged.NAMES, forged.batches(config, "test"), forged.num_batches(config, "test")
    else:
        limit = config.data.test_examples
        names, batches = pipeline.attack_names(config), pipeline.eval_batches(config, "test", max_examples=limit)
        total = pipeline.num_eval_batches(config, "test", max_examples=limit)
    return names, iter(track(batches, total=total, description="test split", console=Console(stderr=True)))


def _notes(
    model: trained.Trained, instruments: collecting.Instruments, collected: collecting.Collected, protocol: Protocol
) -> list[str]:
    config, is_forgery = model.config, collected.examples["is_forgery"]
    metric = instruments.metric
    resampled = "groups of examples" if protocol.groups else "people"
    notes = [
        f"{is_forgery.sum()} forgeries and {(~is_forgery).sum()} pristine faces of the test split of "
        f"`{config.data.dataset}`, people that training never saw; checkpoint of step {model.step}. IDSIM by "
        f"`{metric.name}`, with 95 % intervals from resampling {resampled}; Acc_id balanced over forged and pristine "
        f"faces (real above {identity.REAL_THRESHOLD}). *Region*: the patches that DFREC masks and generates, the same "
        "for every row; for IDSIM and the LPIPS-like distance all else is gray. *None* is the forgery itself.",
    ]
    if instruments.detector is not None:
        notes.append(
            f"Faces are aligned by five landmarks that `{instruments.detector.name}` finds on the forgery, in every "
            "picture of an example. *Found*: it finds a face in the picture; *in place*: with landmarks within "
            f"{finding.IN_PLACE:.0%} of the distance of the eyes, in the mean, of the true target's (for a recovered "
            "source: of the forgery's). A face that is not found counts as neither."
        )
    if config.data.dataset == pipeline.EMBEDDED:
        low, high = config.data.leak
        notes.append(f"Share of the target that leaks through the swaps: {low} to {high} (`data.leak`).")
    if protocol.forge:
        low, high = forged.LEAK
        notes.append(f"Share of the target that leaks through `swap`: {low} to {high}; otherwise none.")
    if protocol.mask_ratio or protocol.patch_threshold:
        tirm = config.tirm
        notes.append(
            f"Masked: a share of {tirm.mask_ratio} of the patches, those of a map of {tirm.patch_threshold} first."
        )
    if metric.is_random:
        notes.append("**The metric network has random weights: no number above means anything.**")
    return notes
