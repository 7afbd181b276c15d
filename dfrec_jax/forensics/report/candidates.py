"""The section on the people of a gallery: candidates, ratios within bounds, and how often a search errs."""

from typing import Any

from dfrec_jax.forensics.report import statements
from dfrec_jax.forensics.report.contents import Contents
from dfrec_jax.forensics.report.document import Facts, Paragraph, Section, Table, plain, significant
from dfrec_jax.forensics.report.measuring import not_computed

SHOWN = 5  # candidates of each route


def candidates(contents: Contents) -> Section:
    """Who of a gallery is most alike, with bounded ratios where they were calibrated."""
    blocks: list[Any] = [Paragraph(statements.CANDIDATES)]
    search = contents.search
    if search is None:
        blocks += [
            Paragraph("No gallery was searched: there are no candidates."),
            not_computed("Candidates", contents, "--gallery GALLERY [--calibration CALIBRATION]"),
            Paragraph(statements.NO_RATIO),
        ]
        return Section("candidates", "Candidates, not identifications", tuple(blocks))
    gallery = search["gallery"]
    blocks.append(
        Facts(
            (
                ("Gallery", f"{gallery['num_people']} people, {gallery['num_pictures']} pictures"),
                ("Origin, as its maker says", plain(gallery["origin"]) or statements.NOT_GIVEN),
                ("SHA-256 of its embeddings", gallery["embeddings_sha256"]),
                ("Recogniser", plain(gallery["recogniser"])),
            )
        )
    )
    rows = []
    for ranking in search["rankings"]:
        for each in ranking["candidates"][:SHOWN]:
            person = plain(each["person"]) + (" (foil)" if each["is_foil"] else "")
            ratio = _ratio(each["log10_lr"], ranking["log10_lr_bounds"])
            rows.append((ranking["role"], ranking["route"], person, str(each["rank"]), f"{each['cosine']:.3f}", ratio))
    headings = ("sought", "route", "person", "rank", "cosine", "LR [bounds]")
    caption = (
        "Route “raw” is None: the exhibit as it is. A route that does no better than it found nothing. Of each route "
        f"at most {SHOWN} are shown; `trace/search.json` has more."
    )
    blocks.append(Table(headings, tuple(rows), (3, 4, 5), caption))
    blocks += _ratios(contents)
    blocks.append(
        Paragraph(
            "Line-ups that name nobody are in `trace/lineups`; their key is apart, in `trace/lineup_keys.json`. Give "
            "a line-up to whoever compares, and keep the key and this section from them.",
        )
    )
    return Section("candidates", "Candidates, not identifications", tuple(blocks))


def _ratio(log10_lr: float | None, bounds: list[float] | None) -> str:
    if log10_lr is None or bounds is None:
        return "-"
    low, high = bounds
    sign = "≥ " if log10_lr >= high else "≤ " if log10_lr <= low else ""
    return f"{sign}{significant(10**log10_lr, 2)} [{significant(10**low, 2)}, {significant(10**high, 2)}]"


def _ratios(contents: Contents) -> list[Any]:
    if contents.calibration is None:
        return [Paragraph(statements.NO_RATIO)]
    calibration = contents.calibration
    blocks: list[Any] = [
        Paragraph(statements.BOUNDED),
        Facts(
            (
                ("Background population", plain(calibration["population"])),
                ("H1", plain(calibration["propositions"]["H1"])),
                ("H2", plain(calibration["propositions"]["H2"])),
                ("Bounds", plain(calibration["bounds"])),
            )
        ),
    ]
    rows = []
    for route, one in calibration["routes"].items():
        of = one["measured_on"]
        rows += [
            (
                plain(route),
                significant(of["cllr"]["value"]),
                significant(of["cllr_min"]),
                str(each["gallery_size"]),
                f"{each['lr_threshold']:g}",
                significant(each["fpir"]),
                significant(each["fnir"]),
            )
            for each in of["identification_errors"]
        ]
    headings = ("route", "Cllr", "Cllr_min", "gallery of", "LR at least", "FPIR", "FNIR")
    caption = (
        "Measured on people whom the fit did not see. Cllr of 1 is that of no comparison at all. FPIR: searches for "
        "somebody who is not in the gallery that find anybody at or above the LR; FNIR: searches that miss."
    )
    blocks.append(Table(headings, tuple(rows), (1, 2, 3, 4, 5, 6), caption))
    return blocks
