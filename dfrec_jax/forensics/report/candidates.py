"""The section on the people of a gallery: candidates, ratios within bounds, and how often a search errs."""

from collections.abc import Iterator, Mapping
from typing import Any

from dfrec_jax.forensics.report import statements
from dfrec_jax.forensics.report.contents import Contents
from dfrec_jax.forensics.report.document import (
    Facts,
    Paragraph,
    Section,
    Table,
    interval,
    plain,
    ratio,
    significant,
)
from dfrec_jax.forensics.report.measuring import not_computed

SHOWN = 5  # candidates of each route
ROUTES = {
    "raw": "the face of the exhibit as it is",
    "visible given": "the same, less what references say of the person who is seen",
    "visible estimated": "the same, less what the recovered source says of that person",
    "recovered": "the recovered face, which is generated",
    "head": "a network trained to tell from a swap who is hidden",
    "head given": "that network, told by references who is seen",
    "head estimated": "that network, told by the recovered source who is seen",
}


def _how_to_search(contents: Contents) -> Paragraph:
    if contents.is_video:
        words = "`dfrec trace search FRAME --gallery GALLERY --out FOUND` searches one; FRAME is a folder `frame-...`."
        return Paragraph(words, "note")
    return not_computed("Candidates", contents, "--gallery GALLERY [--calibration CALIBRATION]")


def candidates(contents: Contents) -> Section:
    """Who of a gallery is most alike, with bounded ratios where they were calibrated."""
    blocks: list[Any] = [Paragraph(statements.CANDIDATES)]
    search = contents.search
    if search is None:
        blocks += [
            Paragraph("No gallery was searched: there are no candidates."),
            _how_to_search(contents),
            Paragraph(statements.NO_RATIO),
        ]
        return Section("candidates", "Candidates, not identifications", tuple(blocks))
    blocks.append(Facts(tuple(_searched(search))))
    rows = []
    for ranking in search["rankings"]:
        for each in ranking["candidates"][:SHOWN]:
            person = plain(each["person"]) + (" (foil)" if each["is_foil"] else "")
            log10_lr, bounds = each["log10_lr"], ranking["log10_lr_bounds"]
            words = "-" if log10_lr is None or bounds is None else ratio(log10_lr, bounds)
            rows.append((ranking["role"], ranking["route"], person, str(each["rank"]), f"{each['cosine']:.3f}", words))
    headings = ("sought", "route", "person", "rank", "cosine", "LR [bounds]")
    caption = (
        "Route “raw” is None: the exhibit as it is. A route that does no better than it found nothing. The exhibit is "
        "like the source, who is seen in it, so that the source may rank first as the target too: nobody is both. Of "
        f"each route at most {SHOWN} are shown; `trace/search.json` has more."
    )
    blocks.append(Table(headings, tuple(rows), (3, 4, 5), caption))
    routes = dict.fromkeys(ranking["route"] for ranking in search["rankings"])
    blocks.append(Facts(tuple((f"Route “{route}”", ROUTES[route]) for route in routes if route in ROUTES)))
    blocks += _ratios(contents)
    blocks.append(
        Paragraph(
            "Line-ups that name nobody are in `trace/lineups`; their key is apart, in `trace/lineup_keys.json`. Give "
            "a line-up to whoever compares, and keep the key and this section from them.",
        )
    )
    return Section("candidates", "Candidates, not identifications", tuple(blocks))


def _searched(search: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What was searched, and by what."""
    gallery, foils = search["gallery"], search.get("foils")
    yield "Gallery", f"{gallery['num_people']} people, {gallery['num_pictures']} pictures"
    yield "Origin, as its maker says", plain(gallery["origin"] or statements.NOT_GIVEN)
    yield "SHA-256 of its embeddings", gallery["embeddings_sha256"]
    yield "Recogniser", plain(gallery["recogniser"])
    if foils:
        people = f"{foils['num_people']} people said to be innocent, ranked among the others and marked"
        yield "Foils", f"{people}; SHA-256 of their embeddings {foils['embeddings_sha256']}"
    if hashes := search.get("visible_sha256"):
        yield "Who is seen, by references", f"SHA-256 {', '.join(hashes)}"
    if head := search.get("exhibit", {}).get("head_sha256"):
        yield "Trace head", f"SHA-256 of its weights {head}"


def _ratios(contents: Contents) -> list[Any]:
    if contents.calibration is None:
        return [Paragraph(statements.NO_RATIO)]
    calibration = contents.calibration
    searched = [
        f"{ranking['role']}, {ranking['route']}"
        for ranking in (contents.search or {})["rankings"]
        if ranking["log10_lr_bounds"] is not None
    ]
    measured = {route: calibration["routes"][route]["measured_on"] for route in searched}
    return [
        Paragraph(statements.BOUNDED),
        Facts(
            (
                ("Background population", plain(calibration["population"])),
                ("Propositions", "those of “The question, and its alternatives”, of this population"),
                ("Bounds", plain(calibration["bounds"])),
            )
        ),
        _worth(measured),
        _identification_errors(measured),
    ]


def _worth(measured: Mapping[str, Mapping[str, Any]]) -> Table:
    """What the ratios of each route are worth."""
    rows = tuple(
        (
            route,
            str(of["exhibits"]),
            _with_interval(of["cllr"]),
            _with_interval(of["cllr_less_raw"]),
            significant(of["cllr_min"]),
            f"{of['misleading_h1']:.1%}",
            f"{of['misleading_h2']:.1%}",
            _with_interval(of["rank_1"]),
        )
        for route, of in measured.items()
    )
    headings = ("route", "n", "Cllr", "less raw's", "Cllr_min", "LR < 1 under H1", "LR > 1 under H2", "rank 1")
    caption = (
        "Measured on people whom the fit did not see, in brackets the 95 % interval of resampling people. Cllr is 0 "
        "for ratios that are certain and right, and 1 for no comparison at all; less raw's: below 0 where the route is "
        "better than None. Cllr_min: what it would be if the same scores were calibrated as well as can be."
    )
    return Table(headings, rows, tuple(range(1, len(headings))), caption)


def _identification_errors(measured: Mapping[str, Mapping[str, Any]]) -> Table:
    """How often a search finds somebody who is not there, and misses who is."""
    sizes = sorted({each["gallery_size"] for of in measured.values() for each in of["identification_errors"]})
    rows = []
    for route, of in measured.items():
        by_least: dict[float, dict[int, Mapping[str, Any]]] = {}
        for each in of["identification_errors"]:
            by_least.setdefault(each["lr_threshold"], {})[each["gallery_size"]] = each
        for least, by_size in by_least.items():
            rates = (significant(by_size[size]["fpir"]) if size in by_size else "-" for size in sizes)
            missed = next(iter(by_size.values()))["fnir"]  # whatever the size
            rows.append((route, f"{least:g}", *rates, significant(missed)))
    headings = ("route", "LR at least", *(f"FPIR, {size} people" for size in sizes), "FNIR")
    caption = (
        "FPIR: of the searches for somebody who is not in a gallery of so many people, the share that finds anybody at "
        "or above the LR, which chance alone does. FNIR: of those for somebody who is, the share that misses."
    )
    return Table(headings, tuple(rows), tuple(range(1, len(headings))), caption)


def _with_interval(said: Mapping[str, Any] | None) -> str:
    if said is None:
        return "-"
    low, high = said["interval"]
    return significant(said["value"]) if low is None or high is None else interval(said["value"], low, high)
