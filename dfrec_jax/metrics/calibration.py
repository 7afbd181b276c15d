"""Whether a probability holds what it says."""

import numpy as np
from jaxtyping import Bool, Float

NUM_BINS = 15


def expected_calibration_error(
    probability: Float[np.ndarray, " n"], is_positive: Bool[np.ndarray, " n"], num_bins: int = NUM_BINS
) -> float:
    """ECE: how far the predicted probability is from the share of positives, in [0, 1]; NaN of no example.

    The probabilities are put into bins of equal width; the distance between mean probability and share of positives
    in each bin is averaged over the examples (Naeini et al. 2015, of the positive class as there; 15 bins as Guo et al.
    2017, Eq. 3). It holds for the share of positives that it was measured at, and says nothing of how well they are
    told apart: whoever answers with that share, whatever the picture, has 0.

    Args:
      probability: of being positive, in [0, 1].
      is_positive: what they are.
      num_bins: of equal width; the last one holds 1.
    """
    probability = np.asarray(probability, np.float64)
    if not len(probability):
        return float("nan")
    bins = np.minimum((probability * num_bins).astype(int), num_bins - 1)
    said = np.bincount(bins, weights=probability, minlength=num_bins)
    seen = np.bincount(bins, weights=np.asarray(is_positive, np.float64), minlength=num_bins)
    return float(np.abs(said - seen).sum() / len(probability))
