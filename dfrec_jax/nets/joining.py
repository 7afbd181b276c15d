"""Rows of several batches as one batch of a network, each row on the device that holds it.

`jnp.concatenate` puts the batches one after another. Of batches that are split over devices in equal blocks most rows
then belong on another device: the compiler sends pictures there and every feature back, and holds a copy of each.
"""

import math
from collections.abc import Sequence

import jax.numpy as jnp
from jaxtyping import Array, Shaped


def join(parts: Sequence[Shaped[Array, "_ ..."]]) -> Shaped[Array, "n ..."]:
    """All rows, group by group: in each group equally many rows of the first part, then of the second, and so on.

    There are as many groups as the greatest common divisor of the parts' lengths. Devices whose number divides it, and
    each of which holds an equal block of every part, hold whole groups.
    """
    lengths = [len(part) for part in parts]
    grouped = [_grouped(part, math.gcd(*lengths)) for part in parts]
    return jnp.concatenate(grouped, axis=1).reshape(sum(lengths), *parts[0].shape[1:])


def part_of(joined: Shaped[Array, "n ..."], lengths: Sequence[int], place: int) -> Shaped[Array, "_ ..."]:
    """The rows of part number `place`, in their own order, of what `join` made of parts of such `lengths`."""
    groups = math.gcd(*lengths)
    begin, length = sum(lengths[:place]) // groups, lengths[place]
    rows = _grouped(joined, groups)[:, begin : begin + length // groups]
    return rows.reshape(length, *joined.shape[1:])


def _grouped(value: Array, groups: int) -> Array:
    return value.reshape(groups, len(value) // groups, *value.shape[1:])
