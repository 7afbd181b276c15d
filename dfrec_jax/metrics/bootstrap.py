"""Confidence intervals of means, by resampling whole clusters: the pictures of one person are not independent."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Shaped

MIN_CLUSTERS = 5


class Estimate(NamedTuple):
    """A mean, its 95 % bootstrap interval (None where there are fewer than five clusters) and the number of values."""

    value: float
    low: float | None
    high: float | None
    n: int


def mean_with_interval(
    values: Float[np.ndarray, " n"],
    clusters: Shaped[np.ndarray, " n"],
    *,
    num_resamples: int = 1000,
    seed: int = 0,
) -> Estimate:
    """Mean of the finite `values`, with a percentile interval from resampling `clusters` (identities) with replacement.

    Raises:
      ValueError: where no value is finite.
    """
    values, clusters = np.asarray(values, np.float64), np.asarray(clusters)
    finite = np.isfinite(values)
    values, clusters = values[finite], clusters[finite]
    if not len(values):
        raise ValueError("no finite value to take a mean of")
    _, membership = np.unique(clusters, return_inverse=True)
    sums, counts = np.bincount(membership, weights=values), np.bincount(membership)
    mean = float(values.mean())
    if len(sums) < MIN_CLUSTERS:
        return Estimate(mean, None, None, len(values))
    draws = np.random.default_rng(seed).integers(len(sums), size=(num_resamples, len(sums)))
    means = sums[draws].sum(axis=1) / counts[draws].sum(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return Estimate(mean, float(low), float(high), len(values))
