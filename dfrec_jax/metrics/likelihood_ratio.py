"""Likelihood ratios from scores: a fit, bounds by the size of the data, and whether the ratios are to be believed.

H1: two are the same; H2: they are not. Log ratios are natural here.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.optimize import isotonic_regression, minimize

RIDGE = 1e-5  # on the squared slope per standard deviation: where H1 and H2 are parted wholly it stays finite
LARGEST = 6.0  # log10 of the largest bound that is looked for
STEP = 0.01  # of the search, in log10


class Logistic(NamedTuple):
    """ln LR = slope * score + intercept."""

    slope: float
    intercept: float

    def log_lr(self, scores: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
        """Natural logs of the ratios, not bounded."""
        return self.slope * np.asarray(scores, np.float64) + self.intercept


def fit(same: Float[np.ndarray, " n"], different: Float[np.ndarray, " m"]) -> Logistic:
    """Logistic regression with the two hypotheses weighted alike, so that its log odds are log likelihood ratios.

    The slope is not negative: where higher scores do not speak for H1 it is 0, and every ratio 1.

    Raises:
      ValueError: for no score of the one or the other, or one that is not finite.
    """
    if not len(same) or not len(different):
        raise ValueError(f"{len(same)} scores under H1 and {len(different)} under H2: both are needed")
    scores = np.concatenate([same, different]).astype(np.float64)
    if not np.isfinite(scores).all():
        raise ValueError("a score is NaN or infinite")
    sign = np.concatenate([np.ones(len(same)), -np.ones(len(different))])
    weight = np.concatenate([np.full(len(same), 0.5 / len(same)), np.full(len(different), 0.5 / len(different))])
    middle = float(np.sum(weight * scores))
    deviation = max(float(np.sqrt(np.sum(weight * (scores - middle) ** 2))), 1e-12)
    standard = (scores - middle) / deviation

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        margin = sign * (parameters[0] * standard + parameters[1])
        wrong = -weight * sign * np.exp(-np.logaddexp(0.0, margin))
        value = np.sum(weight * np.logaddexp(0.0, -margin)) + RIDGE * parameters[0] ** 2
        return float(value), np.array([np.sum(wrong * standard) + 2 * RIDGE * parameters[0], np.sum(wrong)])

    found = minimize(loss, np.array([1.0, 0.0]), jac=True, method="L-BFGS-B", bounds=[(0.0, None), (None, None)])
    slope = float(found.x[0]) / deviation
    return Logistic(slope, float(found.x[1]) - slope * middle)


def cllr(same: Float[np.ndarray, " n"], different: Float[np.ndarray, " m"]) -> float:
    """The cost of log likelihood ratios in bits (Brümmer and du Preez 2006): 0 for certain and right, 1 for LR = 1.

    Args:
      same: ln LR of comparisons under H1.
      different: under H2.
    """
    return float(np.mean(penalty_of_same(same)) + np.mean(penalty_of_different(different))) / 2


def penalty_of_same(log_lr: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
    """log2(1 + 1 / LR), what a comparison under H1 adds to Cllr."""
    return np.logaddexp(0.0, -np.asarray(log_lr, np.float64)) / np.log(2)


def penalty_of_different(log_lr: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
    """log2(1 + LR), what a comparison under H2 adds to Cllr."""
    return np.logaddexp(0.0, np.asarray(log_lr, np.float64)) / np.log(2)


def best_monotone(
    same: Float[np.ndarray, " n"], different: Float[np.ndarray, " m"]
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " m"]]:
    """ln LR of the best calibration that keeps the order of the scores, found on these very scores: pool adjacent
    violators. Infinite at the ends; equal scores get equal ratios."""
    scores = np.concatenate([same, different])
    values, place = np.unique(scores, return_inverse=True)
    counts = np.bincount(place)
    ones = np.bincount(place, weights=np.concatenate([np.ones(len(same)), np.zeros(len(different))]))
    share = np.asarray(isotonic_regression(ones / counts, weights=counts.astype(np.float64)).x)
    with np.errstate(divide="ignore"):
        log_lr = (np.log(share) - np.log1p(-share))[place] - np.log(len(same) / len(different))
    return log_lr[: len(same)], log_lr[len(same) :]


def cllr_min(same: Float[np.ndarray, " n"], different: Float[np.ndarray, " m"]) -> float:
    """Cllr of `best_monotone`: what of the cost is the scores' own; the rest is calibration."""
    return cllr(*best_monotone(same, different))


def empirical_cross_entropy(
    same: Float[np.ndarray, " n"], different: Float[np.ndarray, " m"], log10_odds: Float[np.ndarray, " p"]
) -> Float[np.ndarray, " p"]:
    """Of the posterior in bits, for each prior (Ramos and Gonzalez-Rodriguez 2013); at odds of 1 it is Cllr.

    Args:
      same: ln LR under H1.
      different: under H2.
      log10_odds: of H1 against H2, before the comparison.
    """
    odds = np.asarray(log10_odds, np.float64) * np.log(10)
    prior = 1 / (1 + np.exp(-odds))
    under_h1 = np.array([np.mean(penalty_of_same(same + each)) for each in odds])
    under_h2 = np.array([np.mean(penalty_of_different(different + each)) for each in odds])
    return prior * under_h1 + (1 - prior) * under_h2


def supported_bounds(
    same: Float[np.ndarray, " n"], different: Float[np.ndarray, " m"], num_same: int, num_different: int
) -> tuple[float, float]:
    """The smallest and largest ln LR that so many data support; after Vergeer et al. 2016 (empirical bounds, ELUB).

    Who decides for H1 where LR > t, and loses 1 by a missed H1 and t by a false one, loses on average
    C(t) = P(LR <= t | H1) + t P(LR > t | H2); who makes no comparison loses min(1, t). Each share is taken as if one
    more comparison had gone wrong. A bound is the farthest t from 1 up to which C(t) <= min(1, t) throughout; where
    there is none both are 0: LR = 1. An upper bound is never above `num_different` + 1.

    Args:
      same: ln LR of comparisons under H1, not bounded.
      different: under H2.
      num_same: how many independent ones there are under H1, as of different people; at most `n`.
      num_different: how many under H2.
    """
    log10_t = np.arange(0.0, LARGEST + STEP / 2, STEP)

    def is_useful(log10_t: np.ndarray) -> np.ndarray:
        t, cut = 10**log10_t, log10_t * np.log(10)
        missed = np.searchsorted(np.sort(same), cut, side="right") / len(same)
        false = 1 - np.searchsorted(np.sort(different), cut, side="right") / len(different)
        missed = (num_same * missed + 1) / (num_same + 1)
        false = (num_different * false + 1) / (num_different + 1)
        return missed + t * false <= np.minimum(1.0, t)

    def farthest(useful: np.ndarray) -> float:
        count = len(useful) if useful.all() else int(np.argmin(useful))
        return float(log10_t[max(count - 1, 0)] * np.log(10))

    return -farthest(is_useful(-log10_t)), farthest(is_useful(log10_t))
