"""From the records of a folder to the document that both pages are drawn from."""

from dfrec_jax.forensics.report import candidates, closing, measuring, of_video, opening, stability, statements
from dfrec_jax.forensics.report.contents import Contents
from dfrec_jax.forensics.report.document import Document, plain

OF_PICTURE = (
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
_IN_THEIR_PLACE = {
    opening.in_plain_words: of_video.in_plain_words,
    opening.exhibit: of_video.exhibit,
    opening.done: of_video.done,
    measuring.warnings: of_video.applicability,
    measuring.generated: of_video.generated,
    measuring.measured: of_video.measured,
    stability.stability: of_video.stability,
}
OF_VIDEO = tuple(_IN_THEIR_PLACE.get(section, section) for section in OF_PICTURE)


def document(contents: Contents) -> Document:
    """The report of a folder."""
    exhibit = contents.said["exhibit"]
    title = f"Recovery of the faces behind {plain(exhibit['name'])}"
    standing = f"{statements.LEAD} Exhibit SHA-256 {exhibit['sha256'][:16]}..."
    sections = OF_VIDEO if contents.is_video else OF_PICTURE
    return Document(title, standing, contents.folder, tuple(make(contents) for make in sections))
