"""What became of a face: what the network made of it, and whether that is given out."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, UInt8

from dfrec_jax.forensics import evidence, gate
from dfrec_jax.forensics.examination import Examination
from dfrec_jax.forensics.face_output import FaceOutput
from dfrec_jax.forensics.framed import Framed
from dfrec_jax.forensics.seeds import Draws
from dfrec_jax.models.dfrec import DfrecOutput
from dfrec_jax.pictures import grid

RECOVERED, UNDETECTED, NOT_APPLICABLE = "recovered", "undetected", "not_applicable"
Picture = UInt8[np.ndarray, "h w 3"]


class Recovery(NamedTuple):
    """What became of one face.

    Attributes:
      status: `recovered`; `undetected`: the network marks nothing as another's face, so that what it generated means
        nothing; `not_applicable`: the gate (`gate.py`) is closed, and nothing is given out.
      reason: why it is not `recovered`; empty where it is.
      warnings: what speaks against it all the same.
      framed: the face as the network took it; None where there was none.
      made: what the network made of it; None where nothing is given out.
      target_in_picture: the whole picture with the recovered target in the place of the face; None where the whole
        picture was the face.
      checks: what the gate measured, beside the limits.
      origins: where each pixel of the target comes from; None where nothing is given out.
      draws: the same under several seeds, where these were asked for.
      examination: the checks of the result itself, where they were asked for.
    """

    status: str
    reason: str
    warnings: tuple[str, ...]
    framed: Framed | None = None
    made: FaceOutput | None = None
    target_in_picture: Picture | None = None
    checks: tuple[gate.Check, ...] = ()
    origins: evidence.Evidence | None = None
    draws: Draws | None = None
    examination: Examination | None = None

    @property
    def source(self) -> UInt8[np.ndarray, "s s 3"]:
        """The recovered source. Raises ValueError where nothing was recovered."""
        return grid.to_uint8(np.asarray(self._output().source_face))

    @property
    def target(self) -> UInt8[np.ndarray, "s s 3"]:
        """The recovered target. Raises ValueError where nothing was recovered."""
        return grid.to_uint8(np.asarray(self._output().target_face))

    @property
    def source_map(self) -> Float[np.ndarray, "s s 1"]:
        """The map that was used, in [0, 1]. Raises ValueError where nothing was recovered."""
        return np.asarray(self._output().used_map)

    def _output(self) -> DfrecOutput:
        if self.made is None:
            raise ValueError(f"nothing was recovered: {self.reason}")
        return self.made.output
