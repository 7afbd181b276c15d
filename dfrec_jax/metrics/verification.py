"""Are two faces of one person: the accuracy of an embedding by the protocol of LFW."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int


class Verification(NamedTuple):
    """Accuracy of each fold at the threshold that is best on all the others."""

    accuracies: Float[np.ndarray, " f"]
    thresholds: Float[np.ndarray, " f"]

    @property
    def accuracy(self) -> float:
        """Mean over the folds."""
        return float(self.accuracies.mean())

    @property
    def standard_error(self) -> float:
        """Of the mean over the folds."""
        return float(self.accuracies.std(ddof=1) / np.sqrt(len(self.accuracies)))


def verify(
    similarity: Float[np.ndarray, " n"], is_same: Bool[np.ndarray, " n"], fold: Int[np.ndarray, " n"]
) -> Verification:
    """Cross-validated accuracy of calling a pair the same person where its similarity is at or above a threshold.

    Huang et al. 2007, View 2, with the folds that the caller gives: people of different folds should be different.

    Args:
      similarity: of each pair; higher is more alike.
      is_same: whether the pair is of one person.
      fold: the fold of each pair, any integers.

    Raises:
      ValueError: for fewer than two folds, or a similarity that is not finite.
    """
    folds = np.unique(fold)
    if len(folds) < 2:
        raise ValueError(f"{len(folds)} fold: a threshold must come from other pairs than it is tested on")
    if not np.isfinite(similarity).all():
        raise ValueError("a similarity is NaN or infinite")
    thresholds = np.array([best_threshold(similarity[fold != f], is_same[fold != f]) for f in folds])
    accuracies = np.array(
        [
            np.mean((similarity[fold == f] >= threshold) == is_same[fold == f])
            for f, threshold in zip(folds, thresholds, strict=True)
        ]
    )
    return Verification(accuracies, thresholds)


def best_threshold(similarity: Float[np.ndarray, " n"], is_same: Bool[np.ndarray, " n"]) -> float:
    """The threshold of highest accuracy; half-way between the two similarities that it parts."""
    order = np.argsort(similarity)
    ordered, same = similarity[order].astype(np.float64), is_same[order]
    # Cutting before position i calls i.. the same: right are the different before it and the same from it on.
    right = np.concatenate([[0], np.cumsum(~same)]) + np.concatenate([np.cumsum(same[::-1])[::-1], [0]])
    bounds = np.concatenate([[ordered[0] - 1], ordered, [ordered[-1] + 1]])
    cuts = (bounds[:-1] + bounds[1:]) / 2
    is_possible = np.concatenate([[True], ordered[1:] > ordered[:-1], [True]])  # equal values cannot be parted
    return float(cuts[np.argmax(np.where(is_possible, right, -1))])
