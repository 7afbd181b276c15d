"""Forgeries for the validation and test splits of a set of pristine faces, made once so that results compare.

Training forges on the fly. What is measured on must stay the same, so it is stored: for each pristine face as target
one warped swap from a partner, keyed by (seed, split, number).
"""

import zlib
from collections.abc import Callable, Iterator
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key, UInt8

from dfrec_jax.forging.forge import SWAP, Recipe, draw_forging, forge
from dfrec_jax.records import schema
from dfrec_jax.records.index import Index

ATTACK = "warped_swap"
BATCH = 16


@partial(jax.jit, static_argnames="recipe")
def forge_batch(
    recipe: Recipe,
    keys: Key[Array, " b"],
    sources: UInt8[Array, "b h w 3"],
    targets: UInt8[Array, "b h w 3"],
    source_points: Float[Array, "b 68 2"],
    target_points: Float[Array, "b 68 2"],
) -> list[UInt8[Array, "b h w _"]]:
    """A forgery of each pair and its soft mask, as levels of 0..255."""

    def one(key, source, target, from_points, to_points):
        forged = forge(recipe, draw_forging(key, recipe), source, target, from_points, to_points)
        return forged.image, forged.source_mask

    sources, targets = (pictures.astype(jnp.float32) / 255 for pictures in (sources, targets))
    images, masks = jax.vmap(one)(keys, sources, targets, source_points, target_points)
    return [jnp.round(picture * 255).astype(jnp.uint8) for picture in (images, masks)]


def forgeries(
    read: Callable[[int], schema.Record], index: Index, split: str, *, seed: int, quality: int, limit: int
) -> Iterator[schema.Record]:
    """One warped swap for each pristine face of the split, `limit` at most.

    Args:
      read: the record of a number.
      index: of the pristine records.
      split: whose name is in the key, so that splits draw differently.
      seed: of the draws and the choice of partners.
      quality: of the JPEG files.
      limit: the most to make.
    """
    if not index.partners.size:
        return
    key = jax.random.fold_in(jax.random.key(seed), zlib.crc32(split.encode()))
    rng = np.random.default_rng([seed, zlib.crc32(split.encode())])
    chosen = rng.permutation(len(index.faces))[:limit]
    partner = index.partners[chosen, rng.integers(index.partners.shape[1], size=len(chosen))]
    for start in range(0, len(chosen), BATCH):
        rows = slice(start, start + BATCH)
        targets = [read(int(index.faces[place])) for place in chosen[rows]]
        sources = [read(int(index.faces[place])) for place in partner[rows]]
        keys = jax.vmap(partial(jax.random.fold_in, key))(jnp.arange(start, start + len(targets)))
        padding = BATCH - len(targets)  # one shape, compiled once
        padded = [role + role[:1] * padding for role in (sources, targets)]
        pictures = (np.stack([schema.decode(record["image"]) for record in role]) for role in padded)
        points = (np.stack([record["points"] for record in role]) for role in padded)
        images, masks = forge_batch(SWAP, keys[np.minimum(np.arange(BATCH), len(targets) - 1)], *pictures, *points)
        for source, target, image, mask in zip(sources, targets, np.asarray(images), np.asarray(masks), strict=False):
            yield _record(source, target, image, mask, quality)


def _record(
    source: schema.Record, target: schema.Record, image: np.ndarray, mask: np.ndarray, quality: int
) -> schema.Record:
    names = {key: target[key].decode() for key in ("target_identity", "origin")}
    return {
        **target,
        "image": schema.encode_jpeg(image, quality),
        "source": source["image"],
        "target": target["image"],
        "mask": schema.encode_mask(mask),
        "label": schema.SWAP,
        "attack": ATTACK,
        "source_identity": source["source_identity"].decode(),
        "target_identity": names["target_identity"],
        "origin": f"{ATTACK}: {source['origin'].decode()} on {names['origin']}",
        "source_origin": source["origin"].decode(),
        "target_origin": names["origin"],
        "source_landmarks": source["landmarks"],
        "signature": schema.NO_SIGNATURE,
    }
