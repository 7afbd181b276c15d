"""The section on how the result moves: by seed, under disturbance, and put together again."""

from typing import Any

from dfrec_jax.forensics.report.contents import Contents
from dfrec_jax.forensics.report.document import (
    Block,
    Paragraph,
    Picture,
    Pictures,
    Section,
    Table,
    plain,
    significant,
)
from dfrec_jax.forensics.report.measuring import not_computed

TITLE = "How the result moves"
_STRENGTHS = {
    "noise": "noise, standard deviation {} of 255",
    "jpeg": "JPEG, quality {}",
    "size": "reduced to {} of the side",
}


def stability(contents: Contents) -> Section:
    """What was computed of it; of the rest, that it was not."""
    if contents.status == "not_applicable":
        return Section("stability", TITLE, (Paragraph("Nothing was recovered that could move."),))
    return Section("stability", TITLE, (*_seeds(contents), *_degradation(contents), *_consistency(contents)))


def _seeds(contents: Contents) -> list[Block]:
    result = contents.result
    if "seeds" not in result:
        return [not_computed("Other draws of the masking noise: mean, spread, stability", contents, "--seeds 16")]
    rows = [
        ("Draws", str(len(result["seeds"])), "1", f"seeds {result['seeds'][0]} to {result['seeds'][-1]}"),
        ("Spread of the pixels", significant(result["seeds_spread"]), "0", "standard deviation, of levels from 0 to 1"),
    ]
    for name, words in (("least", "Least cosine of two draws' targets"), ("mean", "Mean cosine of two draws' targets")):
        if (value := result[f"seeds_cosine_{name}"]) is not None:
            rows.append((words, significant(value), "1", f"by {plain(result['seeds_recogniser'])}"))
    blocks: list[Block] = [
        Paragraph("The same exhibit under other draws of the masking noise:"),
        Table(("quantity", "value", "None", "how to read it"), tuple(rows), (1, 2)),
        Paragraph(f"Stability: {plain(result['stability_words']) or 'not told'}. A stable target is not a true one."),
    ]
    shown = (
        Picture("seeds_mean.png", "Mean of the draws", "generated in part"),
        Picture("seeds_spread.png", "Spread of the draws", "black: none; white: a quarter of the levels or more"),
    )
    return blocks + _pictures(contents, shown, is_wide=False)


def _degradation(contents: Contents) -> list[Block]:
    result = contents.result
    if "degradation" not in result:
        return [not_computed("How the result moves under noise, JPEG and resizing", contents, "--checks")]
    rows = tuple(
        (
            _STRENGTHS.get(step["kind"], f"{plain(step['kind'])} {{}}").format(f"{step['strength']:g}"),
            _told(step["target_cosine"]),
            _told(step["source_cosine"]),
            "1",
            _told(step["map_overlap"]),
            _share(step.get("target_cosine_rank")),
        )
        for step in result["degradation"]
    )
    headings = ("disturbance of the exhibit", "target", "source", "None", "map's overlap", "test set at or below")
    caption = (
        "Cosine of identity with what was recovered from the exhibit as it is; None: no disturbance. Last column: of "
        f"the test set, the share whose target moved as far or further. {_reference(result)}"
    )
    shown = (Picture("degradation.png", "Under disturbance", "with the middle nine tenths of the test set if known"),)
    return [Table(headings, rows, (1, 2, 3, 4, 5), caption), *_pictures(contents, shown, is_wide=True)]


def _consistency(contents: Contents) -> list[Block]:
    result = contents.result
    if "consistency_identity" not in result:
        what = "The recovered source put onto the recovered target again, against the exhibit"
        return [not_computed(what, contents, "--checks")]
    rows = (
        (
            "cosine of identity",
            _told(result["consistency_identity"]),
            "1",
            _share(result.get("consistency_identity_rank")),
        ),
        ("SSIM of the region", _told(result["consistency_ssim"]), "1", _share(result.get("consistency_ssim_rank"))),
    )
    blocks: list[Block] = [
        Paragraph(
            "The recovered source, put onto the recovered target by a generator of training, against the exhibit:"
        ),
        Table(
            ("measure", "value", "None", "test set at or below"),
            rows,
            (1, 2, 3),
            f"None: the exhibit against itself. {_reference(result)}",
        ),
        Paragraph("High figures say that the two faces fit the exhibit together, not that they are true.", "note"),
    ]
    if words := result.get("consistency_words"):
        blocks.append(Paragraph(f"{plain(words[:1].upper() + words[1:])}.", "note"))
    shown = (Picture("swap_made_anew.png", "The swap made anew", "generated"),)
    return blocks + _pictures(contents, shown, is_wide=False)


def _pictures(contents: Contents, wanted: tuple[Picture, ...], *, is_wide: bool) -> list[Block]:
    """Of those that are there, and where they mean something."""
    shown = tuple(each for each in wanted if contents.status == "recovered" and contents.has(each.file))
    return [Pictures(shown, is_wide)] if shown else []


def _told(value: Any) -> str:
    return "-" if value is None else significant(value)


def _share(value: Any) -> str:
    return "-" if value is None else f"{value:.0%}"


def _reference(result: dict[str, Any]) -> str:
    words = result.get("reference")
    return f"Test set: {plain(words)}." if words else "No figures of a test set are known."
