"""Who is most alike: exact search of any number of embeddings in bounded memory, and the ranks that it gives."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int


class Best(NamedTuple):
    """The best rows of all that were searched, best first; of equal scores the earlier row first."""

    rows: Int[np.ndarray, "q k"]
    scores: Float[np.ndarray, "q k"]


def best(queries: Float[np.ndarray, "q e"], blocks: Iterable[Float[np.ndarray, "_ e"]], count: int) -> Best:
    """The `count` rows of highest inner product with each query, or all where there are fewer.

    No index is built and nothing is approximated. Memory is that of one block, its scores, and the best so far.

    Args:
      queries: of unit length, so that the inner product is the cosine.
      blocks: the rows, so many at a time; rows are numbered through all of them.
      count: of best rows, 1 or more.

    Raises:
      ValueError: for a query that is not finite, or no row at all.
    """
    if not np.isfinite(queries).all():
        raise ValueError("a query is NaN or infinite")
    rows, scores = np.zeros((len(queries), 0), np.int64), np.zeros((len(queries), 0), np.float32)
    start = 0
    for block in blocks:
        new = queries @ block.T
        parts = []
        for i, each in enumerate(new):
            kept = _at_least(each, count) if len(each) > count else np.arange(len(each))
            parts.append(_sorted(np.append(rows[i], start + kept), np.append(scores[i], each[kept]), count))
        start += len(block)
        rows, scores = (np.stack(part) for part in zip(*parts, strict=True))
    if not start:
        raise ValueError("there is no row to search")
    return Best(rows, scores)


def _at_least(scores: Float[np.ndarray, " m"], count: int) -> Int[np.ndarray, " _"]:
    """Where the scores reach the `count`-th best: more than `count` where there are ties."""
    return np.flatnonzero(scores >= np.partition(scores, -count)[-count])


def _sorted(
    rows: Int[np.ndarray, " m"], scores: Float[np.ndarray, " m"], count: int
) -> tuple[Int[np.ndarray, " k"], Float[np.ndarray, " k"]]:
    order = np.lexsort((rows, -scores))[:count]
    return rows[order], scores[order]


def rank(scores: Float[np.ndarray, " p"], true: int) -> int:
    """The rank of `true`, 1 for the first; whoever scores the same counts as before."""
    return int(np.sum(scores >= scores[true]))
