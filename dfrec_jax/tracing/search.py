"""A search of a gallery: who is most alike to whom an exhibit hides, by every route that there is."""

import itertools
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.tracing import ranking
from dfrec_jax.tracing.calibration import Calibration
from dfrec_jax.tracing.gallery import Gallery
from dfrec_jax.tracing.lineup import Member
from dfrec_jax.tracing.routes import Exhibit, Query


class Candidate(NamedTuple):
    """One place of a ranking.

    Attributes:
      rank: 1 for the most alike of all, gallery and foils.
      member: who it is.
      score: the cosine.
      log10_lr: of the calibration, within its bounds; None without one.
    """

    rank: int
    member: Member
    score: float
    log10_lr: float | None


class Ranking(NamedTuple):
    """What one query found.

    Attributes:
      query: that was searched with.
      candidates: the best of all, foils among them.
      people: the best of the gallery, for line-ups.
      foils: the best foils, for line-ups.
      bounds: of log10 LR; None without a calibration.
      not_calibrated: why there is no LR.
    """

    query: Query
    candidates: tuple[Candidate, ...]
    people: tuple[Member, ...]
    foils: tuple[Member, ...]
    bounds: tuple[float, float] | None
    not_calibrated: str


def check_foils(gallery: Gallery, foils: Gallery) -> None:
    """Raises ConfigError where foils cannot be compared with the gallery, or are people of it."""
    if differences := foils.identity.differences(gallery.identity):
        raise ConfigError(f"--foils: made otherwise than the gallery ({differences}); index them alike")
    names = {one.name for one in gallery.people}
    if both := [one.name for one in foils.people if one.name in names]:
        raise ConfigError(f"--foils: {', '.join(both[:5])} stand in the gallery too; name others, known to be innocent")


def search(
    exhibit: Exhibit,
    gallery: Gallery,
    foils: Gallery | None,
    calibration: Calibration | None,
    top: int,
) -> list[Ranking]:
    """The best of gallery and foils by each of the exhibit's queries.

    Args:
      exhibit: see `routes.read`.
      gallery: of known people.
      foils: further people, known to be innocent, who are ranked among them.
      calibration: from scores to likelihood ratios.
      top: how many are kept.

    Raises:
      ConfigError: for a calibration that fits neither the gallery nor any route.
    """
    fits = _fits(exhibit, gallery, calibration)
    queries = np.stack([query.embedding for query in exhibit.queries])
    found = [_best(queries, gallery, top, is_foil=False)]
    found += [] if foils is None else [_best(queries, foils, top, is_foil=True)]
    rankings = []
    for number, query in enumerate(exhibit.queries):
        fit, reason = fits[number]
        merged = sorted(itertools.chain(*(each[number] for each in found)), key=lambda one: -one[0])[:top]
        candidates = [
            Candidate(place, member, score, None if fit is None else float(fit.log10_lr(np.array([score]))[0]))
            for place, (score, member) in enumerate(merged, 1)
        ]
        people, others = ([member for _, member in each[number]] for each in (found[0], found[-1]))
        bounds = None if fit is None else fit.bounds
        rankings.append(
            Ranking(query, tuple(candidates), tuple(people), () if foils is None else tuple(others), bounds, reason)
        )
    return rankings


def _best(
    queries: Float[np.ndarray, "q e"], gallery: Gallery, top: int, *, is_foil: bool
) -> list[list[tuple[float, Member]]]:
    """For each query."""
    found = ranking.best(queries, gallery.blocks(), top)
    return [
        [(float(score), Member(gallery, int(row), is_foil)) for row, score in zip(rows, scores, strict=True)]
        for rows, scores in zip(found.rows, found.scores, strict=True)
    ]


def _fits(exhibit: Exhibit, gallery: Gallery, calibration: Calibration | None) -> list[tuple[Any, str]]:
    if calibration is None:
        return [(None, "no calibration was given")] * len(exhibit.queries)
    calibration.check(gallery.identity)
    networks = exhibit.network_sha256, exhibit.head_sha256
    fits = [calibration.fit_for(query.role, query.route, *networks) for query in exhibit.queries]
    if all(fit is None for fit, _ in fits):
        raise ConfigError(
            f"--calibration={calibration.path}: holds no route of this search ({fits[0][1]}); calibrate these routes"
        )
    return fits
