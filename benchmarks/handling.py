"""Is a picture taken for a swap for how it was handled? The head on real faces and swaps, resized, blurred, coded.

Pristine faces and recorded swaps of a test split, as they are and handled alike. A head that looks at the swap says of
a resized photograph what it said of the photograph; one that has learned that forgeries were resampled in the making
does not, and is no better than chance where the handling differs (docs/experiments.md, 42).

Run:     python benchmarks/handling.py --network dfrec-small --dataset faces --data_dir LFW [--examples 320]
         python benchmarks/handling.py --workdir RUN --checkpoint newest ...       (every other flag is evaluate.py's)
Prints:  for each handling the mean probability of a forgery and the share above a half, of pristine faces and of swaps;
         the area under the curve that tells swaps from faces that were handled alike, and swaps as they are from faces
         so handled. It writes nothing.
"""

import argparse
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import request_flags

from dfrec_jax.evaluation import measured_split, perturbations
from dfrec_jax.evaluation.request import Request, measured_config
from dfrec_jax.forging.perturbing import lose_resolution
from dfrec_jax.metrics.identity import area_under_roc
from dfrec_jax.models import dfrec
from dfrec_jax.pictures.grid import to_uint8
from dfrec_jax.reports.progress import progress
from dfrec_jax.runs import shipped, trained

Handle = Callable[[np.ndarray, np.ndarray], np.ndarray]  # (uint8 pictures, numbers of the examples) -> pictures
SHARES = (0.9, 0.75, 0.6)


def main(argv: list[str]) -> None:
    """Measures a network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workdir", default="")
    parser.add_argument("--network", default="")
    request_flags.add_to(parser)
    asked = vars(parser.parse_args(argv[1:]))
    workdir, request = shipped.chosen(asked.pop("workdir"), asked.pop("network")), Request(**asked)
    network = trained.load(workdir, request.checkpoint)
    ism = network.config.ism
    if not (ism.enabled and ism.classifier):
        parser.error(
            f"{workdir} has no classification head (ism.enabled={ism.enabled}, ism.classifier={ism.classifier}): it "
            "says of no picture whether it is a swap; name a network that does"
        )
    config = measured_config(network.config, request)
    found, is_forgery = probabilities(network._replace(config=config, model=dfrec.build(config)), request)
    print(f"{network.step} steps; {(~is_forgery).sum()} pristine faces, {is_forgery.sum()} swaps")
    print("| handled | pristine: probability | above 0.5 | swaps | above 0.5 | AUC, alike | AUC, swaps as they are |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    plain = found["as they are"]
    for name, values in found.items():
        groups = [value for group in (values[~is_forgery], values[is_forgery]) for value in (group, group > 0.5)]
        pristine = np.where(is_forgery, plain, values)
        areas = (area_under_roc(values, is_forgery), area_under_roc(pristine, is_forgery))
        print(f"| {name} |", *(f"{np.mean(group):.2f} |" for group in groups), *(f"{area:.3f} |" for area in areas))


def handlings(seed: int) -> dict[str, Handle]:
    """Resizing there and back, and the three of Table V."""
    resize = jax.jit(jax.vmap(lose_resolution, (0, None)))
    resized = {f"resized to {share}": partial(_resized, resize, share) for share in SHARES}
    table = {name: partial(_perturbed, one, seed) for name, one in perturbations.PERTURBATIONS.items()}
    return {"as they are": lambda pictures, numbers: pictures} | resized | table


def _resized(resize: Any, share: float, pictures: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    del numbers
    return to_uint8(np.asarray(resize(np.float32(pictures) / 255, share)))


def _perturbed(
    perturbation: perturbations.Perturbation, seed: int, pictures: np.ndarray, numbers: np.ndarray
) -> np.ndarray:
    return perturbations.perturb(perturbation, pictures, numbers, np.ones(len(numbers), bool), seed)


def probabilities(network: trained.Trained, request: Request) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """By handling, the probability of each example, and which of them are forgeries."""

    @jax.jit
    def logits(variables: Any, pictures: jax.Array) -> jax.Array:
        keys = jnp.broadcast_to(jax.random.key(request.seed), pictures.shape[:1])
        return network.model.apply(variables, jnp.float32(pictures) / 255, keys, train=False).logit

    split = measured_split.open_split(network.config, request)
    handled = handlings(request.seed)
    found: dict[str, list[np.ndarray]] = {name: [] for name in handled}
    is_forgery = []
    for batch in progress(split.batches, split.num_batches, "test split, batches"):
        is_valid = batch["is_valid"]
        is_forgery.append(batch["is_forgery"][is_valid])
        for name, handle in handled.items():
            made = np.asarray(logits(network.variables, handle(batch["image"], batch["number"])))
            found[name].append(1 / (1 + np.exp(-made.reshape(len(is_valid))[is_valid])))
    return {name: np.concatenate(parts) for name, parts in found.items()}, np.concatenate(is_forgery)


if __name__ == "__main__":
    main(sys.argv)
