"""Fitting likelihood ratios to cases whose truth is known, and measuring them on other people.

People are parted in two (`known_cases.is_of_measurement`). Ratios are fitted on the exhibits of people A against people
A, and all that is reported is measured on the exhibits of people B against people B.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import gammaln

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.metrics import likelihood_ratio as lr
from dfrec_jax.metrics.bootstrap import Estimate, mean_with_interval
from dfrec_jax.tracing.calibration import Fit
from dfrec_jax.tracing.gallery import Gallery
from dfrec_jax.tracing.known_cases import Case
from dfrec_jax.tracing.routes import NEEDS_RESULT, Exhibit, place_of

MIN_PEOPLE = 5  # of whom there are exhibits, in each part: below it there is no interval either
GALLERY_SIZES = (10, 100, 1_000, 10_000, 100_000)
LR_THRESHOLDS = (1.0, 10.0, 100.0)
PRIORS = np.linspace(-3, 3, 61)  # log10 odds of the empirical cross-entropy


class Scores(NamedTuple):
    """Of the exhibits of one role and route against everybody in the gallery.

    Attributes:
      scores: cosines.
      true: who it is, as a column of `scores`.
      exhibit: its number among all, by which routes are paired.
    """

    scores: Float[np.ndarray, "n p"]
    true: Int[np.ndarray, " n"]
    exhibit: Int[np.ndarray, " n"]


class Measured(NamedTuple):
    """What a fit is worth on other people.

    Attributes:
      same: ln LR of the comparisons under H1, one for each exhibit.
      different: under H2.
      ranks: of the exhibits' people.
      penalties: what each exhibit adds to Cllr, which is their mean.
      exhibit: see `Scores`.
      people: whose each is.
      record: for the file.
    """

    same: Float[np.ndarray, " n"]
    different: Float[np.ndarray, " m"]
    ranks: Int[np.ndarray, " n"]
    penalties: Float[np.ndarray, " n"]
    exhibit: Int[np.ndarray, " n"]
    people: Int[np.ndarray, " n"]
    record: dict[str, Any]


def scores_of(exhibits: Sequence[Exhibit], cases: Sequence[Case], gallery: Gallery) -> dict[tuple[str, str], Scores]:
    """By role and route, in the order of tables, the cosines of every exhibit with everybody."""
    number_of = {one.name: i for i, one in enumerate(gallery.people)}
    people = gallery.people_embeddings()
    found: dict[tuple[str, str], list[tuple[np.ndarray, int, int]]] = {}
    for number, (exhibit, case) in enumerate(zip(exhibits, cases, strict=True)):
        for query in exhibit.queries:
            if query.role in case.truth:
                row = people @ query.embedding, number_of[case.truth[query.role]], number
                found.setdefault((query.role, query.route), []).append(row)
    in_order = sorted(found, key=lambda key: place_of(*key))
    return {key: Scores(*(np.array(column) for column in zip(*found[key], strict=True))) for key in in_order}


def fit_and_measure(
    scores: Scores, of_measurement: Bool[np.ndarray, " p"]
) -> tuple[Fit, dict[str, Any], Measured] | str:
    """Fits on people A, measures on people B; a reason in words where there are too few.

    Returns:
      The fit, what it was made of, and what it is worth.
    """
    parts = {"A": ~of_measurement, "B": of_measurement}
    count = {name: len(np.unique(scores.true[is_in[scores.true]])) for name, is_in in parts.items()}
    if min(count.values()) < MIN_PEOPLE:
        return f"exhibits of {count['A']} people A and {count['B']} people B; {MIN_PEOPLE} of each are needed"
    same, different = _compared(scores, parts["A"])
    logistic = lr.fit(same, different.ravel())
    log_lr = logistic.log_lr(same), logistic.log_lr(different.ravel())
    low, high = lr.supported_bounds(*log_lr, count["A"], int(parts["A"].sum()) - 1)
    fit = Fit(logistic, (low / np.log(10), high / np.log(10)))
    made_of = {
        "exhibits": len(same),
        "people_with_exhibits": count["A"],
        "population": int(parts["A"].sum()),
        "comparisons_h1": len(same),
        "comparisons_h2": different.size,
    }
    return fit, made_of, _measured(scores, parts["B"], fit)


def _compared(
    scores: Scores, is_in: Bool[np.ndarray, " p"]
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, "n m"]]:
    """Each exhibit of a part with its own person, and with everybody else of that part."""
    mine = np.flatnonzero(is_in[scores.true])
    same = scores.scores[mine, scores.true[mine]]
    others = [np.delete(scores.scores[i], scores.true[i])[np.delete(is_in, scores.true[i])] for i in mine]
    return same, np.stack(others)


def _measured(scores: Scores, is_in: Bool[np.ndarray, " p"], fit: Fit) -> Measured:
    same, different = _compared(scores, is_in)
    mine = is_in[scores.true]
    people = scores.true[mine]
    ranks = 1 + (different >= same[:, None]).sum(axis=1)
    same_lr, different_lr = (fit.log10_lr(each) * np.log(10) for each in (same, different))
    penalties = (lr.penalty_of_same(same_lr) + lr.penalty_of_different(different_lr).mean(axis=1)) / 2
    pooled = same_lr, different_lr.ravel()
    record = {
        "exhibits": len(same),
        "people_with_exhibits": len(np.unique(people)),
        "population": int(is_in.sum()),
        "cllr": _said(mean_with_interval(penalties, people)),
        "cllr_min": round(lr.cllr_min(same, different.ravel()), 4),  # of the scores: bounds would hide what they part
        "misleading_h1": round(float(np.mean(pooled[0] < 0)), 4),
        "misleading_h2": round(float(np.mean(pooled[1] > 0)), 4),
        "rank_1": _said(mean_with_interval((ranks <= 1).astype(float), people)),
        "rank_10": _said(mean_with_interval((ranks <= 10).astype(float), people)),
        "identification_errors": list(_identification_errors(same, different, fit)),
    }
    return Measured(*pooled, ranks, penalties, scores.exhibit[mine], people, record)


def cllr_less(one: Measured, other: Measured) -> dict[str, Any]:
    """Cllr of the one less that of the other over the exhibits that both have, with a paired interval."""
    _, mine, others = np.intersect1d(one.exhibit, other.exhibit, return_indices=True)
    return _said(mean_with_interval(one.penalties[mine] - other.penalties[others], one.people[mine]))


def _said(estimate: Estimate) -> dict[str, Any]:
    rounded = [None if value is None else round(value, 4) for value in estimate[:3]]
    return {"value": rounded[0], "interval": rounded[1:], "n": estimate.n, "people": estimate.clusters}


def _identification_errors(
    same: Float[np.ndarray, " n"], different: Float[np.ndarray, "n m"], fit: Fit
) -> Iterator[dict[str, Any]]:
    """At galleries of stated sizes, drawn from those that are not the person: FPIR, the share of searches for somebody
    who is not in the gallery that find anybody at or above the threshold (in expectation over all such galleries), and
    FNIR, the share of people who are below it."""
    sizes = [size for size in GALLERY_SIZES if size < different.shape[1]] + [different.shape[1]]
    mates, others = fit.log10_lr(same), fit.log10_lr(different)
    for threshold in LR_THRESHOLDS:
        if np.log10(threshold) > fit.bounds[1]:
            continue  # no ratio can reach it
        above = (others >= np.log10(threshold)).sum(axis=1)
        for size in sizes:
            found = 1 - none_drawn(different.shape[1], above, size)
            yield {
                "gallery_size": size,
                "lr_threshold": threshold,
                "fpir": round(float(found.mean()), 4),
                "fnir": round(float(np.mean(mates < np.log10(threshold))), 4),
            }


def none_drawn(total: int, marked: Int[np.ndarray, " n"], size: int) -> Float[np.ndarray, " n"]:
    """The probability that `size` of `total`, drawn without replacement, hold none of so many marked."""
    free = total - marked
    with np.errstate(invalid="ignore"):
        log = gammaln(free + 1.0) - gammaln(free - size + 1.0) - gammaln(total + 1.0) + gammaln(total - size + 1.0)
    return np.where(free >= size, np.exp(log), 0.0)


def network_of(exhibits: Sequence[Exhibit]) -> str | None:
    """The network that recovered the faces of the exhibits, the same for all; None where they are pictures.

    Raises:
      ConfigError: for several.
    """
    found = {
        exhibit.network_sha256 for exhibit in exhibits if any(each.route in NEEDS_RESULT for each in exhibit.queries)
    }
    if len(found) > 1:
        raise ConfigError(f"--cases: results of {len(found)} networks; calibrate each network's by itself")
    return next(iter(found), None)


def head_of(exhibits: Sequence[Exhibit]) -> str | None:
    """The trace head of the exhibits, the same for all; None where there was none."""
    (found,) = {exhibit.head_sha256 for exhibit in exhibits}
    return found
