"""The section on how the result moves: by seed, under disturbance, and put together again."""

from typing import Any

from dfrec_jax.forensics.report.contents import Contents
from dfrec_jax.forensics.report.document import Paragraph, Section
from dfrec_jax.forensics.report.measuring import not_computed

TITLE = "How the result moves"


def stability(contents: Contents) -> Section:
    """What was computed of it; of the rest, that it was not."""
    if contents.status == "not_applicable":
        return Section("stability", TITLE, (Paragraph("Nothing was recovered that could move."),))
    blocks: list[Any] = [
        not_computed("Other seeds of the masking noise (mean, spread, stability of identity)", contents, "--seeds 16"),
        not_computed("Noise, JPEG and resizing of stated strengths, and a swap made again", contents, "--checks"),
    ]
    return Section("stability", TITLE, tuple(blocks))
