"""Harmonised warped swaps (`forging/neural/`), measured: are they swaps, by a recogniser that nobody trained against?

Run:     python benchmarks/neural_swaps.py --workdir runs/autoencoder [--data_dir PREPARED --pairs 200]
Prints:  of pairs of people of the test split, whom the autoencoder never saw, for harmonised swaps, the same without
         the autoencoder, and warped swaps with nothing left: cosine to source and target by A and by B, with intervals
         by people; in how many a face is found, and with landmarks within a tenth of the eyes' distance.
         They count as swaps where B says: source at least 0.35, target from 0.1 to 0.45.
Writes:  a sheet to look at, WORKDIR/neural_swaps.png.
"""

import argparse
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from dfrec_jax import perceptors
from dfrec_jax.data import completion, forged, mixture, pipeline, rows
from dfrec_jax.evaluation import finding
from dfrec_jax.metrics.bootstrap import mean_with_interval
from dfrec_jax.metrics.identity import cosine
from dfrec_jax.pictures import grid
from dfrec_jax.reports import intervals
from dfrec_jax.runs import autoencoder

NETWORKS = {"A": "mobilefacenet-xiaoccer", "B": "mobilefacenet-foamliu"}
DETECTOR = "retinaface-mobile025"
SOURCE, TARGET = 0.35, (0.1, 0.45)  # cosines by B between which a picture counts as a swap
SHOWN = 12


def main() -> None:
    """Prints the figures and writes the sheet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workdir", required=True)
    parser.add_argument("--data_dir", default="", help="faces of `dfrec prepare`; by default those of the run")
    parser.add_argument("--checkpoint", default="best", help="best by validation, newest, or a step")
    parser.add_argument("--pairs", type=int, default=200)
    asked = parser.parse_args()
    network = autoencoder.load(asked.workdir, asked.checkpoint)
    config = network.config.copy_and_resolve_references()
    config.data.dir = asked.data_dir or config.data.dir
    config.data.eval_batch_size = min(20, asked.pairs)
    split = mixture.split_of(config, "test")
    order = np.random.default_rng(forged.SEED).permutation(len(split.faces))
    autoencode = completion.neural_forger(network.autoencode(), network.size)
    kinds = {
        "harmonised warped swap": (rows.NEURAL, autoencode),
        "the same, not drawn anew": (rows.NEURAL, completion.neural_forger(lambda face: face, network.size)),
        "warped swap, nothing left": (rows.SWAP, None),
    }
    recognisers = {name: perceptors.load_network(registered, config) for name, registered in NETWORKS.items()}
    detector = perceptors.load_network(DETECTOR, config)
    embed = jax.jit(lambda network, pictures, five: network(jnp.float32(pictures) / 255, five)["embedding"])
    columns: list[np.ndarray] = []
    for name, (kind, harmonise) in kinds.items():
        complete = jax.jit(
            completion.make_completion(
                kinds=(kind,) * config.data.eval_batch_size,
                num_groups=1,
                leak=(0.0, 0.0),
                harmonise=harmonise,
            )
        )
        pair = partial(_pair, split, order, config.image_size, kind)
        parts = []
        for batch in pipeline.batches_of(pair, min(asked.pairs, len(order)), config):
            is_valid = batch.pop("is_valid")
            batch.pop("number")
            made: Any = jax.device_get(complete(batch, jax.random.key(forged.SEED)))
            parts.append({key: np.asarray(value)[is_valid] for key, value in made.items()})
        made = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
        columns = columns or [made["target"][:SHOWN], made["source"][:SHOWN]]
        columns.append(made["image"][:SHOWN])
        _print(name, made, recognisers, embed, detector, config.data.eval_batch_size)
    path = Path(asked.workdir) / "neural_swaps.png"
    shown = [np.float32(column) / 255 for column in columns]
    grid.save(grid.grid(list(zip(*shown, strict=True)), ("target", "source", *kinds)), path)
    print(f"{network.step} steps, {_parameters(network)} parameters; {path}")


def _pair(split: Any, order: np.ndarray, size: int, kind: int, row: int) -> dict[str, Any]:
    place = int(order[row])
    choice = int(np.random.default_rng([forged.SEED, place]).integers(2**31))
    return {**split.unforged(place, choice, size), "kind": np.int32(kind), "example": np.uint32(place)}


def _print(
    name: str, made: dict[str, np.ndarray], recognisers: dict[str, Any], embed: Any, detector: Any, batch: int
) -> None:
    found, true = (finding.find(detector, made[role]) for role in ("image", "target"))
    in_place = finding.displacement(found.landmarks, true.landmarks) < finding.IN_PLACE
    print(f"{name}: face found {found.is_found.mean():.3f}, landmarks in place {in_place.mean():.3f}")
    landmarks = {role: made[role] for role in ("landmarks", "source_landmarks")}
    for letter, recogniser in recognisers.items():
        embeddings = {
            role: np.concatenate([
                embed(recogniser, made[role][start : start + batch], landmarks[five][start : start + batch])
                for start in range(0, len(made[role]), batch)
            ])
            for role, five in (("image", "landmarks"), ("target", "landmarks"), ("source", "source_landmarks"))
        }  # fmt: skip
        said, counts = [], np.ones(len(made["image"]), bool)
        for role in ("source", "target"):
            similarity = cosine(embeddings["image"], embeddings[role])
            mean = mean_with_interval(similarity, made["target_id"])
            low, high = (SOURCE, 1.0) if role == "source" else TARGET
            counts &= (low <= similarity) & (similarity <= high)
            said.append(f"to the {role} {mean.value:.3f} {intervals.text(mean.low, mean.high, mean.clusters, 3)}")
        print(f"  by {letter}: {', '.join(said)}; {counts.mean():.2f} of them between the limits")


def _parameters(network: autoencoder.Autoencoder) -> int:
    return sum(leaf.size for leaf in jax.tree.leaves(network.variables["params"]))


if __name__ == "__main__":
    main()
