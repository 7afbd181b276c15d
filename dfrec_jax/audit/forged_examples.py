"""What training would forge from a prepared data set, for a person to look at: target, source, BI, warped swap."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import UInt8

from dfrec_jax.forging import forge
from dfrec_jax.preparation.stored_forgeries import BATCH, forge_batch
from dfrec_jax.records.prepared import PreparedSplit

COUNT, SIZE = 2 * BATCH, 224


def forged_examples(
    split: PreparedSplit, *, count: int = COUNT, size: int = SIZE, seed: int = 0
) -> UInt8[np.ndarray, "n 4 h w 3"]:
    """Rows of target, source, BI and warped swap of the same two faces.

    Args:
      split: with faces of two people or more.
      count: rows; the faces begin again where there are fewer.
      size: of the pictures in pixels.
      seed: of the choice of faces and of the draws.

    Raises:
      ValueError: where the split has no two faces to forge from.
    """
    if not split.index.partners.size:
        raise ValueError(f"{split.folder}: has no pristine faces of two people with 68 landmarks")
    rng = np.random.default_rng(seed)
    chosen = np.resize(rng.permutation(len(split.faces)), -(-count // BATCH) * BATCH)
    pairs = [split.unforged(int(place), int(rng.integers(2**31)), size) for place in chosen]
    keys = jax.vmap(partial(jax.random.fold_in, jax.random.key(seed)))(jnp.arange(len(pairs)))
    names = ("source", "target", "source_points", "target_points")
    sources, targets, *points = (np.stack([pair[name] for pair in pairs]) for name in names)
    columns = [targets, sources]
    for recipe in (forge.BI, forge.SWAP):
        blocks = [slice(start, start + BATCH) for start in range(0, len(pairs), BATCH)]
        given = (keys, sources, targets, *points)
        made = [forge_batch(recipe, *(value[block] for value in given))[0] for block in blocks]
        columns.append(np.concatenate([np.asarray(pictures) for pictures in made]))
    return np.stack(columns, axis=1)[:count]
