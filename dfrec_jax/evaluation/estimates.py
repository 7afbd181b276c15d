"""From a row's sums to its figures: means, accuracies and distances, with intervals from resampling people."""

import warnings
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from dfrec_jax.metrics import bootstrap, identity
from dfrec_jax.metrics.bootstrap import Estimate
from dfrec_jax.metrics.fid import fid

MEANS = (
    "idsim", "attr", "pose", "psnr", "ssim", "idsim_region", "psnr_region", "ssim_region",
)  # fmt: skip
NETWORK = {  # by which role each metric is measured; pixel metrics by none
    "idsim": "identity", "idsim_region": "identity", "attr": "attributes", "pose": "pose", "fid": "frechet",
    "acc_id": "identity", "fake_recall": "identity", "real_recall": "identity", "eer": "identity",
    "auc_real": "identity",
}  # fmt: skip
_JUDGED = {
    "acc_id": identity.balanced_accuracy,
    "fake_recall": identity.fake_recall,
    "real_recall": identity.real_recall,
}
_RANKED = {"eer": (identity.equal_error_rate, 100.0), "auc_real": (identity.area_under_roc, 1.0)}


def estimates(collected: Any, wanted: tuple[str, ...]) -> tuple[dict[str, Estimate], list[str]]:
    """The figures of one row, and what must be said of them.

    A metric that has no number of any example, or lacks one of the two kinds of faces, is left out, as is a distance of
    fewer than two.

    Args:
      collected: of `scores.collection`, all batches merged.
      wanted: names of metrics. Accuracies and rates are in percent.
    """
    examples = collected.examples.compute()
    found = {name: estimate for name in wanted if (estimate := _of_examples(name, examples)) is not None}
    remarks = []
    if "fid" in wanted and hasattr(collected, "recovered") and collected.recovered.count > 1:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            distance = fid(collected.recovered, collected.reference)
        remarks = [str(warning.message) for warning in said if warning.category is UserWarning]
        found["fid"] = Estimate(distance, None, None, collected.recovered.count)
    return found, remarks


def _of_examples(name: str, examples: Mapping[str, np.ndarray]) -> Estimate | None:
    people, is_forgery = examples["target_id"], examples["is_forgery"]
    if name in MEANS:
        if name not in examples:
            return None
        counted = is_forgery & examples["has_target"] & np.isfinite(examples[name])
        return bootstrap.mean_with_interval(examples[name][counted], people[counted]) if counted.any() else None
    if name not in (*_JUDGED, *_RANKED) or is_forgery.all() or not is_forgery.any():
        return None
    score = examples["to_input"]
    if name in _JUDGED:
        return _percent(
            _with_interval(partial(_judged, _JUDGED[name], identity.judged_real(score), is_forgery), people)
        )
    statistic, scale = _RANKED[name]
    return _percent(_with_interval(lambda chosen: statistic(score[chosen], ~is_forgery[chosen]), people), scale)


def _judged(statistic: Callable, is_judged_real: np.ndarray, is_forgery: np.ndarray, chosen: np.ndarray) -> float:
    return statistic(is_judged_real[chosen], is_forgery[chosen])


def _with_interval(statistic: Callable[[np.ndarray], float], people: np.ndarray) -> Estimate:
    return bootstrap.statistic_with_interval(statistic, people)


def _percent(estimate: Estimate, scale: float = 100.0) -> Estimate:
    low, high = (None if end is None else scale * end for end in (estimate.low, estimate.high))
    return estimate._replace(value=scale * estimate.value, low=low, high=high)
