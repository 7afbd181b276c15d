"""The sections of a report that hold figures."""

from typing import Any

from dfrec_jax.forensics.report import statements
from dfrec_jax.forensics.report.contents import Contents
from dfrec_jax.forensics.report.document import (
    Bullets,
    Facts,
    Paragraph,
    Picture,
    Pictures,
    Section,
    Table,
    interval,
    plain,
    significant,
)
from dfrec_jax.forensics.report.network import DETECTION, METRICS


def not_computed(what: str, contents: Contents, options: str) -> Paragraph:
    """Says that something was not computed, and the command that computes it."""
    name = plain(contents.said["exhibit"]["name"])
    command = f"dfrec recover {name} --workdir {plain(contents.said['network']['workdir'])} --out OTHER --report"
    return Paragraph(f"{what}: not computed. `{command} {options}` computes it.", "note")


def generated(contents: Contents) -> Section:
    """Which pixels were generated."""
    result = contents.result
    title = "What is the exhibit's own, and what was generated"
    if contents.status == "not_applicable":
        return Section("generated", title, (Paragraph("Nothing was generated."),))
    patches, of, side = result["generated_patches"], result["num_patches"], result["patch_size"]
    blocks: list[Any] = [
        Paragraph(
            f"The recovered target is made of {of} patches of {side} x {side} pixels. {len(patches)} of them "
            f"({len(patches) / of:.0%}) were generated; every other pixel of it is the exhibit's own. All of the "
            "recovered source was generated."
        ),
        Paragraph(f"Generated patches, row by row from 0: {_ranges(patches)}.", "note"),
        Paragraph(
            "Every picture that was generated carries a label beneath it, and IPTC's digital source type "
            "(`trainedAlgorithmicMedia`, `compositeWithTrainedAlgorithmicMedia`) in its XMP."
        ),
    ]
    if contents.status == "recovered" and contents.has("target_in_picture.png"):
        words = "generated in part: the recovered target in the place of the face"
        wide = Picture("target_in_picture.png", "The whole picture", words)
        blocks.append(Pictures((wide,), is_wide=True))
    return Section("generated", title, tuple(blocks))


def _ranges(patches: list[int]) -> str:
    """`0-3, 7` of 0, 1, 2, 3, 7."""
    parts: list[list[int]] = []
    for patch in patches:
        if parts and patch == parts[-1][1] + 1:
            parts[-1][1] = patch
        else:
            parts.append([patch, patch])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in parts) or "none"


def measured(contents: Contents) -> Section:
    """Figures of this exhibit, each beside that of the exhibit as it is."""
    if contents.status == "not_applicable":
        return Section("measured", "Measured on this exhibit", (Paragraph("Nothing was measured."),))
    result = contents.result
    share = len(result["generated_patches"]) / result["num_patches"]
    score = result["forgery_score_uncalibrated"]
    rows = [
        (
            "Share of the target's patches that was generated",
            significant(share),
            "0",
            "the higher, the more of it is a guess",
        ),
        (
            "Mean of the map",
            significant(result["mean_map"]),
            "0",
            "how much of the face the network takes for the source's, from 0 to 1",
        ),
        (
            "The classifier's score",
            "not given" if score is None else significant(score),
            "does not apply",
            "from 0 to 1, not calibrated: no probability",
        ),
    ]
    similarity = contents.said["similarity"]
    rows += [
        (f"Cosine of identity, {words} and exhibit", significant(similarity[name]), "1", "1: the same picture")
        for name, words in (("target", "recovered target"), ("source", "recovered source"))
        if name in similarity
    ]
    blocks: list[Any] = [
        Table(("quantity", "value", "None", "how to read it"), tuple(rows), (1, 2)),
        Paragraph(statements.NONE_BESIDE, "note"),
        Paragraph(
            "Values have three significant digits. They are repeated to the bit on the machine that made them; between "
            "machines they differ in the last digits, and `dfrec verify` says by how much.",
            "note",
        ),
        _recognisers(contents),
    ]
    if reason := similarity.get("reason"):
        blocks.append(Paragraph(f"Cosine of identity: not computed. {plain(reason)}.", "note"))
    return Section("measured", "Measured on this exhibit", tuple(blocks))


def _recognisers(contents: Contents) -> Paragraph:
    network = contents.said["network"]
    metric, losses = plain(network["recogniser_of_metrics"]), network["networks_of_losses"]
    words = statements.SAME_RECOGNISER if metric in losses else statements.OTHER_RECOGNISER
    return Paragraph(words.format(metric=metric, losses=plain(", ".join(losses)) or "none"), "note")


def reliability(contents: Contents) -> Section:
    """What the network's run measured on its test set, None beside it."""
    said = contents.said["network"]["reliability"]
    blocks: list[Any] = []
    if said["reason"]:
        blocks.append(Paragraph(f"{plain(said['reason'][:1].upper() + said['reason'][1:])}.", "alarm"))
    cells: dict[tuple[str, ...], dict[str, Any]] = {}
    for row in said["recovery"]:
        cells.setdefault((row["role"], row["metric"], row["attack"], row["dataset"]), {})[row["row"]] = row
    lines = []
    for (role, metric, attack, dataset), row in cells.items():
        some = row.get("DFREC") or next(iter(row.values()))
        figures = (_cell(row.get(name)) for name in ("None", "inpainting without f_t", "DFREC"))
        by = plain(some["network"]) or "pixels"
        lines.append((role, dict(METRICS)[metric], _test_set(dataset, attack), *figures, str(some["n"]), by))
    if lines:
        headings = ("face", "measure", "test set", "None", "plain inpainting", "this network", "n", "by")
        caption = "In brackets the 95 % interval of resampling people. None: the forgery as it is."
        blocks.append(Table(headings, tuple(lines), (3, 4, 5, 6), caption))
    if said["detection"]:
        rows = tuple(
            (dict(DETECTION)[row["metric"]], _test_set(row["dataset"], row["attack"]), _cell(row), str(row["n"]))
            for row in said["detection"]
        )
        caption = "Told real from forged, by all of the test set. The AUC and Acc_id of None, and of a guess: 0.5."
        blocks.append(Table(("measure", "test set", "this network", "n"), rows, (2, 3), caption))
    blocks.append(_recognisers(contents))
    return Section("reliability", "How reliable this network was on its test set", tuple(blocks))


def _test_set(dataset: str, attack: str) -> str:
    return plain(dataset if attack in ("", "all") else f"{dataset}, {attack}")


def _cell(row: dict[str, Any] | None) -> str:
    if row is None:
        return "-"
    if row["low"] is None or row["high"] is None:
        return significant(row["value"])
    return interval(row["value"], row["low"], row["high"])


def warnings(contents: Contents) -> Section:
    """Whether the method applies to this exhibit: outcome, warnings, and what was not told."""
    result = contents.result
    blocks: list[Any] = [
        Facts((("Outcome", contents.status), ("Reason", plain(result["reason"]) or "none: it applies")))
    ]
    if checks := result.get("checks"):
        rows = tuple(_check(each) for each in checks)
        caption = "What was measured, beside the limit that it must keep to. A dash: not told, which does not stop it."
        blocks.append(Table(("measure", "outcome", "value", "limit"), rows, (2, 3), caption))
    else:
        blocks.append(Paragraph("Size, sharpness and pose of the face were not measured beside limits.", "note"))
    if result.get("force"):
        blocks.append(Paragraph("The operator forced the recovery (`--force`) whatever the limits say.", "alarm"))
    if result["warnings"]:
        blocks += [Paragraph("Warnings:"), Bullets(tuple(plain(each) for each in result["warnings"]))]
    else:
        blocks.append(Paragraph("There was no warning.", "note"))
    blocks.append(Paragraph(statements.SWAPPER_UNKNOWN))
    blocks.append(Paragraph(f"Training saw {plain(contents.said['network']['trained_on'])}.", "note"))
    return Section("applicability", "Whether the method applies to this exhibit", tuple(blocks))


def _check(check: dict[str, Any]) -> tuple[str, str, str, str]:
    side, limit = ("at least", check["least"]) if "least" in check else ("at most", check["most"])
    outcome = "passed" if check["passed"] else "stopped"
    value = "-" if check["value"] is None else significant(check["value"])
    return check["name"].replace("_", " "), plain(check["words"]) or outcome, value, f"{side} {significant(limit)}"
