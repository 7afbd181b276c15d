"""The rows of an evaluation, measured by a recogniser that had no part in anything: dlib's (`dlib_recogniser.py`).

A was in the losses, and B, the metric, chose among pairs of swaps (DFDC's were kept where B gave 0.55 or less), so that
gains by B may be flattered. This measures the recovered faces by neither.

Run:     pip install '.[report]'
         python benchmarks/third_recogniser.py --workdir RUN --checkpoint newest --dataset triplets --data_dir SWAPS \
             --groups index.csv            # every flag is that of evaluate.py
         python benchmarks/third_recogniser.py --network dfrec-small --out W ...   # one that comes with the package
         python benchmarks/third_recogniser.py --check PREPARED     # is it any good on such faces?
Prints:  of every row the cosine and the distance between descriptors of recovered and true target, and of recovered
         target and source; the share that dlib takes for the target (a distance below 0.6); gains over the forgery
         itself with intervals by people, or by the groups of the list. It writes the same below the workdir, or --out.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import request_flags

from dfrec_jax import perceptors
from dfrec_jax.evaluation import collecting, finding, measure, measured_split, output_files, recovery, summary
from dfrec_jax.evaluation.recoverers import COPY, Recovered, run_all, seen
from dfrec_jax.evaluation.request import Request, measured_config
from dfrec_jax.examples import fields
from dfrec_jax.frozen.dlib_recogniser import NAME, SAME, DlibRecogniser
from dfrec_jax.metrics.identity import cosine
from dfrec_jax.models import dfrec
from dfrec_jax.pictures.grid import to_uint8
from dfrec_jax.records import joint
from dfrec_jax.reports import averages, results, tables
from dfrec_jax.reports.progress import progress
from dfrec_jax.runs import shipped, trained

Values = dict[tuple[str, str, str], np.ndarray]
TABLE = tables.FACES._replace(
    columns=(
        tables.Column("idsim", "cosine", 3, with_interval=True),
        tables.Column("idsim_gain", "gain", 3, with_interval=True),
        tables.Column("idsim_other", "cosine to the other", 3),
        tables.Column("distance", "distance", 3, with_interval=True),
        tables.Column("distance_gain", "change", 3, with_interval=True),
        tables.Column("distance_other", "distance to the other", 3),
        tables.Column("same_person", f"below {SAME}", 3),
        tables.Column("same_person_gain", "gain", 3, with_interval=True),
    )
)
CHECKED = 200  # pairs of each kind


def main(argv: list[str]) -> None:
    """Measures, or checks the recogniser."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workdir", default="")
    parser.add_argument("--network", default="", choices=shipped.NAMES, help="comes with the package; needs --out")
    parser.add_argument("--out", default="", help="where results and tables go in place of the workdir")
    parser.add_argument("--check", default="", help="a folder that `dfrec prepare faces` wrote, in place of a run")
    request_flags.add_to(parser)
    asked = vars(parser.parse_args(argv[1:]))
    workdir, network, check, out = (asked.pop(name) for name in ("workdir", "network", "check", "out"))
    if bool(workdir) + bool(network) + bool(check) != 1:
        parser.error(
            "--workdir names a run to be measured, --network one that comes with the package, --check a folder "
            "of faces: one of the three"
        )
    if network and not out:
        parser.error("--network's own folder is not written to: --out=DIR says where its results go")
    if check:
        print(checked(check))
    else:
        folder = shipped.folder(network) if network else Path(workdir)
        print(measured(folder, Path(out or folder), Request(**asked)))


def measured(workdir: Path, out: Path, request: Request) -> str:
    """The table, which is written below `out` too."""
    files = output_files.files(out, request, "third_recogniser")
    network = trained.load(workdir, request.checkpoint)
    output_files.check_free(files.results, request)
    config = measured_config(network.config, request)
    split = measured_split.open_split(config, request)
    recogniser = DlibRecogniser()
    detector = perceptors.load_network(config.frozen.detector, config) if config.frozen.detector else None
    network = network._replace(config=config, model=dfrec.build(config))
    recover = {row.name: row.recover for row in recovery.rows(network, request.verdict)}
    variables = {row.name: row.variables for row in recovery.rows(network, request.verdict)}

    @jax.jit
    def run(variables: Any, batch: Any) -> dict[str, Recovered]:
        pictures = fields.to_float(batch)
        keys = jnp.broadcast_to(jax.random.key(request.seed), pictures["image"].shape[:1])
        return run_all(recover, variables, seen(pictures, keys))

    parts = []
    for batch in progress(split.batches, split.num_batches, "test split, batches"):
        is_counted = batch.pop("is_valid") & batch["is_forgery"]
        if not is_counted.any():
            continue
        if detector is not None:
            for name, role in (("landmarks", "image"), ("source_landmarks", "source")):
                points = finding.find(detector, batch[role]).landmarks
                batch[name] = np.where(np.isnan(points), batch[name], points)
        rows: Any = jax.device_get(run(variables, batch))
        values = dict(similarities(recogniser, rows, batch, is_counted))
        examples = {name: value[is_counted] for name, value in batch.items() if value.ndim == 1}
        parts.append(collecting.Collected(values, {}, None, examples))
    collected = jax.tree.map(lambda *values: np.concatenate(values), *parts)
    split.add_labels(collected.examples)
    records = summary.summarise(collected, split.attacks, config, {"metric": NAME})
    records = [record._replace(network=NAME) for record in records]
    said = f"By {NAME}, of step {network.step}; {len(collected.examples['attack'])} forgeries. `{request.flags()}`"
    text = "\n".join([tables.markdown(TABLE, records), averages.markdown(records), f"{said}\n"])
    measured = {"step": network.step, "forgeries": len(collected.examples["attack"]), "recogniser": NAME}
    results.write(results.Results(request.conditions(), measured, records), files.results)
    tables.write(text, files.table)
    print(f"written: {files.results}, {files.table}", file=sys.stderr)
    return text


def similarities(
    recogniser: DlibRecogniser, rows: dict[str, Recovered], batch: dict[str, np.ndarray], is_counted: np.ndarray
) -> Iterator[tuple[tuple[str, str, str], np.ndarray]]:
    """By role, row and metric, of the counted examples.

    Every face in the frame of the input is aligned by the input's landmarks, so that a blurred one is not also turned.
    """
    image, source, target = (batch[name][is_counted] for name in ("image", "source", "target"))
    places = recogniser.find(image, batch["landmarks"][is_counted])
    source_places = recogniser.find(source, batch["source_landmarks"][is_counted])
    true = {"target": recogniser.embed(target, places), "source": recogniser.embed(source, source_places)}
    for role in measure.OTHER:
        for row, pictures in measure.faces(rows, role).items():
            found = recogniser.embed(to_uint8(np.asarray(pictures))[is_counted], places)
            distance = np.linalg.norm(found - true[role], axis=-1)
            values = {
                "idsim": cosine(found, true[role]),
                "idsim_other": cosine(found, true[measure.OTHER[role]]),
                "distance": distance,
                "distance_other": np.linalg.norm(found - true[measure.OTHER[role]], axis=-1),
                "same_person": np.where(np.isnan(distance), np.nan, distance < SAME),
            }
            for name, value in values.items():
                yield (role, row, name), value
                if row == COPY:
                    yield (role, measure.NONE, name), value


def checked(folder: str, size: int = 128) -> str:
    """How well the recogniser tells people apart on the test faces of a prepared data set."""
    split = joint.open_split(folder, "faces", "test")
    recogniser, rng = DlibRecogniser(), np.random.default_rng(0)
    people = split.index.target_id[split.pristine]
    pairs = {"one person": [], "two people": []}
    for first in rng.permutation(len(people)):
        for kind, others in (("one person", people == people[first]), ("two people", people != people[first])):
            others = np.flatnonzero(others & (np.arange(len(people)) != first))
            if len(others) and len(pairs[kind]) < CHECKED:
                pairs[kind].append((first, rng.choice(others)))
    needed = np.unique([pair for kind in pairs.values() for pair in kind])
    examples = [split.example(int(split.pristine[number]), size) for number in needed]
    pictures, landmarks = (np.stack([example[name] for example in examples]) for name in ("image", "landmarks"))
    found = recogniser.embed(pictures, recogniser.find(pictures, landmarks))
    lines, right = [], []
    for kind, chosen in pairs.items():
        a, b = (found[np.searchsorted(needed, np.array(chosen)[:, side])] for side in (0, 1))
        distance, similarity = np.linalg.norm(a - b, axis=-1), cosine(a, b)
        right.append(np.mean((distance < SAME) == (kind == "one person")))
        lines.append(
            f"{len(chosen)} pairs of {kind}: distance {distance.mean():.3f} +- {distance.std():.3f}, cosine "
            f"{similarity.mean():.3f} +- {similarity.std():.3f}"
        )
    return "\n".join([*lines, f"right at {SAME}: {np.mean(right):.3f}"])


if __name__ == "__main__":
    main(sys.argv)
