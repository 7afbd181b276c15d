"""Identity similarity (IDSIM) and the accuracy Acc_id that the paper builds on it (Sec. IV-A3)."""

import numpy as np
from jaxtyping import Bool, Float

REAL_THRESHOLD = 0.9
# Of similarities to the input that are ranked: a copy is as near to its input as any other copy, and float32's rounding
# must rank none of them above another.
RANKED_DECIMALS = 5
MOST_POINTS = 200  # of a ROC curve that is kept


def cosine(a: Float[np.ndarray, "n d"], b: Float[np.ndarray, "n d"]) -> Float[np.ndarray, " n"]:
    """Cosine of each pair of embeddings, in [-1, 1]: IDSIM where `a` are recovered faces and `b` their originals.

    Its value means nothing without the network that made the embeddings, which every result names.
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    norms = np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)
    return np.sum(a * b, axis=-1) / np.maximum(norms, 1e-12)


def judged_real(
    input_to_recovered: Float[np.ndarray, " n"], threshold: float = REAL_THRESHOLD
) -> Bool[np.ndarray, " n"]:
    """Whether a face counts as pristine: IDSIM between the input and its recovered target above 0.9.

    The threshold lies above what two photographs of one person reach; it works because the unmasked patches are the
    input's own. It is a test of self-consistency, not a verification of identity.
    """
    return np.asarray(input_to_recovered) > threshold


def balanced_accuracy(is_judged_real: Bool[np.ndarray, " n"], is_forgery: Bool[np.ndarray, " n"]) -> float:
    """Acc_id over pristine and forged faces: the mean of the two shares judged rightly; NaN where one is absent."""
    is_forgery = np.asarray(is_forgery, bool)
    if is_forgery.all() or not is_forgery.any():
        return float("nan")
    return float((np.mean(is_judged_real[~is_forgery]) + np.mean(~is_judged_real[is_forgery])) / 2)


def real_recall(is_judged_real: Bool[np.ndarray, " n"], is_forgery: Bool[np.ndarray, " n"]) -> float:
    """Share of the pristine faces that are judged real; NaN where there are none."""
    return _share(np.asarray(is_judged_real)[~np.asarray(is_forgery, bool)])


def fake_recall(is_judged_real: Bool[np.ndarray, " n"], is_forgery: Bool[np.ndarray, " n"]) -> float:
    """Share of the forgeries that are judged fake; NaN where there are none."""
    return _share(~np.asarray(is_judged_real)[np.asarray(is_forgery, bool)])


def equal_error_rate(score: Float[np.ndarray, " n"], is_positive: Bool[np.ndarray, " n"]) -> float:
    """The rate at which as many negatives score at or above a threshold as positives below it; NaN of one kind alone.

    Between two thresholds the ROC curve is a straight line.
    """
    is_positive = np.asarray(is_positive, bool)
    if is_positive.all() or not is_positive.any():
        return float("nan")
    false_positives, true_positives = roc_curve(score, is_positive)
    excess = false_positives - (1 - true_positives)  # grows from -1 to 1
    return float(np.interp(0.0, excess, false_positives))


def area_under_roc(score: Float[np.ndarray, " n"], is_positive: Bool[np.ndarray, " n"]) -> float:
    """Probability that a positive scores above a negative, ties counting half; NaN where one of them is absent."""
    score, is_positive = np.asarray(score, np.float64), np.asarray(is_positive, bool)
    positives, negatives = score[is_positive], np.sort(score[~is_positive])
    if not len(positives) or not len(negatives):
        return float("nan")
    below = np.searchsorted(negatives, positives, side="left")
    not_above = np.searchsorted(negatives, positives, side="right")
    return float(np.mean(below + not_above) / (2 * len(negatives)))


def roc_curve(
    score: Float[np.ndarray, " n"], is_positive: Bool[np.ndarray, " n"]
) -> tuple[Float[np.ndarray, " k"], Float[np.ndarray, " k"]]:
    """Shares of negatives and of positives at or above each threshold, from (0, 0) to (1, 1); ties are one step.

    Raises:
      ValueError: where there are no positives or no negatives.
    """
    score, is_positive = np.asarray(score, np.float64), np.asarray(is_positive, bool)
    if is_positive.all() or not is_positive.any():
        raise ValueError("a ROC curve needs positives and negatives")
    order = np.argsort(-score, kind="stable")
    last_of_its_score = np.append(np.diff(score[order]) != 0, True)
    positives, negatives = (np.cumsum(kind[order])[last_of_its_score] for kind in (is_positive, ~is_positive))
    return np.append(0.0, negatives / negatives[-1]), np.append(0.0, positives / positives[-1])


def thinned(
    false_positives: Float[np.ndarray, " k"], true_positives: Float[np.ndarray, " k"], most: int = MOST_POINTS
) -> tuple[Float[np.ndarray, " m"], Float[np.ndarray, " m"]]:
    """A ROC curve by its corners; where these are more than `most`, by so many of them spread along the curve.

    Both ends stay.
    """
    curve = np.stack([false_positives, true_positives], axis=1)
    steps = np.diff(curve, axis=0) == 0  # whether a step goes straight up, or straight to the right
    is_corner = ~(steps[1:] & steps[:-1]).any(axis=1)
    curve = curve[np.concatenate([[True], is_corner, [True]])]
    if len(curve) > most:
        way = curve.sum(axis=1)  # grows from 0 to 2
        curve = curve[np.unique(np.searchsorted(way, np.linspace(0, way[-1], most)).clip(0, len(curve) - 1))]
    return curve[:, 0], curve[:, 1]


def _share(kind: Bool[np.ndarray, " m"]) -> float:
    return float(np.mean(kind)) if len(kind) else float("nan")
