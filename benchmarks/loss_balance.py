"""How hard each term of Eq. 10 pulls at the recovered target's pixels, with norms and with root mean squares.

Run:     python benchmarks/loss_balance.py --full --data=PREPARED
         python benchmarks/loss_balance.py --workdir=RUN [--data=PREPARED] [--perceptual=squeezenet-imagenet]
Does:    takes forgeries of the validation split of a data set of `dfrec prepare faces`, masks them by Algorithm 1 with
         their true masks, and differentiates each term (Eq. 3, 6, 8, 9) by the recovered target. `--full` is the
         paper's size: FaceNet at 160 px, VGG-19 and ResNet-50 at 224 px, on seeded weights where their own are not at
         hand (which is printed). `--workdir` takes size, networks and masking from a run, and its newest checkpoint.
States:  `copy`: the forgery as if it were recovered, where a residual or 'unet' network starts; `grey`: one half in
         every masked patch, where a linear map of small weights to a sigmoid starts; `step N`: what the run recovers.
Prints:  for each term the norm of its gradient, a mean over the examples; times its weight in Eq. 10 with the paper's
         alpha, beta and lambdas, as a multiple of the identity term's; and the weight by which root mean squares pull
         in the same ratio to identity as the norms do. Eq. 8 has no norm: its gradient is the same in both. It may be
         0 on seeded weights, whose logits saturate.
"""

import argparse
import itertools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from ml_collections import ConfigDict

from dfrec_jax import perceptors as perceptors_of
from dfrec_jax.config import defaults
from dfrec_jax.config.defaults import REDUCTIONS
from dfrec_jax.data import pipeline
from dfrec_jax.frozen.network import FaceFeatures, Perceptors
from dfrec_jax.losses import terms
from dfrec_jax.models import dfrec
from dfrec_jax.models.masking import draw_noise
from dfrec_jax.nets.patches import patchify, put_rows, unpatchify
from dfrec_jax.runs import trained

# What a term of the target is multiplied by in Eq. 10: alpha, lambda_1 beta, lambda_2, lambda_3.
PAPER = {"identity": 2.0, "perceptual": 0.5 * 2.0, "attribute": 0.5, "patch": 0.5}


class Forgeries(NamedTuple):
    """Pictures in [0, 1], and the landmarks of the input."""

    image: Array
    target: Array
    source_mask: Array
    landmarks: Array


def main() -> None:
    """Prints a table for each state."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--workdir", default="")
    parser.add_argument("--data", default="")
    parser.add_argument("--perceptual", default="")
    parser.add_argument("--examples", type=int, default=0, help="default: 2 at the full size, else 16")
    arguments = parser.parse_args()
    if arguments.full == bool(arguments.workdir):
        parser.error("give --full or --workdir=RUN")
    run = trained.load(arguments.workdir, "newest") if arguments.workdir else None
    config = defaults.resolve(defaults.dfrec()) if run is None else run.config
    if run is None:
        config.data.dataset, config.frozen.allow_random, config.seed = "faces", True, 0
    config.data.dir = arguments.data or config.data.dir
    config.frozen.perceptual = arguments.perceptual or config.frozen.perceptual
    if config.loss.attribute > 0 or run is None:
        config.loss.attribute = 0.5
    config.data.eval_batch_size = arguments.examples or (2 if run is None else 16)
    networks = perceptors_of.load_perceptors(config)
    given = _forgeries(config)
    for network in filter(None, (networks.identity, networks.perceptual, networks.attributes)):
        print(f"{network.name}: {'seeded weights' if network.is_random else 'its own weights'}")
    print(
        f"{len(given.image)} forgeries at {config.image_size} px, {jax.devices()[0].device_kind}, jax {jax.__version__}"
    )

    network = dfrec.build(config)
    keys = jax.random.split(jax.random.key(config.seed), len(given.image))
    size = config.tirm.patch_size
    idx_mask = network.tirm.mask(given.source_mask, draw_noise(keys, defaults.num_patches(config))).idx_mask
    patches = patchify(given.image, size)
    grey = put_rows(patches, idx_mask, jnp.full((*idx_mask.shape, patches.shape[-1]), 0.5))
    states = {
        "copy": (given.image, idx_mask),
        "grey": (unpatchify(grey, size, config.image_size // size), idx_mask),
    }
    if run is not None:
        output = jax.jit(lambda variables: network.apply(variables, given.image, keys, train=False))(run.variables)
        states[f"step {run.step}"] = (output.target_face, output.idx_mask)
    measure = jax.jit(pulls, static_argnames="patch_size")
    for name, (face, masked) in states.items():
        measured = measure(networks, face, given, masked, patch_size=size)
        print(f"\n{name}\n" + _table({term: [float(value) for value in pair] for term, pair in measured.items()}))


def pulls(
    networks: Perceptors, face: Array, given: Forgeries, idx_mask: Array, *, patch_size: int
) -> dict[str, tuple[Array, ...]]:
    """For each term, the norm of its gradient by `face`, mean over examples, by each of `REDUCTIONS`."""
    reference = networks(given.target, given.landmarks)
    present = ["patch", "identity"]
    present += ["perceptual"] * bool(reference.perceptual) + ["attribute"] * bool(reference.attributes)
    wanted = list(itertools.product(present, REDUCTIONS))

    def values(face: Array) -> Array:
        recovered = networks(face, given.landmarks)
        return jnp.stack([_term(term, face, recovered, reference, reduction) for term, reduction in wanted])

    def _term(term: str, face: Array, recovered: FaceFeatures, reference: FaceFeatures, reduction: str) -> Array:
        each = jnp.ones(len(face))
        if term == "attribute":
            return terms.attribute_loss(recovered.attributes[0], reference.attributes[0], each)
        if term == "patch":
            drawn, true = (
                jnp.take_along_axis(patchify(picture, patch_size), idx_mask[..., None], axis=1)
                for picture in (face, given.target)
            )
            return terms.patch_loss(drawn, true, each, reduction)
        return terms.multi_layer_distance(getattr(recovered, term), getattr(reference, term), each, reduction)

    total, pull = jax.vjp(values, face)
    gradients = jax.lax.map(lambda chosen: pull(chosen)[0], jnp.eye(len(total), dtype=total.dtype))
    # A term is a mean over the examples: the gradient of an example's own value is as many times larger.
    norms = len(face) * jnp.sqrt(jnp.sum(jnp.square(gradients), axis=(2, 3, 4))).mean(axis=1)
    return {term: tuple(norms[wanted.index((term, reduction))] for reduction in REDUCTIONS) for term in present}


def _table(measured: dict[str, list[float]]) -> str:
    lines = [
        "| term | gradient, norms | times its weight, of identity's | gradient, root mean squares "
        "| times its weight, of identity's | literal against root mean squares | weight for the literal ratio |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    identity = {
        reduction: PAPER["identity"] * value for reduction, value in zip(REDUCTIONS, measured["identity"], strict=True)
    }
    for term in (term for term in PAPER if term in measured):  # a jitted function returns them by the alphabet
        pair = measured[term]
        pull = dict(zip(REDUCTIONS, pair, strict=True))
        share = {reduction: PAPER[term] * pull[reduction] / identity[reduction] for reduction in REDUCTIONS}
        change = share["norm"] / share["root_mean_square"] if share["root_mean_square"] else float("nan")
        lines.append(
            f"| {term} | {pull['norm']:.4g} | {share['norm']:.3g} | {pull['root_mean_square']:.4g} "
            f"| {share['root_mean_square']:.3g} | {change:.3g} | {PAPER[term] * change:.3g} |"
        )
    return "\n".join(lines)


def _forgeries(config: ConfigDict) -> Forgeries:
    """The first forgeries of the validation split whose mask is known."""
    found: list[dict[str, np.ndarray]] = []
    count = config.data.eval_batch_size
    for batch in pipeline.eval_batches(config, "validation"):
        fits = batch["is_valid"] & batch["is_forgery"] & batch["has_mask"] & batch["has_target"]
        found += [{name: batch[name][row] for name in Forgeries._fields} for row in np.flatnonzero(fits)]
        if len(found) >= count:
            break
    columns = {name: np.stack([row[name] for row in found[:count]]) for name in Forgeries._fields}
    return Forgeries(
        **{name: jnp.asarray(c / np.float32(255) if c.dtype == np.uint8 else c) for name, c in columns.items()}
    )


if __name__ == "__main__":
    main()
