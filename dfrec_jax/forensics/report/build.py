"""From the records of a folder to the document that both pages are drawn from."""

from dfrec_jax.forensics.report import candidates, closing, measuring, opening, stability, statements
from dfrec_jax.forensics.report.contents import Contents
from dfrec_jax.forensics.report.document import Document, plain

SECTIONS = (
    opening.in_plain_words,
    opening.case,
    opening.exhibit,
    opening.propositions,
    opening.done,
    measuring.warnings,
    measuring.generated,
    measuring.measured,
    stability.stability,
    candidates.candidates,
    measuring.reliability,
    closing.limits,
    closing.repeat,
    closing.features,
    closing.second_reader,
    closing.demands,
)


def document(contents: Contents) -> Document:
    """The report of a folder."""
    exhibit = contents.said["exhibit"]
    title = f"Recovery of the faces behind {plain(exhibit['name'])}"
    standing = f"{statements.LEAD} Exhibit SHA-256 {exhibit['sha256'][:16]}..."
    return Document(title, standing, contents.folder, tuple(make(contents) for make in SECTIONS))
