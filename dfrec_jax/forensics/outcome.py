"""What became of a picture or a video that somebody named."""

from pathlib import Path
from typing import NamedTuple

from dfrec_jax.forensics.recovery import RECOVERED


class Outcome(NamedTuple):
    """What became of one face: a folder with its result, or why there is none."""

    path: Path
    folder: Path | None
    warnings: tuple[str, ...]
    refusal: str  # empty where there is a result
    was_there: bool = False  # from an earlier run with the same picture, network and seed
    status: str = RECOVERED  # of a result, see `Recovery`
    reason: str = ""
