"""All that is written of one face: its pictures, and what is known of it."""

from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import UInt8

from dfrec_jax.files import whole
from dfrec_jax.forensics import result_folder, result_pictures
from dfrec_jax.forensics.framed import Framed
from dfrec_jax.forensics.record import record_of
from dfrec_jax.forensics.recoverer import Recoverer
from dfrec_jax.forensics.recovery import Recovery


class Exhibit(NamedTuple):
    """One face of a picture as it was found."""

    path: Path
    folder: Path  # of its result
    sha256: str  # of the bytes that `picture` was decoded from
    data: bytes  # of its file
    picture: UInt8[np.ndarray, "h w 3"]
    remarks: tuple[str, ...]  # of reading
    face: Framed | Recovery  # the latter where there is nothing to recover
    frame: int | None = None  # its number, of a video


def fill(folder: Path, exhibit: Exhibit, recovery: Recovery, recoverer: Recoverer, identity: dict[str, Any]) -> None:
    """Writes into a folder that is there.

    Args:
      folder: of the result.
      exhibit: the face.
      recovery: what became of it.
      recoverer: by which it was made.
      identity: fields by which a result is known again.
    """
    if recovery.made is not None:
        result_pictures.write(folder, exhibit.picture, recovery, recoverer)
    given = {
        "input": exhibit.path.name,
        "input_sha256": exhibit.sha256,
        "input_size": [exhibit.picture.shape[1], exhibit.picture.shape[0]],
        "frame": exhibit.frame,
    }
    warnings = (*exhibit.remarks, *recovery.warnings)
    record = given | record_of(recovery, warnings, recoverer) | identity | {"jax": jax.__version__}
    whole.write_json(folder / result_folder.RECORD, record, indent=1)
