"""The faces of a picture as a run's network takes them, each with what the gate measured of it."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from ml_collections import ConfigDict

from dfrec_jax.config.errors import ConfigError, Option
from dfrec_jax.forensics import finding, gate, plausibility
from dfrec_jax.forensics.framed import WHOLE, Framed, frame_of, framed
from dfrec_jax.forensics.gate import Check
from dfrec_jax.frozen.detection import Face

SAID = 1.0  # score of a face that a file names

Picture = UInt8[np.ndarray, "h w 3"]


class Looker:
    """What finds and frames faces for a network.

    Attributes:
      frame: in which the network sees faces.
      detector: what finds them; None where nothing does.
      face_check: whether faces are looked for, and with what, in words.
      is_said: whether a file says where faces are.
    """

    def __init__(self, config: ConfigDict, crop: str, faces: str | os.PathLike[str] | None):
        """Loads the detector.

        Args:
          config: of the run.
          crop: see `framed.frame_of`.
          faces: a file that says where faces are, `finding.faces_of_file`; None: the detector is asked.

        Raises:
          ConfigError: where a face must be found and nothing finds it, or for a file that cannot be read.
        """
        self.frame, self._size = frame_of(config, crop), config.image_size
        self._said: Mapping[str, Sequence[Face]] | None = None
        if faces is not None:
            self._said = finding.faces_of_file(faces)
        self.is_said = self._said is not None
        self.detector, self.face_check = finding.detector_for(config)
        if self.is_said:
            self.face_check = f"as {Path(faces or '').name} says"
        elif self.detector is None and self.frame != WHOLE:
            raise ConfigError(
                f"a face must be found to be framed as in training (`{self.frame.words()}`), and faces were "
                f"{self.face_check}. Or ",
                Option("faces", "FILE"),
                " says where they are, or ",
                Option("crop", "none"),
                " that pictures are cropped so",
            )

    def check_named(self, names: Sequence[str]) -> None:
        """Raises ConfigError for pictures of which the file of faces, where there is one, says nothing."""
        if self._said is not None and (missing := [name for name in names if name not in self._said]):
            raise ConfigError(
                Option("faces"),
                f": it says nothing of {', '.join(missing[:5])}, but of {', '.join(sorted(self._said)[:5])}",
            )

    def look(self, pixels: Picture, name: str, *, every: bool) -> tuple[list[Framed], Check | None]:
        """The faces with their checks and warnings, and whether there is one; None where nobody looks.

        Where there is none, the whole picture stands for it.

        Args:
          pixels: RGB.
          name: of the picture in the file of faces.
          every: see `framed`.

        Raises:
          ConfigError: for a picture that the file of faces does not name.
        """
        presence: Check | None = None
        faces: Sequence[Face] = ()
        if self._said is not None:
            self.check_named([name])
            faces, limit = self._said[name], SAID
            presence = gate.of_presence(faces, limit, self.face_check)
        elif self.detector is not None:
            proposed, limit = self.detector.find(pixels), self.detector.least_score
            presence = gate.of_presence(proposed, limit, self.face_check)
            faces = [face for face in proposed if face.score >= limit]
        found = framed(pixels, faces, self.frame, self._size, every=every)
        found = found or framed(pixels, (), WHOLE, self._size)
        first = [] if presence is None else [presence]
        return [self._measured(pixels, faces, each, first, every) for each in found], presence

    def _measured(
        self, pixels: Picture, faces: Sequence[Face], found: Framed, first: Sequence[Check], every: bool
    ) -> Framed:
        checks, warnings = [*first, gate.of_contrast(found.pixels)], list(found.warnings)
        face = found.face
        height, width = pixels.shape[:2]
        if face is not None:
            if self.detector is not None and self.detector.look_again is not None and not self.is_said:
                checks.append(gate.of_second_look(self.detector.look_again(pixels, face)))
            if not every:
                checks.append(others := gate.of_others(faces, face, height, width))
                warnings += plausibility.of_others(faces, face) if others.is_passed else []
            is_pose_known = not np.allclose(face.landmarks, finding.landmarks_of_box(face.box), atol=1e-3)
            checks += gate.of_face(pixels, face, self.frame, is_pose_known=is_pose_known)
        if found.matrix is None:
            warnings += plausibility.of_measures(pixels, self._size)
            warnings += plausibility.of_faces(faces, height, width)
        return found._replace(warnings=tuple(warnings), checks=tuple(checks))
