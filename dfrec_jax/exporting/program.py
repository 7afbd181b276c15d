"""Recovery as one pure function of variables, pictures and noise: what is exported, and what is checked."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax.traverse_util import unflatten_dict
from jaxtyping import Array, Float
from ml_collections import ConfigDict

from dfrec_jax.config import defaults
from dfrec_jax.models import dfrec
from dfrec_jax.models.masking import generated_region, patch_scores

EXAMPLES = 2  # of `example_inputs`


class Slot(NamedTuple):
    """One input or output of the program, of which the first axis is the batch."""

    shape: tuple[int, ...]  # of one example
    dtype: str
    lowest: float | None
    highest: float | None
    words: str


Program = Callable[[Mapping[str, Any], Array, Array], dict[str, Array]]


def program_of(config: ConfigDict) -> Program:
    """`(variables, image, noise) -> outputs`, as `dfrec recover` has it; `slots` says what the outputs are.

    Variables are flat, by their paths. Algorithm 1's noise is an input, so that nothing in the program is drawn.
    """
    network = dfrec.build(config)
    size, num_patches = config.tirm.patch_size, defaults.num_patches(config)

    def program(variables: Mapping[str, Any], image: Array, noise: Array) -> dict[str, Array]:
        nested = unflatten_dict(dict(variables), sep="/")
        output: Any = network.apply(nested, image, None, train=False, noise=noise)
        scores = patch_scores(output.used_map, size)
        outputs = {
            "source": output.source_face,
            "target": output.target_face,
            "map": output.used_map,
            "generated": generated_region(output.idx_mask, num_patches, size),
            "is_marked": jnp.max(scores, axis=-1) >= config.tirm.patch_threshold,
        }
        if output.logit is not None:
            outputs["score"] = jax.nn.sigmoid(output.logit)
        return outputs

    return program


def slots(config: ConfigDict) -> tuple[dict[str, Slot], dict[str, Slot]]:
    """Inputs and outputs of `program_of`, by name."""
    side = config.image_size
    picture, map_ = (side, side, 3), (side, side, 1)
    inputs = {
        "image": Slot(picture, "float32", 0.0, 1.0, "the face as the network sees it, RGB, levels / 255"),
        "noise": Slot(
            (defaults.num_patches(config),), "float32", 0.0, 1.0, "of Algorithm 1, uniform, 1 excluded, one a patch"
        ),
    }
    outputs = {
        "source": Slot(picture, "float32", 0.0, 1.0, "the recovered source face, RGB"),
        "target": Slot(picture, "float32", 0.0, 1.0, "the recovered target face, RGB; the input where not generated"),
        "map": Slot(map_, "float32", 0.0, 1.0, "that a pixel is source face; no calibrated probability"),
        "generated": Slot(map_, "float32", 0.0, 1.0, "1 on the pixels of the target that were generated"),
        "is_marked": Slot(
            (), "bool", None, None, "whether the map marks a patch at all; where not, status is `undetected`"
        ),
    }
    if config.ism.enabled and config.ism.classifier:
        outputs["score"] = Slot((), "float32", 0.0, 1.0, "of the picture being a forgery; uncalibrated, no probability")
    return inputs, outputs


def noise_of_seed(config: ConfigDict, seed: int, count: int) -> Float[np.ndarray, "_ _"]:
    """What `dfrec recover --seed` draws for each picture: the same row `count` times."""
    row = jax.random.uniform(jax.random.key(seed), (defaults.num_patches(config),))
    return np.tile(np.asarray(row), (count, 1))


def example_inputs(config: ConfigDict) -> dict[str, np.ndarray]:
    """Pictures of coloured squares under grain, and the noise of seed 0: what a program can check itself by."""
    side, rng = config.image_size, np.random.default_rng(0)
    squares = np.kron(rng.integers(0, 256, (EXAMPLES, 4, 4, 3)), np.ones((1, side // 4, side // 4, 1)))
    squares = np.pad(squares, ((0, 0), (0, side % 4), (0, side % 4), (0, 0)), mode="edge")
    levels = np.clip(squares + rng.integers(-20, 21, (EXAMPLES, side, side, 3)), 0, 255)
    return {"image": (levels / 255).astype(np.float32), "noise": noise_of_seed(config, 0, EXAMPLES)}
