"""From a row's sums to its figures: means, accuracies and distances, with intervals from resampling people."""

import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from dfrec_jax.evaluation import scores
from dfrec_jax.evaluation.metric import BetweenSets, Curve, Mean, Metric, OverBoth
from dfrec_jax.metrics import bootstrap
from dfrec_jax.metrics.bootstrap import Estimate


def estimates(collected: Any, metrics: Iterable[Metric]) -> tuple[dict[str, Estimate], list[str]]:
    """The figures of one row by name, and what must be said of them.

    A metric that was not measured, that has no number of any example, or lacks one of the two kinds of faces, is left
    out, as is a distance of fewer than two.

    Args:
      collected: of `scores.collection`, all batches merged.
      metrics: whose figures are wanted.
    """
    examples = collected.examples.compute()
    found: dict[str, Estimate] = {}
    remarks: list[str] = []
    for metric in metrics:
        taken = metric.taken
        if isinstance(taken, BetweenSets):
            estimate, said = _distance(taken, *(getattr(collected, name, None) for name in scores.sets_of(metric.name)))
            remarks += said
        else:
            estimate = _of_examples(taken, examples)
        if estimate is not None:
            found[metric.name] = estimate
    return found, remarks


def curves(collected: Any, metrics: Iterable[Metric]) -> dict[str, Curve]:
    """The curves that metrics of a row sum up, by name; none where one of the two kinds of faces is lacking.

    Arguments as of `estimates`.
    """
    examples = collected.examples.compute()
    found = {}
    for metric in metrics:
        taken = metric.taken
        if not isinstance(taken, OverBoth) or taken.curve is None or taken.number.name not in examples:
            continue
        values = examples[taken.number.name]
        values, is_forgery = (of[np.isfinite(values)] for of in (values, examples["is_forgery"]))
        if is_forgery.any() and not is_forgery.all():
            found[metric.name] = taken.curve(values, is_forgery)
    return found


def _distance(taken: BetweenSets, recovered: Any, reference: Any) -> tuple[Estimate | None, list[str]]:
    if recovered is None or recovered.count < 2:
        return None, []
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        distance = taken.distance(recovered, reference)
    remarks = [str(warning.message) for warning in said if warning.category is UserWarning]
    return Estimate(distance, None, None, recovered.count), remarks


def _of_examples(taken: Mean | OverBoth, examples: Mapping[str, np.ndarray]) -> Estimate | None:
    people, is_forgery = examples["target_id"], examples["is_forgery"]
    if taken.number.name not in examples:
        return None
    values = examples[taken.number.name]
    if isinstance(taken, Mean):
        counted = is_forgery & examples["has_target"] & np.isfinite(values)
        return bootstrap.mean_with_interval(values[counted], people[counted]) if counted.any() else None
    values, is_forgery, people = (of[np.isfinite(values)] for of in (values, is_forgery, people))
    if is_forgery.all() or not is_forgery.any():
        return None
    return _scaled(
        bootstrap.statistic_with_interval(lambda chosen: taken.statistic(values[chosen], is_forgery[chosen]), people),
        taken.scale,
    )


def _scaled(estimate: Estimate, scale: float) -> Estimate:
    low, high = (None if end is None else scale * end for end in (estimate.low, estimate.high))
    return estimate._replace(value=scale * estimate.value, low=low, high=high)
