"""How well 40 attributes are told: balanced accuracy, of each and over all, with an interval from resampling people."""

import warnings
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, Shaped

from dfrec_jax.metrics.bootstrap import MIN_CLUSTERS, WITHOUT_VALUE, blocks, interval

NUM_RESAMPLES = 1000


class Balanced(NamedTuple):
    """Balanced accuracies in [0, 1]: 1/2 is chance, and what always answering the more frequent value gets.

    Attributes:
      each: of every attribute; NaN where one of its two values does not occur.
      mean: over the attributes that are not NaN; NaN where all are.
      low, high: ends of the 95 % interval of the mean; None for fewer than five people, and where more than one
        resample in twenty has no attribute of both values.
      num_positive: pictures that have the attribute.
      num_known: pictures of which it is known.
      num_people: who are in them, and whom the interval resamples.
    """

    each: Float[np.ndarray, " a"]
    mean: float
    low: float | None
    high: float | None
    num_positive: Int[np.ndarray, " a"]
    num_known: Int[np.ndarray, " a"]
    num_people: int


def balanced_accuracy(
    logits: Float[np.ndarray, "n a"],
    labels: Int[np.ndarray, "n a"],
    people: Shaped[np.ndarray, " n"],
    *,
    seed: int = 0,
) -> Balanced:
    """The mean of the shares told rightly among those with an attribute and among those without.

    Args:
      logits: above 0 where the attribute is said to be there.
      labels: 1 and -1; 0 where not known, which counts for nothing.
      people: who is in each picture. The pictures of one person are not independent, so people are resampled.
      seed: of the resampling.
    """
    _, person = np.unique(people, return_inverse=True)
    has, lacks = labels > 0, labels < 0
    outcomes = has & (logits > 0), has, lacks & (logits <= 0), lacks
    counts = np.empty((len(outcomes), labels.shape[1], person.max() + 1))  # whole numbers: their sums are exact
    for outcome, of_outcome in zip(outcomes, counts, strict=True):
        for column, of_attribute in zip(outcome.T, of_outcome, strict=True):
            of_attribute[:] = np.bincount(person, weights=column)
    each = _from_counts(counts.sum(axis=-1))
    num_people = counts.shape[-1]
    low = high = None
    if num_people >= MIN_CLUSTERS:
        rng, equal = np.random.default_rng(seed), np.full(num_people, 1 / num_people)
        means = [
            _mean(_from_counts(counts @ rng.multinomial(num_people, equal, size).T.astype(np.float64)).T)
            for size in blocks(NUM_RESAMPLES, num_people)
        ]
        resampled = np.concatenate(means)
        is_there = ~np.isnan(resampled)
        if np.mean(~is_there) <= WITHOUT_VALUE:
            low, high = interval(resampled[is_there])
    return Balanced(each, float(_mean(each)), low, high, has.sum(axis=0), (has | lacks).sum(axis=0), num_people)


def _from_counts(counts: np.ndarray) -> np.ndarray:
    """Of four counts along the first axis: right among those with it, all with it, and the same without."""
    right_with, with_it, right_without, without = counts
    is_known = (with_it > 0) & (without > 0)
    halves = right_with / np.maximum(with_it, 1) + right_without / np.maximum(without, 1)
    return np.where(is_known, halves / 2, np.nan)


def _mean(each: np.ndarray) -> np.ndarray:
    """Over the last axis."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # NaN where no attribute has both values
        return np.asarray(np.nanmean(each, axis=-1))
