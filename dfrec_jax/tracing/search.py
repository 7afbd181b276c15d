"""A search of a gallery: who is most alike to whom an exhibit hides, by every route that there is."""

import hashlib
import importlib.metadata
import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.files import whole
from dfrec_jax.pictures import grid
from dfrec_jax.tracing import lineup, ranking, routes
from dfrec_jax.tracing.calibration import Calibration
from dfrec_jax.tracing.embedder import Embedder
from dfrec_jax.tracing.gallery import RULE, Gallery
from dfrec_jax.tracing.lineup import Member
from dfrec_jax.tracing.routes import Exhibit, Query
from dfrec_jax.tracing.words import LEAD

RECORD, TABLE, KEYS, SHEETS = "search.json", "search.md", "lineup_keys.json", "lineups"


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
    fits = [calibration.fit_for(query.role, query.route, exhibit.network_sha256) for query in exhibit.queries]
    if all(fit is None for fit, _ in fits):
        raise ConfigError(
            f"--calibration={calibration.path}: holds no route of this search ({fits[0][1]}); calibrate these routes"
        )
    return fits


def write(
    out: Path,
    exhibit: Exhibit,
    rankings: Sequence[Ranking],
    gallery: Gallery,
    foils: Gallery | None,
    embedder: Embedder,
    *,
    visible_sha256: Sequence[str],
    calibration: Calibration | None,
    places: int,
    seed: int | None,
) -> None:
    """Writes the folder of a search, whole or not at all: the record, the table, blind line-ups and, apart, their keys.

    Args:
      out: the folder, not there yet.
      exhibit: that was searched with.
      rankings: of `search`.
      gallery: see `search`.
      foils: see `search`.
      embedder: that cuts out the faces of line-ups.
      visible_sha256: of the references of the visible person.
      calibration: see `search`.
      places: of a line-up; 0 for none.
      seed: of the order in line-ups; None: taken from the exhibit's hash.

    Raises:
      ConfigError: where a picture of a line-up is no longer what the gallery was made of.
      ImageError: where it cannot be read.
      OSError: where nothing can be written.
    """
    if seed is None:
        seed = int(exhibit.sha256[:8], 16)
    record = {
        "statement": LEAD,
        "dfrec_jax": importlib.metadata.version("dfrec-jax"),
        "exhibit": {"name": exhibit.name, "sha256": exhibit.sha256, **exhibit.record},
        "visible_sha256": list(visible_sha256),
        "gallery": _described(gallery),
        "foils": None if foils is None else _described(foils),
        "face": embedder.face_check,
        "rule": RULE,
        "calibration": None if calibration is None else calibration.described(),
        "lineup_seed": seed if places else None,
        "routes_left_out": dict(exhibit.left_out),
        "rankings": [_as_json(one) for one in rankings],
    }
    with whole.new_folder(out) as folder:
        whole.write_json(folder / RECORD, record, indent=1)
        whole.write_text(folder / TABLE, table(rankings))
        if places:
            keys = dict(_draw_sheets(folder / SHEETS, rankings, embedder, places, seed))
            whole.write_json(folder / KEYS, {"statement": LEAD, "seed": seed, "sheets": keys}, indent=1)


def _described(gallery: Gallery) -> dict[str, Any]:
    names = ("origin", "num_people", "num_pictures")
    return {"embeddings_sha256": gallery.sha256, **gallery.identity._asdict(), **{k: gallery.record[k] for k in names}}


def _as_json(one: Ranking) -> dict[str, Any]:
    return {
        "role": one.query.role,
        "route": one.query.route,
        "log10_lr_bounds": one.bounds,
        "not_calibrated": one.not_calibrated or None,
        "candidates": [
            {
                "rank": each.rank,
                "person": each.member.name,
                "is_foil": each.member.is_foil,
                "num_pictures": len(each.member.gallery.people[each.member.person].shots),
                "cosine": round(each.score, 4),
                "log10_lr": None if each.log10_lr is None else round(each.log10_lr, 2),
            }
            for each in one.candidates
        ],
    }


def _draw_sheets(
    folder: Path, rankings: Sequence[Ranking], embedder: Embedder, places: int, seed: int
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for one in rankings:
        name = f"{one.query.role}_{one.query.route}".replace(" ", "_") + ".png"
        members = lineup.chosen(one.people, one.foils, places)
        members = [members[i] for i in lineup.drawn_order(len(members), seed, name)]
        pictures, key = [], {}
        for letter, member in zip(lineup.LETTERS, members, strict=False):
            picture, said = lineup.face_of(member, embedder)
            pictures.append(picture)
            key[letter] = said
        heading = "generated picture" if one.query.route == routes.RECOVERED else "exhibit"
        drawn = lineup.sheet(one.query.picture, heading, pictures, LEAD)
        digest = hashlib.sha256(np.asarray(drawn).tobytes()).hexdigest()
        grid.save(drawn, folder / name)
        yield name, {"pixels_sha256": digest, "key": key}


def table(rankings: Sequence[Ranking]) -> str:
    """As Markdown, and below it what it is not."""
    lines = ["| sought | route | rank | person | cosine | LR |", "|---|---|---:|---|---:|---|"]
    for one in rankings:
        for each in one.candidates:
            name = each.member.name.replace("|", "\\|") + (" (foil)" if each.member.is_foil else "")
            ratio = "-" if each.log10_lr is None or one.bounds is None else words_of_lr(each.log10_lr, one.bounds)
            lines.append(
                f"| {one.query.role} | {one.query.route} | {each.rank} | {name} | {each.score:.3f} | {ratio} |"
            )
    bounded = any(one.bounds is not None for one in rankings)
    note = "\nLR: within the bounds in brackets, which the data of the calibration support.\n" if bounded else ""
    return "\n".join(lines) + f"\n{note}\n{LEAD}\n"


def words_of_lr(log10_lr: float, bounds: tuple[float, float]) -> str:
    """A likelihood ratio with two digits, its bounds, and whether it stands at one of them."""
    low, high = bounds
    sign = "≥ " if log10_lr >= high else "≤ " if log10_lr <= low else ""
    return f"{sign}{10**log10_lr:.2g} [{10**low:.2g}, {10**high:.2g}]"
