"""The embedded data set: examples as pure functions of (seed, split, index), with people that no two splits share."""

import functools
from collections.abc import Iterable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from dfrec_jax.synthetic import factors, sampling
from dfrec_jax.synthetic.swap import Swap, pristine, swap

DEFAULT_LEAK = (0.15, 0.4)
_COLOUR_MATCH = (0.3, 0.8)  # share of the target's skin tone in the swapped face
Whole = int | Int[Array, ""]
Share = float | Float[Array, ""]
_IDENTITY_STREAM, _EXAMPLE_STREAM = 1, 2


class Split(NamedTuple):
    """A range of identities and the number of examples made of them."""

    first_identity: int
    num_identities: int
    num_examples: int


SPLITS = {
    "train": Split(0, 20_000, 1_000_000),
    "validation": Split(20_000, 2_000, 2_000),
    "test": Split(22_000, 2_000, 2_000),
}


def split_of(name: str) -> Split:
    """The identities and examples of a split.

    Raises:
      ValueError: for an unknown name.
    """
    if name not in SPLITS:
        raise ValueError(f"split={name!r}: must be one of {tuple(SPLITS)}")
    return SPLITS[name]


def identity_of(seed: Whole, index: Whole) -> factors.Identity:
    """Person `index` of the world `seed`."""
    return sampling.sample_identity(_key(seed, _IDENTITY_STREAM, index))


def example(
    index: int,
    split: str,
    *,
    size: int = 64,
    leak_range: tuple[float, float] = DEFAULT_LEAK,
    real_share: float = 0.0,
    scene: str = "usual",
    seed: int = 0,
) -> dict[str, np.ndarray]:
    """One example, drawn on the CPU: the same bytes for the same arguments, alone or in a batch.

    Args:
      index: 0 <= index < `split_of(split).num_examples`.
      split: 'train', 'validation' or 'test'.
      size: of the square pictures, in pixels.
      leak_range: the share of the target that shows through is uniform in it.
      real_share: probability of a pristine face, whose source and target are the face itself and whose mask is 0.
      scene: of `sampling.SCENES`: the same people and poses in another light and in other surroundings.
      seed: of the world: its people and its examples.

    Returns:
      `image`, `source`, `target` uint8 [size, size, 3]; `source_mask` uint8 [size, size, 1], 255 where the source is;
      `landmarks` float32 [5, 2] of `image` (left eye, right eye, nose, left and right corner of the mouth as seen in
      the picture; x, y in pixels); `is_forgery`, `has_source`, `has_target`, `has_mask` bool []; `source_id`,
      `target_id` int32 []; `attack` int32 [], 0; `leak` float32 [], 0 for a pristine face.

    Raises:
      ValueError: for an unknown split, an index outside it, or shares outside [0, 1].
    """
    chosen = split_of(split)
    if not 0 <= index < chosen.num_examples:
        raise ValueError(f"index={index} in split={split!r}: must be from 0 to {chosen.num_examples - 1}")
    if not 0.0 <= leak_range[0] <= leak_range[1] <= 1.0:
        raise ValueError(f"leak_range={leak_range}: must be (low, high) with 0 <= low <= high <= 1")
    if not 0.0 <= real_share <= 1.0:
        raise ValueError(f"real_share={real_share}: must be between 0 and 1")
    ids = _identities(seed, split, index, real_share)
    with jax.default_device(jax.local_devices(backend="cpu")[0]):
        drawn_factors = _draw_factors(seed, _split_number(split), index, ids.source, ids.target, *leak_range, scene)
        if ids.is_forgery:
            drawn, leak = swap(*drawn_factors, size=size), drawn_factors[4]
        else:
            drawn, leak = pristine(drawn_factors[0], drawn_factors[2], size), 0.0
    drawn = jax.tree.map(np.asarray, _to_uint8(drawn))
    return {
        "image": drawn.forgery,
        "source": drawn.source,
        "target": drawn.target,
        "source_mask": drawn.source_mask,
        "landmarks": drawn.landmarks,
        "source_landmarks": drawn.landmarks,  # the source is drawn in the pose of the forgery
        "is_forgery": np.asarray(ids.is_forgery),
        "has_source": np.asarray(True),
        "has_target": np.asarray(True),
        "has_mask": np.asarray(True),
        "source_id": np.asarray(ids.source, np.int32),
        "target_id": np.asarray(ids.target, np.int32),
        "attack": np.asarray(0, np.int32),
        "leak": np.asarray(leak, np.float32),
    }


def is_forgery(index: int, split: str, real_share: float, seed: int = 0) -> bool:
    """Whether `example` draws a swap, without drawing it."""
    return _identities(seed, split, index, real_share).is_forgery


def render_batch(
    indices: Iterable[int],
    split: str,
    *,
    size: int = 64,
    leak_range: tuple[float, float] = DEFAULT_LEAK,
    real_share: float = 0.0,
    seed: int = 0,
) -> dict[str, np.ndarray]:
    """The examples of `indices`, stacked along a first axis; see `example`."""
    drawn = [
        example(int(index), split, size=size, leak_range=leak_range, real_share=real_share, seed=seed)
        for index in indices
    ]
    if not drawn:
        raise ValueError("indices is empty: a batch holds one example or more")
    return {name: np.stack([one[name] for one in drawn]) for name in drawn[0]}


class _Identities(NamedTuple):
    is_forgery: bool
    source: int
    target: int


def _identities(seed: int, split: str, index: int, real_share: float) -> _Identities:
    """Who is in an example; on the host, so that a pristine face costs one drawing and not three."""
    chosen = split_of(split)
    draws = np.random.Generator(np.random.Philox(key=[seed, (_split_number(split) << 48) + index]))
    is_forgery = bool(draws.random() >= real_share)
    source = int(draws.integers(chosen.num_identities))
    other = (source + 1 + int(draws.integers(chosen.num_identities - 1))) % chosen.num_identities
    target = other if is_forgery else source
    return _Identities(is_forgery, chosen.first_identity + source, chosen.first_identity + target)


def _split_number(split: str) -> int:
    return tuple(SPLITS).index(split)


def _key(seed: Whole, *path: Whole) -> Key[Array, ""]:
    key = jax.random.key(seed, impl="threefry2x32")
    for step in path:
        key = jax.random.fold_in(key, step)
    return key


@functools.partial(jax.jit, static_argnames="scene")
def _draw_factors(
    seed: Whole, split: Whole, index: Whole, source: Whole, target: Whole, low: Share, high: Share, scene: str
) -> tuple[factors.Identity, factors.Identity, factors.Attributes, factors.Surroundings, Array, Array]:
    """The arguments of `swap` but the size."""
    keys = jax.random.split(_key(seed, _EXAMPLE_STREAM, split, index), 4)
    return (
        identity_of(seed, source),
        identity_of(seed, target),
        sampling.sample_attributes(keys[0], scene),
        sampling.sample_attributes(keys[1], scene).surroundings,
        jax.random.uniform(keys[2], minval=low, maxval=high),
        jax.random.uniform(keys[3], minval=_COLOUR_MATCH[0], maxval=_COLOUR_MATCH[1]),
    )


@jax.jit
def _to_uint8(drawn: Swap) -> Swap:
    def convert(picture: Array) -> Array:
        return jnp.round(picture * 255.0).astype(jnp.uint8)

    return Swap(*(convert(picture) for picture in drawn[:4]), landmarks=drawn.landmarks)
