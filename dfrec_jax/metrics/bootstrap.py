"""Confidence intervals by resampling whole clusters: the pictures of one person are not independent."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, Shaped

MIN_CLUSTERS = 5
DRAWS_AT_A_TIME = 2_000_000  # numbers that are held at once, 16 MB of them, however many clusters there are
WITHOUT_VALUE = 0.05  # share of resamples that may be without the statistic; above it there is no interval


class Estimate(NamedTuple):
    """A value with its interval.

    Attributes:
      value: of all examples.
      low, high: ends of the 95 % interval; None where there are fewer than five clusters to resample, or where the
        statistic has no value of too many resamples.
      n: examples.
      clusters: how many there were to resample; None of a value that has no interval by its kind.
    """

    value: float
    low: float | None
    high: float | None
    n: int
    clusters: int | None = None


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
        return Estimate(mean, None, None, len(values), len(sums))
    means = np.concatenate(
        [sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1) for drawn in _draws(len(sums), num_resamples, seed)]
    )
    return Estimate(mean, *interval(means), len(values), len(sums))


def mean_of_clusters(
    values: Float[np.ndarray, " n"],
    clusters: Shaped[np.ndarray, " n"],
    *,
    num_resamples: int = 1000,
    seed: int = 0,
) -> Estimate:
    """The mean of the clusters' means, each cluster counting once however many values it has.

    Resampled as `mean_with_interval`, with the same draws; `n` is the number of finite values.

    Raises:
      ValueError: where no value is finite.
    """
    values, clusters = np.asarray(values, np.float64), np.asarray(clusters)
    finite = np.isfinite(values)
    _, membership = np.unique(clusters[finite], return_inverse=True)
    if not len(membership):
        raise ValueError("no finite value to take a mean of")
    means = np.bincount(membership, weights=values[finite]) / np.bincount(membership)
    if len(means) < MIN_CLUSTERS:
        return Estimate(float(means.mean()), None, None, len(membership), len(means))
    resampled = [means[drawn].mean(axis=1) for drawn in _draws(len(means), num_resamples, seed)]
    return Estimate(float(means.mean()), *interval(np.concatenate(resampled)), len(membership), len(means))


def statistic_with_interval(
    statistic: Callable[[Int[np.ndarray, " m"]], float],
    clusters: Shaped[np.ndarray, " n"],
    *,
    num_resamples: int = 1000,
    seed: int = 0,
) -> Estimate:
    """A statistic that is no mean (a median, an area) of examples, with the interval that `mean_with_interval` takes.

    Args:
      statistic: from the numbers of the chosen examples, some of them more than once, to its value; NaN where they have
        none, as an area under the ROC curve of one kind alone. Such resamples are left out; where they are more than
        one in twenty there is no interval.
      clusters: of each example.
      num_resamples: how often clusters are drawn anew.
      seed: of the draws, which are those of `mean_with_interval`.
    """
    _, membership = np.unique(clusters, return_inverse=True)
    num_clusters, everything = int(membership.max(initial=-1)) + 1, np.arange(len(membership))
    value = float(statistic(everything))
    without = Estimate(value, None, None, len(everything), num_clusters)
    if num_clusters < MIN_CLUSTERS:
        return without
    found = np.array([
        statistic(np.repeat(everything, np.bincount(row, minlength=num_clusters)[membership]))
        for drawn in _draws(num_clusters, num_resamples, seed)
        for row in drawn
    ])  # fmt: skip
    if np.isnan(found).mean() > WITHOUT_VALUE:
        return without
    low, high = interval(found[~np.isnan(found)])
    return without._replace(low=low, high=high)


def interval(resampled: Float[np.ndarray, " r"]) -> tuple[float, float]:
    """The middle 95 % of a statistic's values over resamples."""
    low, high = np.percentile(resampled, [2.5, 97.5])
    return float(low), float(high)


def blocks(num_resamples: int, num_clusters: int) -> Iterator[int]:
    """Into how many resamples at a time they are parted, for none of the tables to outgrow `DRAWS_AT_A_TIME`."""
    size = max(1, DRAWS_AT_A_TIME // num_clusters)
    for start in range(0, num_resamples, size):
        yield min(size, num_resamples - start)


def _draws(num_clusters: int, num_resamples: int, seed: int) -> Iterator[Int[np.ndarray, "r p"]]:
    """The numbers of the clusters in each resample: block by block what one large table would hold."""
    rng = np.random.default_rng(seed)
    for size in blocks(num_resamples, num_clusters):
        yield rng.integers(num_clusters, size=(size, num_clusters))
