"""The attribute classifier of a workdir on the test split: balanced accuracy of each attribute, and their mean."""

import os
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.data import labelled_faces, pipeline
from dfrec_jax.evaluation import output_files, spread, unfinished
from dfrec_jax.evaluation.request import AS_TRAINED, Request
from dfrec_jax.frozen.attributes import ATTRIBUTES
from dfrec_jax.metrics.attributes import Balanced, balanced_accuracy
from dfrec_jax.reports import intervals, results, tables
from dfrec_jax.reports.progress import progress
from dfrec_jax.runs import classifier, compiling
from dfrec_jax.weights.digest import sha256_of_variables

TABLE = "attributes"


def evaluate(workdir: str | os.PathLike[str], request: Request = AS_TRAINED) -> str:
    """Measures one checkpoint on the whole test split; writes `results/attributes.json` and `tables/attributes.md`.

    Args:
      workdir: of a run of `configs/attributes.py`.
      request: its name, checkpoint and seed (of the resampling of people for the interval).

    Returns:
      The Markdown table.

    Raises:
      CheckpointError: as `classifier.load`.
      ConfigError: for a request that asks for more, a name under which other results stand, or a split in which no
        attribute has both values.
    """
    if beyond := request._replace(checkpoint=AS_TRAINED.checkpoint, seed=AS_TRAINED.seed).flags():
        raise ConfigError(
            f"{beyond}: {workdir} holds a classifier, which is measured on its own test split only; leave it out"
        )
    written = output_files.files(Path(workdir), request, TABLE)
    trained = classifier.load(workdir, request.checkpoint)
    output_files.check_free(written.results, request)
    faces = labelled_faces.open_split(trained.config, "test")
    labelled_faces.check_measurable(faces, "test", len(faces), trained.config)
    kept = unfinished.of(written.results, _made_of(trained))
    measured = balanced_accuracy(*_outputs(trained, faces, kept), seed=request.seed)
    dataset, name = trained.config.data.dataset, trained.config.network
    text = _markdown(measured, (
        f"{len(faces)} pictures of {len(np.unique(faces.identities))} people of the test split of "
        f"`{dataset}`; `{name}`, checkpoint of step {trained.step}. Balanced accuracy: the mean of "
        "the shares told rightly among pictures with and without the attribute; 50 % is chance. A dash: one of "
        "the two does not occur. The interval of the mean (95 %) is from resampling people."
    ))  # fmt: skip
    of_what = {"step": trained.step, "dataset": dataset, "pictures": len(faces)}
    if spread.is_first_host():
        records = _records(measured, dataset, name)
        results.write(results.Results(request.conditions(), of_what, records), written.results)
        tables.write(text, written.table)
        kept.remove()
    return text


def _made_of(trained: classifier.Classifier) -> dict[str, Any]:
    """What the logits depend on, but for the pictures."""
    return {"weights": sha256_of_variables(trained.variables), "config": trained.config.to_json()}


def _outputs(
    trained: classifier.Classifier, faces: labelled_faces.LabelledFaces, kept: unfinished.Unfinished
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logits, labels and people of every picture; those of each batch are kept."""

    def logits_of(variables: Any, images: jax.Array) -> jax.Array:
        return trained.blueprint.features(variables, jnp.float32(images) / 255, None)["logits"]

    run = compiling.announced(jax.jit(logits_of), "the classifier", spread.is_first_host())
    rows, config = labelled_faces.EvaluationRows(faces), trained.config
    devices = spread.over_all_devices(config.data.eval_batch_size)
    variables, parts = devices.everywhere(trained.variables), []
    num_batches = -(-len(faces) // config.data.eval_batch_size)
    batches = pipeline.batches_of(rows, len(faces), config, **spread.hosts())
    if spread.is_first_host():
        kept.say(num_batches)
    said = progress(batches, num_batches, "test split, batches", is_shown=spread.is_first_host())
    for number, batch in enumerate(said):
        inputs = unfinished.digests(batch)
        there = kept.read(number, inputs)
        if there is None:
            logits = devices.fetch(run(variables, devices.rows(batch["image"])))
            is_valid, *known = spread.together([batch[name] for name in ("is_valid", "attributes", "identity")])
            found = zip(("logits", "labels", "people"), (logits, *known), strict=True)
            there = unfinished.Kept({(name,): values[is_valid] for name, values in found})
            kept.write(number, inputs, there)
        parts.append([there.arrays[name,] for name in ("logits", "labels", "people")])
    logits, labels, people = (np.concatenate(part) for part in zip(*parts, strict=True))
    return logits, labels, people


def _records(measured: Balanced, dataset: str, network: str) -> list[results.Record]:
    def record(row: str, value: float, low: float | None, high: float | None, n: int) -> results.Record:
        return results.Record(TABLE, row, dataset, "all", "", "balanced_accuracy", value, low, high, n, network)

    rows = zip(ATTRIBUTES, measured.each, measured.num_known, strict=True)
    each = [record(name, float(value), None, None, int(n)) for name, value, n in rows if np.isfinite(value)]
    return [record("mean", measured.mean, measured.low, measured.high, int(measured.num_known.max())), *each]


def _markdown(measured: Balanced, note: str) -> str:
    low, high = (None if end is None else 100 * end for end in (measured.low, measured.high))
    interval = intervals.text(low, high, measured.num_people, 1)
    num_measured = int(np.isfinite(measured.each).sum())
    lines = [
        "| attribute | with it | without | balanced accuracy, % |",
        "|---|---:|---:|---:|",
        f"| **mean of {num_measured}** | | | **{100 * measured.mean:.1f}** {interval} |",
    ]
    for name, value, positive, known in zip(
        ATTRIBUTES, measured.each, measured.num_positive, measured.num_known, strict=True
    ):
        cell = f"{100 * value:.1f}" if np.isfinite(value) else "-"
        lines.append(f"| {name} | {positive} | {known - positive} | {cell} |")
    notes = [note, *(intervals.reasons([measured.num_people]) if low is None else [])]
    return "\n".join(lines) + "".join(f"\n\n{note}" for note in notes) + "\n"
