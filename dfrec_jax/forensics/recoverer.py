"""Recovery of pictures in memory: a face is found, framed as in training, recovered, and put back in its place."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, UInt8
from ml_collections import ConfigDict

from dfrec_jax import perceptors
from dfrec_jax.config import defaults
from dfrec_jax.config.errors import ConfigError
from dfrec_jax.forensics import finding, plausibility
from dfrec_jax.forensics import told as told_lib
from dfrec_jax.forensics.framed import WHOLE, Framed, frame_of, framed
from dfrec_jax.frozen.detection import Face
from dfrec_jax.frozen.network import FrozenNetwork
from dfrec_jax.models.dfrec import DfrecOutput
from dfrec_jax.models.masking import generated_region, patch_scores
from dfrec_jax.pictures import framing, grid
from dfrec_jax.pictures.reading import ImageError, decode_image, read_bytes
from dfrec_jax.runs import compiling, trained
from dfrec_jax.weights.digest import sha256_of_variables

RECOVERED, UNDETECTED, NOT_APPLICABLE = "recovered", "undetected", "not_applicable"
Picture = UInt8[np.ndarray, "h w 3"]


class Made(NamedTuple):
    """What the network makes of a face.

    Attributes:
      output: all that it says.
      generated: 1 on the pixels of the target that were generated, 0 where they are the picture's own.
      is_marked: whether the score of a patch reaches the threshold of Algorithm 1, below which chance masks it.
    """

    output: DfrecOutput
    generated: Float[np.ndarray | Array, "*b s s 1"]
    is_marked: Bool[np.ndarray | Array, "*b"]


class Recovery(NamedTuple):
    """What became of one face.

    Attributes:
      status: `recovered`; `undetected`: the network marks nothing as another's face, so that what it generated means
        nothing; `not_applicable`: no face was there to be recovered.
      reason: why it is not `recovered`; empty where it is.
      warnings: what speaks against it all the same.
      framed: the face as the network took it; None where there was none.
      made: what the network made of it; None where it was not asked.
      target_in_picture: the whole picture with the recovered target in the place of the face; None where the whole
        picture was the face.
    """

    status: str
    reason: str
    warnings: tuple[str, ...]
    framed: Framed | None = None
    made: Made | None = None
    target_in_picture: Picture | None = None

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


class Given(NamedTuple):
    """Pictures of the visible person, and the file that says where faces are."""

    visible: Sequence[Path] = ()
    faces: Path | None = None


class Recoverer:
    """A trained network and what it is told: `Recoverer("runs/mine")("photo.jpg").target`.

    Attributes:
      model: what was restored.
      frame: in which it sees faces.
      told: what it is told of every picture.
      face_check: whether faces are looked for, and with what, in words.
      identity: what says which network, draw and framing a result is of.
      workdir: of the network.
      given: files that a result depends on, beside the picture and the network.
      options: what else it depends on, as arguments: the same ones make it again.
    """

    def __init__(
        self,
        workdir: str | os.PathLike[str],
        *,
        which: str = "best",
        seed: int = 0,
        crop: str = "trained",
        faces: str | os.PathLike[str] | None = None,
        assume: str = "",
        visible: Sequence[str | os.PathLike[str]] = (),
        batch_size: int = 1,
        load_network: Callable[[str, ConfigDict], FrozenNetwork] = perceptors.load_network,
    ):
        """Restores the network; it is compiled with the first picture.

        Args:
          workdir: of a training run or of an imported network.
          which: checkpoint: `best`, `newest`, or a step.
          seed: of the masking noise.
          crop: `trained`: a face is found and framed as those of training were; `none`: the pictures are cropped
            already, and taken whole.
          faces: a JSON file that says where they are, `finding.faces_of_file`; no detector is asked then.
          assume: 'swap' where it is known that they are swaps; see `told.Told`.
          visible: pictures of the person who is seen in all of them; see `told.told`.
          batch_size: pictures that the network takes at a time.
          load_network: a frozen network by name, for a config.

        Raises:
          CheckpointError: for a workdir without the checkpoint.
          ConfigError: for what the network cannot be told, or where a face must be found and nothing finds it.
        """
        self.model = trained.load(workdir, which)
        self.frame = frame_of(self.model.config, crop)
        self._given: Mapping[str, Sequence[Face]] | None = None
        if faces is not None:
            self._given = finding.faces_of_file(faces)
        self._detector, self.face_check = finding.detector_for(self.model.config)
        if self._given is not None:
            self.face_check = f"as {Path(faces or '').name} says"
        elif self._detector is None and self.frame != WHOLE:
            raise ConfigError(
                f"a face must be found to be framed as in training (`{self.frame.words()}`), and faces were "
                f"{self.face_check}. Or --faces FILE says where they are, or --crop none that pictures are cropped so"
            )
        paths = [Path(path) for path in visible]
        self.told = told_lib.told(self.model.config, assume, paths, load_network, self._detector, self.frame)
        self.batch_size, self._seed = batch_size, seed
        self.workdir, self.given = Path(workdir), Given(paths, None if faces is None else Path(faces))
        self.options = {"seed": seed, "crop": crop, "assume": assume}
        self.identity: dict[str, Any] = {
            "seed": seed,
            "checkpoint_step": self.model.step,
            "network_sha256": sha256_of_variables(self.model.variables),
            "crop": self.frame.words(),
            **self.told.record,
        }
        self._run = compiling.announced(jax.jit(self._network), "the network")

    def __call__(self, picture: str | os.PathLike[str] | Picture) -> Recovery:
        """Recovers the largest face near the middle of a picture.

        Args:
          picture: a file, or RGB levels.

        Raises:
          ImageError: for a file that is no picture that can be read.
        """
        if isinstance(picture, np.ndarray):
            pixels, remarks, name = picture, [], ""
        else:
            pixels, remarks = decode_image(read_bytes(picture), picture)
            name = Path(picture).name
        looked = self.look(pixels, name)
        if isinstance(looked, Recovery):
            return looked._replace(warnings=(*remarks, *looked.warnings))
        found = looked[0]
        (made,) = self.make([found])
        recovery = self.recovery(pixels, found, made)
        return recovery._replace(warnings=(*remarks, *recovery.warnings))

    def report(
        self, picture: str | os.PathLike[str], out: str | os.PathLike[str], *, sign: str | None = None, **case: str
    ) -> Path:
        """Recovers the largest face near the middle of a file, and writes its report: `<out>/<stem>`, which it returns.

        Args:
          picture: a file.
          out: folder of the results.
          sign: PEM of an Ed25519 private key that signs; None: not signed.
          **case: words of the operator, `report.case.Case`: `operator="A. Examiner"`, `case_number`, ...

        Raises:
          ConfigError: for a key that cannot be used.
          ImageError: for a file that is no picture, or whose folder holds another result.
          OSError: where nothing can be written.
        """
        from dfrec_jax.forensics.recover import recover  # it takes a Recoverer
        from dfrec_jax.forensics.report import sealing
        from dfrec_jax.forensics.report.case import Case
        from dfrec_jax.forensics.report.write import Report

        key = None if sign is None else sealing.private_key(sign)
        (outcome,) = recover([picture], self, out, report=Report(self, Case(**case), key=key))
        if outcome.folder is None:
            raise ImageError(outcome.refusal)
        return outcome.folder

    def check_named(self, names: Sequence[str]) -> None:
        """Raises ConfigError for pictures of which the file of faces, where there is one, says nothing."""
        if self._given is not None and (missing := [name for name in names if name not in self._given]):
            raise ConfigError(
                f"--faces: it says nothing of {', '.join(missing[:5])}, but of {', '.join(sorted(self._given)[:5])}"
            )

    def look(self, pixels: Picture, name: str = "", *, every: bool = False) -> list[Framed] | Recovery:
        """The faces of a picture as the network takes them; where there is none, a `Recovery` that says so.

        Args:
          pixels: RGB.
          name: of the picture in the file of faces.
          every: see `framed`.

        Raises:
          ConfigError: for a picture that the file of faces does not name.
        """
        faces: Sequence[Face] = ()
        if self._given is not None:
            self.check_named([name])
            faces = self._given[name]
        elif self._detector is not None:
            faces = self._detector.find(pixels)
        found = framed(pixels, faces, self.frame, self.model.config.image_size, every=every)
        if not found:
            return Recovery(NOT_APPLICABLE, f"{plausibility.NO_FACE} ({self.face_check})", ())
        return [each._replace(warnings=(*each.warnings, *self._warnings(pixels, faces, each))) for each in found]

    def _warnings(self, pixels: Picture, faces: Sequence[Face], found: Framed) -> list[str]:
        warnings = []
        if found.matrix is None:
            warnings += plausibility.of_measures(pixels, self.model.config.image_size)
            if self._given is not None or self._detector is not None:
                warnings += plausibility.of_faces(faces, *pixels.shape[:2])
        if self.told.needs_landmarks and found.face is None:
            warnings.append("no face was found to be compared with the visible person's: the network was told nobody")
        if self.told.assume and found.face is None:
            warnings.append("no face was found in it: where the map is empty its middle is recovered")
        return warnings

    def make(self, faces: Sequence[Framed]) -> list[Made]:
        """What the network makes of at most `batch_size` faces, as arrays of the host; always in one shape, so that it
        is compiled once."""
        size, count = self.model.config.image_size, self.batch_size
        pixels, landmarks = np.zeros((count, size, size, 3), np.uint8), np.full((count, 5, 2), np.nan, np.float32)
        for row, face in enumerate(faces):
            pixels[row], landmarks[row] = face.pixels, face.landmarks
        made = jax.device_get(self._run(self.model.variables, self.told.recogniser, pixels, landmarks))
        return [jax.tree.map(lambda value, row=row: value[row], made) for row in range(len(faces))]

    def _network(
        self, variables: Any, recogniser: FrozenNetwork | None, pixels: jax.Array, landmarks: jax.Array
    ) -> Made:
        config = self.model.config
        keys = jnp.broadcast_to(jax.random.key(self._seed), pixels.shape[:1])
        pictures = pixels.astype(jnp.float32) / 255.0
        options = self.told.options(pictures, landmarks, recogniser)
        output: Any = self.model.model.apply(variables, pictures, keys, train=False, **options)
        generated = generated_region(output.idx_mask, defaults.num_patches(config), config.tirm.patch_size)
        scores = patch_scores(output.used_map, config.tirm.patch_size)
        return Made(output, generated, jnp.max(scores, axis=-1) >= config.tirm.patch_threshold)

    def recovery(self, picture: Picture, found: Framed, made: Made) -> Recovery:
        """What was `made` of a face of `picture`."""
        in_picture = None
        if found.matrix is not None:
            target = grid.to_uint8(np.asarray(made.output.target_face))
            where = np.asarray(made.generated) * (found.inside > 0)
            in_picture = framing.put_back(picture, target, found.matrix, where)
        status, reason = RECOVERED, ""
        if not made.is_marked:
            status = UNDETECTED
            reason = "the map marks no patch of it as another's face: what was generated was drawn at random"
            reason += "" if self.told.assume else "; --assume swap recovers the face's region"
        return Recovery(status, reason, found.warnings, found, made, in_picture)
