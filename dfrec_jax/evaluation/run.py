"""Evaluation of a workdir on the test split: result records, and the table that is rendered from them."""

import os
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict
from rich.console import Console
from rich.progress import track

from dfrec_jax import config as config_lib
from dfrec_jax import perceptors, trained
from dfrec_jax.data import pipeline
from dfrec_jax.evaluation import measure
from dfrec_jax.frozen.network import FrozenNetwork
from dfrec_jax.metrics import bootstrap, identity
from dfrec_jax.reports import results, tables

TABLE = "recovery"


def evaluate(workdir: str | os.PathLike[str], *, which: str = "best", seed: int = 0) -> str:
    """Measures one checkpoint on the whole test split; writes `results/results.json` and `tables/recovery.md`.

    IDSIM, PSNR and SSIM are over forgeries; Acc_id is the balanced accuracy over forged and pristine faces.

    Args:
      workdir: of a training run.
      which: `best` by validation IDSIM, `newest`, or a step.
      seed: of the masking noise, the same for every example.

    Returns:
      The Markdown table.
    """
    model = trained.load(workdir, which)
    config = model.config
    metric = perceptors.load_metric_network(config)
    collected = _collect(model, metric, seed)
    records = _records(collected, config, metric.name)
    results.write(records, Path(workdir) / "results" / "results.json")
    text = tables.markdown(tables.RECOVERY, records, _notes(model, metric, collected))
    path = Path(workdir) / "tables" / f"{TABLE}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return text


class Collected(NamedTuple):
    """Every test example's numbers, and what it was: arrays over examples."""

    values: dict[tuple[str, str, str], np.ndarray]
    input_to_recovered: dict[str, np.ndarray]
    examples: dict[str, np.ndarray]


def _collect(model: trained.Trained, metric: FrozenNetwork, seed: int) -> Collected:
    config = model.config

    @jax.jit
    def measure_batch(variables: Any, metric: FrozenNetwork, batch: dict[str, jax.Array]) -> measure.Measured:
        pictures = {k: v.astype(jnp.float32) / 255 if v.dtype == jnp.uint8 else v for k, v in batch.items()}
        return measure.measure(
            model.model,
            variables,
            metric,
            pictures,
            jnp.broadcast_to(jax.random.key(seed), batch["image"].shape[:1]),
            num_patches=config_lib.num_patches(config),
            patch_size=config.tirm.patch_size,
        )

    parts, examples = [], []
    for batch in track(
        pipeline.eval_batches(config, "test", max_examples=config.data.test_examples),
        total=pipeline.num_eval_batches(config, "test", max_examples=config.data.test_examples),
        description="test split",
        console=Console(stderr=True),
    ):
        is_valid = batch.pop("is_valid")
        found = jax.device_get(measure_batch(model.variables, metric, batch))
        parts.append(jax.tree.map(lambda values, rows=is_valid: values[rows], found))
        examples.append({name: rows[is_valid] for name, rows in batch.items() if rows.ndim == 1})
    joined = jax.tree.map(lambda *values: np.concatenate(values), *parts)
    return Collected(*joined, jax.tree.map(lambda *rows: np.concatenate(rows), *examples))


def _records(collected: Collected, config: ConfigDict, network: str) -> list[results.Record]:
    """Records over all attacks together, and of each where there are several."""
    names = pipeline.attack_names(config)
    everything = np.ones_like(collected.examples["is_forgery"])
    records = _records_of("all", everything, collected, config, network)
    for number, name in enumerate(names if len(names) > 1 else ()):
        of_attack = collected.examples["attack"] == number
        records += _records_of(name, of_attack | ~collected.examples["is_forgery"], collected, config, network)
    return records


def _records_of(
    attack: str, chosen: np.ndarray, collected: Collected, config: ConfigDict, network: str
) -> list[results.Record]:
    examples, records = collected.examples, []
    is_forgery = examples["is_forgery"]
    record = partial(results.Record, table=TABLE, dataset=config.data.dataset, attack=attack)
    for (role, row, name), values in collected.values.items():
        counted = chosen & is_forgery & examples[f"has_{role}"]
        if counted.any():
            estimate = bootstrap.mean_with_interval(values[counted], examples[f"{role}_id"][counted])
            measured_by = network if name.startswith("idsim") else ""
            records.append(record(row=row, role=role, metric=name, **estimate._asdict(), network=measured_by))
    for row, similarity in collected.input_to_recovered.items():
        judged_real = identity.judged_real(similarity[chosen])
        scores = {
            "acc_id": identity.balanced_accuracy(judged_real, is_forgery[chosen]),
            "auc_real": identity.area_under_roc(similarity[chosen], ~is_forgery[chosen]),
        }
        for name, value in scores.items():
            if np.isfinite(value):  # pristine faces and forgeries are both there
                records.append(
                    record(row=row, role="target", metric=name, value=value, low=None, high=None,
                           n=int(chosen.sum()), network=network)
                )  # fmt: skip
    return records


def _notes(model: trained.Trained, metric: FrozenNetwork, collected: Collected) -> list[str]:
    config, is_forgery = model.config, collected.examples["is_forgery"]
    low, high = config.data.leak
    notes = [
        f"{is_forgery.sum()} forgeries and {(~is_forgery).sum()} pristine faces of the test split of "
        f"`{config.data.dataset}`, people that training never saw; checkpoint of step {model.step}. IDSIM by "
        f"`{metric.name}`, with 95 % intervals from resampling people; Acc_id balanced over forged and pristine faces "
        f"(real above {identity.REAL_THRESHOLD}). *Region*: the patches that DFREC masks and generates, the same for "
        "every row; for IDSIM all else is gray. *None* is the forgery itself.",
    ]
    if config.data.dataset == "embedded":
        notes.append(f"Share of the target that leaks through the swaps: {low} to {high} (`data.leak`).")
    if metric.is_random:
        notes.append("**The metric network has random weights: no number above means anything.**")
    return notes
