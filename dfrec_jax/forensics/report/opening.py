"""The first sections of a report: plain words, the case, the exhibit, the question, what was done."""

from collections.abc import Iterator, Mapping
from typing import Any

from dfrec_jax.forensics.report import statements
from dfrec_jax.forensics.report.case import TITLES
from dfrec_jax.forensics.report.contents import Contents
from dfrec_jax.forensics.report.document import Bullets, Facts, Paragraph, Picture, Pictures, Section, plain

NOT_ASSUMED = "The network was left to say whether the exhibit is a swap."
ASSUMED = "That the exhibit is a face swap was assumed (`--assume swap`), and is no finding of this report."


def warned(contents: Contents) -> Iterator[Paragraph]:
    """What must be read first, whatever the exhibit is: that it is a lead, and what speaks against the network."""
    yield Paragraph(statements.LEAD, "lead")
    yield Paragraph(statements.NO_IDENTIFICATION)
    if contents.said["network"].get("is_of_drawn_faces"):
        yield Paragraph(statements.DRAWN_FACES, "alarm")
    if not contents.said["network"]["reliability"]["recovery"]:
        yield Paragraph(statements.NOT_MEASURED, "alarm")
    if gains := contents.said["network"].get("gains"):
        values = [gain["gain"] for gain in gains]
        several = f"from {min(values):+.3f} to {max(values):+.3f}, by test set,"
        gained = f"{values[0]:+.3f}" if len(values) == 1 else several
        yield Paragraph(statements.GAINED.format(gained=gained), "alarm" if min(values) <= 0 else "")
    if contents.result.get("assume") and contents.status != "not_applicable":
        yield Paragraph(ASSUMED, "alarm")


def in_plain_words(contents: Contents) -> Section:
    """What must be read first: that it is a lead, and what became of the exhibit."""
    result = contents.result
    blocks: list[Any] = list(warned(contents))
    if contents.status == "recovered":
        blocks += [
            Paragraph(
                "In a face swap the face of one person, the source, is put over the face of another, the target. From "
                f"the exhibit {plain(result['input'])} the network drew both faces. {share(result)}"
            ),
            Pictures(
                (
                    Picture("input.png", "The face in the exhibit", "as the network saw it"),
                    Picture("target.png", "Recovered target", "generated in part: the face that was covered"),
                    Picture("source.png", "Recovered source", "generated: the face that was put there"),
                    Picture("map.png", "Map", "white: what the network takes for the source's"),
                )
            ),
        ]
    else:
        blocks.append(
            Paragraph(f"Nothing was recovered. The outcome is `{contents.status}`: {plain(result['reason'])}.")
        )
        if contents.status == "undetected":
            words = (
                "What the network drew all the same was drawn at random. It lies in the folder and is not shown here."
            )
            blocks.append(Paragraph(words))
    if contents.search is not None:
        blocks.append(Paragraph(statements.LISTED))
    blocks.append(Paragraph(statements.UNCALIBRATED))
    return Section("plain", "In plain words", tuple(blocks))


def share(result: Mapping[str, Any]) -> str:
    """How much of a recovered target was generated, in a sentence or two."""
    generated, of = len(result["generated_patches"]), result["num_patches"]
    own, beyond = "", ""
    if result.get("share_beyond"):
        own = f", {result['share_generated']:.0%} of what the exhibit itself has of it"
        beyond = " or lie beyond its border"
    return (
        f"Of the recovered target {generated} of {of} patches ({generated / of:.0%}) were generated{own}; the others "
        f"are copied from the exhibit{beyond}. The whole recovered source was generated."
    )


def case(contents: Contents) -> Section:
    """What the operator said; blank where nothing was said."""
    said = dict(contents.said["case"])
    if contents.search is not None and not said["gallery_origin"] and (origin := contents.search["gallery"]["origin"]):
        said["gallery_origin"] = f"{origin} (as its maker says)"
    rows = [(title, plain(said[name])) for name, title in TITLES.items()]
    rows.append(("Time of this report", contents.said["made"]["time"]))
    words = "As the operator gave it; the program checked none of it. What was not given is left to be written in."
    return Section("case", "The case", (Facts(tuple(rows)), Paragraph(words, "note")))


def exhibit(contents: Contents) -> Section:
    """The file, its hash, and what it says of itself."""
    said = contents.said["exhibit"]
    width, height = contents.result["input_size"]
    rows = [
        ("File", plain(said["name"])),
        ("SHA-256", said["sha256"]),
        ("Size", f"{said['num_bytes']} bytes, {width} x {height} pixels, {said['format']}, {said['mode']}"),
        ("Working copy", f"{said['copy']}, in the folder of this report, the same to the bit"),
    ]
    blocks = [Facts(tuple(rows)), Paragraph("EXIF, which anybody can write:")]
    exif = said["exif"]
    blocks.append(Facts(tuple(exif.items())) if exif else Paragraph("The file holds none.", "note"))
    blocks += c2pa(said["c2pa"])
    return Section("exhibit", "The exhibit", tuple(blocks))


def _where(result: dict[str, Any]) -> str:
    box = result.get("face_box")
    return "" if box is None else ", and taken at ({:g}, {:g}) to ({:g}, {:g}), pixels from the upper left".format(*box)


def c2pa(said: Mapping[str, Any]) -> list[Paragraph | Facts]:
    """What became of looking for a C2PA manifest."""
    return [Paragraph("C2PA manifest, read without asking anything of the network:"), *_manifest(said)]


def _manifest(said: Mapping[str, Any]) -> list[Paragraph | Facts]:
    reader = said.get("reader", "")
    if said["status"] == "not looked for":
        return [Paragraph(f"Not looked for: {said['reason']}.", "note")]
    if said["status"] == "none":
        return [Paragraph(f"The file holds none ({reader}). That says nothing of where it comes from.", "note")]
    if said["status"] == "unreadable":
        return [Paragraph(f"One is there and cannot be read ({reader}): {said['reason']}", "alarm")]
    codes = said["codes"]
    rows = (
        ("State", said["state"]),
        ("List of trust", said["trust_list"]),
        ("Status codes, failure", ", ".join(codes["failure"]) or "none"),
        ("Status codes, success", ", ".join(codes["success"]) or "none"),
        ("Claim generator", said["claim_generator"] or "not said"),
        ("Signed by", f"{said['signed_by'] or 'not said'} {said['signed_at']}".strip()),
        ("Assertions", ", ".join(said["assertions"]) or "none"),
        ("Specification", f"as {reader} reads it"),
    )
    return [Facts(rows)]


def propositions(contents: Contents) -> Section:
    """H1 and H2 of either face, and the population that H2 speaks of."""
    population = population_of(contents)
    named = f"Background population: {population}." if population else "No background population was named."
    return Section(
        "propositions",
        "The question, and its alternatives",
        (
            Facts(statements.PROPOSITIONS),
            Paragraph(named),
            Paragraph("The report weighs neither of them where no likelihood ratio is given below.", "note"),
        ),
    )


def population_of(contents: Contents) -> str:
    """The name of the background population of a calibration; empty without one."""
    calibration = (contents.search or {}).get("calibration")
    return plain(calibration["population"]) if calibration else ""


def told_who_is_seen(result: Mapping[str, Any]) -> Iterator[str]:
    """That the operator said who is seen, by pictures, or that it was to be estimated; nothing where neither was."""
    if hashes := result.get("visible_sha256"):
        words = f"The network was told who is seen, by {len(hashes)} reference(s): SHA-256 {', '.join(hashes)}."
        yield f"{words} That it is that person the operator says; the program did not check it."
    if result.get("visible_estimated"):
        yield (
            "Who is seen was to be taken from the network's own recovered source (`--estimate-visible`), an estimate: "
            "where a first pass recovers one, and its face can be compared, the result is that of a second, told so."
        )


def done(contents: Contents) -> Section:
    """The steps of the program, in order."""
    result, said = contents.result, contents.said
    network = said["network"]
    steps = [
        "The file was read once; its SHA-256 and its pixels are of the same bytes.",
        f"A face was {plain(result['face'])}{_where(result)}. Framing: `{plain(result['crop'])}`.",
    ]
    if contents.status != "not_applicable":
        steps += [
            f"The network `{plain(result['config'])}` (step {result['checkpoint_step']}) saw the face at "
            f"{result['network_size']} x {result['network_size']} pixels and drew its map, the source, and the patches "
            f"of the target that it masked. Mode: {result['mode']}. Map used: {result['map']}.",
            f"Masking noise was drawn from seed {result['seed']}; another seed draws another target.",
            ASSUMED if result.get("assume") else NOT_ASSUMED,
        ]
    steps.extend(told_who_is_seen(result))
    if contents.search is not None:
        steps.append("The faces were compared with those of a gallery; see the candidates below.")
    steps.append("The program interprets nothing. Whoever draws a conclusion from this report signs for it.")
    return Section(
        "done",
        "What was done",
        (Bullets(tuple(steps)), Paragraph(f"Trained on: {plain(network['trained_on'])}.", "note")),
    )
