"""Does a network give back people of its training? Recovered test faces beside everybody whom training saw.

Of each recovered target: its cosine to the true target, and to the nearest person of training; beside them, how near
the true target itself is to a person of training, which is what two strangers of such faces come to. A network that
draws people whom it remembers has the second above the third.

Run:     python benchmarks/memorisation.py --network drawn --people 4000
         python benchmarks/memorisation.py --workdir RUN --data_dir LFW --dataset faces --forge --examples 100
         (every other flag is that of evaluate.py; the training data are the run's own, or --train_dir)
Prints:  the medians with intervals by people, and of how many faces the nearest of training is nearer than the true
         target. It writes nothing.
"""

import argparse
import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import request_flags

from dfrec_jax import perceptors
from dfrec_jax.data import pipeline
from dfrec_jax.evaluation import measured_split, recoverers
from dfrec_jax.evaluation.request import Request, measured_config
from dfrec_jax.examples import fields
from dfrec_jax.metrics import bootstrap
from dfrec_jax.models import dfrec
from dfrec_jax.reports.progress import progress
from dfrec_jax.runs import shipped, trained


def main(argv: list[str]) -> None:
    """Measures a network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workdir", default="")
    parser.add_argument("--network", default="")
    parser.add_argument("--train_dir", default="", help="the training data, where they are not where config.json says")
    parser.add_argument("--people", type=int, default=0, help="at most so many pictures of training (default: all)")
    request_flags.add_to(parser)
    asked = vars(parser.parse_args(argv[1:]))
    workdir = shipped.chosen(asked.pop("workdir"), asked.pop("network"))
    train_dir, people = asked.pop("train_dir"), asked.pop("people")
    request = Request(**asked)
    network = trained.load(workdir, request.checkpoint)
    config = measured_config(network.config, request)
    recogniser = perceptors.load_metric_network(config)
    found, true, ids = _of_test(network._replace(config=config, model=dfrec.build(config)), recogniser, request)
    training = network.config.copy_and_resolve_references()
    training.data.dir = train_dir or training.data.dir
    gallery, names = _of_training(training, recogniser, people)
    print(said(found, true, ids, gallery, names, recogniser.name))


def said(
    found: np.ndarray, true: np.ndarray, ids: np.ndarray, gallery: np.ndarray, names: np.ndarray, recogniser: str
) -> str:
    """What is printed: of embeddings [n, d] of recovered and true targets, and [m, d] of training, all of length 1.

    Args:
      found: of recovered targets.
      true: of the true ones.
      ids: who they are [n].
      gallery: of pictures of training.
      names: who they are [m].
      recogniser: by which.
    """
    own = np.sum(found * true, axis=-1)
    nearest, base = np.max(found @ gallery.T, axis=-1), np.max(true @ gallery.T, axis=-1)
    rows = {
        "recovered face and true target": own,
        "recovered face and the nearest person of training": nearest,
        "true target and the nearest person of training": base,
        "nearest of training: recovered less true": nearest - base,
    }
    lines = [
        f"{len(found)} recovered faces of {len(np.unique(ids))} people, {len(gallery)} pictures of "
        f"{len(np.unique(names))} people of training, cosine by {recogniser}"
    ]
    for words, values in rows.items():
        median = bootstrap.statistic_with_interval(lambda rows, values=values: float(np.median(values[rows])), ids)
        interval = "" if median.low is None else f" [{median.low:.3f}, {median.high:.3f}]"
        lines.append(f"median, {words}: {median.value:.3f}{interval}")
    lines.append(f"nearer to somebody of training than to the true target: {np.mean(nearest > own):.3f}")
    return "\n".join(lines)


def _of_test(network: trained.Trained, recogniser: Any, request: Request) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Embeddings of recovered and true targets of the forgeries of the test split, and who they are."""
    split = measured_split.open_split(network.config, request)
    row = recoverers.dfrec(network, request.verdict)

    @jax.jit
    def run(variables: Any, recogniser: Any, batch: Any) -> Any:
        pictures = fields.to_float(batch)
        keys = jnp.broadcast_to(jax.random.key(request.seed), pictures["image"].shape[:1])
        target = row.recover(variables, recoverers.seen(pictures, keys)).target
        return [recogniser(face, batch["landmarks"])["embedding"] for face in (target, pictures["target"])]

    parts = []
    for batch in progress(split.batches, split.num_batches, "test split, batches"):
        is_counted = batch.pop("is_valid") & batch["is_forgery"] & batch["has_target"]
        if is_counted.any():
            both = jax.device_get(run(row.variables, recogniser, batch))
            parts.append((*(each[is_counted] for each in both), batch["target_id"][is_counted]))
    found, true, ids = (np.concatenate(each) for each in zip(*parts, strict=True))
    is_seen = np.isfinite(found).all(-1) & np.isfinite(true).all(-1)
    return found[is_seen], true[is_seen], ids[is_seen]


def _of_training(config: Any, recogniser: Any, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings of the targets of training, and who they are."""
    config.data.eval_batch_size = 64
    embed = jax.jit(lambda recogniser, pictures, landmarks: recogniser(pictures, landmarks)["embedding"])
    total, parts = pipeline.num_eval_batches(config, "train", max_examples=most), []
    batches = pipeline.eval_batches(config, "train", max_examples=most)
    for batch in progress(batches, total, "training split, batches"):
        pictures = np.float32(batch["target"]) / 255.0
        found = np.asarray(embed(recogniser, pictures, batch["landmarks"]))
        is_counted = batch["is_valid"] & np.isfinite(found).all(-1)
        parts.append((found[is_counted], batch["target_id"][is_counted]))
    gallery, names = (np.concatenate(each) for each in zip(*parts, strict=True))
    return gallery, names


if __name__ == "__main__":
    main(sys.argv)
