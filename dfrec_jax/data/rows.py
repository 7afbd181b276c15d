"""Which example stands in which row of which training batch: a function of (seed, step, row) and of nothing else."""

import functools
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

# Pristine; a forgery as recorded; BI and warped swap, forged on the device; the original of a recorded one, pristine; a
# photograph whose face is to be hidden; a harmonised warped swap, forged on the device by the autoencoder of faces.
REAL, RECORDED, BI, SWAP, ORIGINAL, PHOTOGRAPH, NEURAL = range(7)
KINDS = ("real", "recorded", "bi", "swap", "original", "photograph", "neural")
_MASK = 2**64 - 1


def row_kinds(batch_size: int, shares: dict[int, float]) -> tuple[int, ...]:
    """The kind of each row of every batch, each kind spread evenly so that every device gets its share.

    Args:
      batch_size: over all hosts.
      shares: of each kind; they add up to 1. Counts are the shares rounded by largest remainder.

    Raises:
      ValueError: where a kind with a share gets no row.
    """
    kinds = sorted(shares)
    exact = np.array([shares[kind] * batch_size for kind in kinds])
    counts = np.floor(exact + 1e-9).astype(int)
    for place in np.argsort(counts - exact, kind="stable")[: batch_size - counts.sum()]:
        counts[place] += 1
    for kind, count in zip(kinds, counts, strict=True):
        if shares[kind] > 0 and count == 0:
            raise ValueError(
                f"train.batch_size={batch_size}: a share of {shares[kind]:g} of {KINDS[kind]} examples is less than "
                f"one row; use a batch of {int(np.ceil(1 / shares[kind]))} or more, or the share 0"
            )
    rows, placed = [], np.zeros(len(kinds))
    for row in range(batch_size):
        behind = np.where(placed < counts, counts * (row + 1) / batch_size - placed, -np.inf)
        place = int(np.argmax(behind))
        placed[place] += 1
        rows.append(kinds[place])
    return tuple(rows)


def most_in_a_group(kinds: tuple[int, ...], kind: int, num_groups: int) -> int:
    """How many rows of `kind` stand in one of `num_groups` equal groups of rows, at most."""
    return int((np.array(kinds).reshape(num_groups, -1) == kind).sum(axis=1).max())


class Place(NamedTuple):
    """What stands in a row: its kind, the number of the example among those of its kind, and which visit it is."""

    kind: int
    number: int
    visit: int


def place_of(kinds: tuple[int, ...], sizes: dict[int, int], seed: int, index: int) -> Place:
    """What stands in row `index` of the stream of all batches, row after row.

    Each kind goes through its examples in an order that is shuffled anew at every visit.

    Args:
      kinds: of `row_kinds`.
      sizes: number of examples of each kind.
      seed: of the order.
      index: step * batch size + row.
    """
    kind, position = position_of(kinds, index)
    visit, place = divmod(position, sizes[kind])
    return Place(kind, int(_order(sizes[kind], seed, kind, visit)[place]), visit)


def position_of(kinds: tuple[int, ...], index: int) -> tuple[int, int]:
    """The kind of row `index` of the stream of all batches, and how many rows of its kind stand before it."""
    step, row = divmod(index, len(kinds))
    kind = kinds[row]
    return kind, step * kinds.count(kind) + kinds[:row].count(kind)


def scrambled(seed: int, index: int) -> int:
    """A number below 2**64 that looks random and is the same every time: SplitMix64 (Steele et al. 2014), twice."""
    number = index
    for added in (seed, 0):
        number = (number + 0x9E3779B97F4A7C15 * (added + 1)) & _MASK
        number = ((number ^ (number >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        number = ((number ^ (number >> 27)) * 0x94D049BB133111EB) & _MASK
        number ^= number >> 31
    return number


@functools.lru_cache(maxsize=8)
def _order(size: int, seed: int, kind: int, visit: int) -> Int[np.ndarray, " n"]:
    return np.random.default_rng([seed, kind, visit]).permutation(size).astype(np.int32)


def local_index(index: int, rows_a_host: int, process_index: int, batch_size: int) -> int:
    """The row of the stream that stands at `index` of one host's stream: hosts hold equal blocks of each batch."""
    step, row = divmod(index, rows_a_host)
    return step * batch_size + process_index * rows_a_host + row
