"""The folder of a search: the record, the table, blind line-ups and, apart, their keys."""

import hashlib
import importlib.metadata
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dfrec_jax.files import whole
from dfrec_jax.forensics.report import document
from dfrec_jax.pictures import generated, grid
from dfrec_jax.reports import names
from dfrec_jax.tracing import lineup, routes
from dfrec_jax.tracing.calibration import Calibration
from dfrec_jax.tracing.embedder import Embedder
from dfrec_jax.tracing.gallery import RULE, Gallery
from dfrec_jax.tracing.routes import Exhibit
from dfrec_jax.tracing.search import Ranking
from dfrec_jax.tracing.words import LEAD

RECORD, TABLE, KEYS, SHEETS = "search.json", "search.md", "lineup_keys.json", "lineups"


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
      rankings: of `search.search`.
      gallery: see `search.search`.
      foils: see `search.search`.
      embedder: that cuts out the faces of line-ups.
      visible_sha256: of the references of the visible person.
      calibration: see `search.search`.
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
    fields = ("origin", "num_people", "num_pictures")
    return {"embeddings_sha256": gallery.sha256, **gallery.identity._asdict(), **{k: gallery.record[k] for k in fields}}


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
                "log10_lr": None if each.log10_lr is None else round(each.log10_lr, 4),
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
        is_generated = one.query.route == routes.RECOVERED
        heading = one.query.route if is_generated else "exhibit"
        drawn = lineup.sheet(one.query.picture, heading, pictures, LEAD, is_generated=is_generated)
        digest = hashlib.sha256(np.asarray(drawn).tobytes()).hexdigest()
        if is_generated:
            kind = generated.PARTLY_GENERATED if one.query.role == "target" else generated.GENERATED
            generated.save_labelled(drawn, folder / name, kind)
        else:
            grid.save(drawn, folder / name)
        yield name, {"pixels_sha256": digest, "key": key}


def table(rankings: Sequence[Ranking]) -> str:
    """As Markdown, and below it what it is not."""
    lines = ["| sought | route | rank | person | cosine | LR |", "|---|---|---:|---|---:|---|"]
    for one in rankings:
        for each in one.candidates:
            name = names.in_markdown(document.plain(each.member.name)) + (" (foil)" if each.member.is_foil else "")
            ratio = "-" if each.log10_lr is None or one.bounds is None else document.ratio(each.log10_lr, one.bounds)
            lines.append(
                f"| {one.query.role} | {one.query.route} | {each.rank} | {name} | {each.score:.3f} | {ratio} |"
            )
    bounded = any(one.bounds is not None for one in rankings)
    note = "\nLR: within the bounds in brackets, which the data of the calibration support.\n" if bounded else ""
    return "\n".join(lines) + f"\n{note}\n{LEAD}\n"
