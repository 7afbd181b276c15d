"""The last sections of a report: its limits, how to repeat it, and the sheets that people fill in."""

from dfrec_jax.forensics.report import contents as names
from dfrec_jax.forensics.report import statements
from dfrec_jax.forensics.report.contents import Contents
from dfrec_jax.forensics.report.demands import DEMANDS
from dfrec_jax.forensics.report.document import Bullets, Facts, Paragraph, Section, Sheet, Table, plain

# Features of a face that people compare; the columns are left blank.
FEATURES = (
    "Skin: tone, texture, marks, scars",
    "Face: shape, proportions",
    "Hairline, hair",
    "Forehead",
    "Eyebrows",
    "Eyes: shape, folds, iris",
    "Nose: bridge, tip, nostrils",
    "Mouth: lips, corners, philtrum",
    "Chin, jaw line",
    "Ears",
    "Facial lines",
    "Facial hair",
    "Other",
)


def limits(contents: Contents) -> Section:
    """What the method cannot do."""
    del contents
    return Section("limits", "Limits of the method", (Bullets(statements.LIMITS),))


def repeat(contents: Contents) -> Section:
    """Hashes, versions, seeds and the command: what another laboratory needs."""
    said, result = contents.said, contents.result
    made, network, seeds = said["made"], said["network"], result.get("seeds", ())
    rows = [
        ("SHA-256 of the exhibit", said["exhibit"]["sha256"]),
        ("SHA-256 of the weights", f"{result['network_sha256']} (of every variable's name, type, shape and values)"),
        ("SHA-256 of the config", f"{network['config_sha256']} ({names.CONFIG}, in this folder)"),
        ("Network", f"{plain(network.get('came_with') or network['workdir'])}, step {result['checkpoint_step']}"),
        (
            "Seed",
            str(result["seed"]) if len(seeds) < 2 else f"{seeds[0]} to {seeds[-1]}; the result is that of the first",
        ),
        ("Command", plain(made["command"])),
        ("Working folder", plain(made["folder"])),
        ("Time", made["time"]),
        ("Device", plain(made["device"])),
        ("Version of the program", plain(made["commit"]) or f"dfrec-jax {result['dfrec_jax']}, not from a repository"),
        ("Versions", plain(", ".join(f"{name} {version}" for name, version in made["environment"].items()))),
        ("Format of this report", str(said["format"])),
        ("Signature", _signature(contents)),
    ]
    where, key = (
        "" if network.get("came_with") else " --workdir WORKDIR",
        " --key PUBLIC.pem" if said["signed_by"] else "",
    )
    check = f"`dfrec verify FOLDER{where} --exhibit FILE{key}`"
    return Section(
        "repeat",
        "How to repeat it",
        (
            Facts(tuple(rows)),
            Paragraph(
                f"{check} checks the hash of every file of this folder (`{names.MANIFEST}`), the signature where there "
                "is one, draws these pages once more, runs the network again and compares."
            ),
        ),
    )


def _signature(contents: Contents) -> str:
    key = contents.said["signed_by"]
    if not key:
        return "none: whoever has this folder could have changed it, and its hashes with it"
    return f"Ed25519, in {names.SIGNATURE}; SHA-256 of the public key {key}. Whose key it is must be known otherwise"


def features(contents: Contents) -> Section:
    """The blank sheet of a comparison."""
    del contents
    return Section(
        "features",
        "Feature sheet, for a person to fill in",
        (
            Paragraph(
                "The program fills in nothing here, and draws no conclusion. Compare with photographs of known origin, "
                "not with the recovered face alone. Strike out what was generated: a feature that a network drew is no "
                "feature of a person."
            ),
            Sheet(("feature", "exhibit", "compared picture", "alike, unlike, cannot be told"), FEATURES),
            Sheet(("", ""), ("Conclusion, and its reasons", "Examiner", "Date, signature")),
        ),
    )


def second_reader(contents: Contents) -> Section:
    """Room for whoever checks it."""
    name = plain(contents.said["case"]["second_verifier"])
    lines = (
        f"Name: {name}" if name else "Name",
        "What was checked, and how",
        "Agrees, disagrees, and why",
        "Date, signature",
    )
    return Section(
        "second-reader",
        "Second reader",
        (
            Paragraph("To be read by a second person, who does not know the first one's conclusion."),
            Sheet(("", ""), lines),
        ),
    )


def demands(contents: Contents) -> Section:
    """Which section answers what is asked of a report."""
    del contents
    rows = []
    for demand in DEMANDS:
        source = demand.source + (" (general knowledge, not looked up)" if demand.is_general else "")
        rows.append((source, demand.asked, ", ".join(TITLES[anchor] for anchor in demand.sections)))
    return Section(
        "demands",
        "What is asked of a report, and where it stands",
        (
            Paragraph(statements.NO_CLAIM),
            Table(("asked by", "asked for", "section"), tuple(rows)),
        ),
    )


# Short names of sections, by anchor, for the table of demands.
TITLES = {
    "plain": "In plain words",
    "case": "The case",
    "exhibit": "The exhibit",
    "propositions": "The question",
    "done": "What was done",
    "applicability": "Whether it applies",
    "generated": "What was generated",
    "measured": "Measured",
    "stability": "How it moves",
    "candidates": "Candidates",
    "reliability": "Reliability",
    "limits": "Limits",
    "repeat": "How to repeat it",
    "features": "Feature sheet",
    "second-reader": "Second reader",
    "demands": "What is asked",
}
