"""Streams of random numbers by name: what two parts of training draw never comes from one key.

`jax.random.split(key, n)[i]` is `fold_in(key, i)`, so that keys made by splitting here and by counting there meet. Each
stream of training is the run's, or the step's, key folded with a number of its own that no count reaches.
"""

import zlib

import jax
from jaxtyping import Key

STREAMS = (
    "examples",  # of the run: forging and augmentation, folded with the number of the example
    "steps",  # of the run: what a step draws, folded with its number
    "masks",  # of a step: Algorithm 1's noise
    "dropout",  # of a step
    "known maps",  # of a step: whose known mask takes the map's place
    "hidden regions",  # of a step: whose region is hidden
    "identities",  # of a step: the noise of the identities that the TIRM is told, and who is told none
    "looked at",  # of a step: the rows that the frozen networks of the losses look at
    "white noise",  # of a step: RECCE's, on its input
    "diffusion",  # of a step: the times of a denoiser's examples, and their noise
    "facial parts",  # of a step: what Delocate-min hides
    "augmentation",  # of a step: of the attribute classifier
)


def stream(key: Key[jax.Array, ""], name: str) -> Key[jax.Array, ""]:
    """The key of one of `STREAMS`. Raises ValueError for another name."""
    if name not in STREAMS:
        raise ValueError(f"{name!r}: no stream; they are {STREAMS}")
    return jax.random.fold_in(key, zlib.crc32(name.encode()))
