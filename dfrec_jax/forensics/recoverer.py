"""Recovery of pictures in memory: a face is found, framed as in training, recovered, and put back in its place."""

import functools
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from dfrec_jax import perceptors
from dfrec_jax.config import defaults
from dfrec_jax.config.allowed import LARGEST_SEED
from dfrec_jax.config.errors import as_arguments, require
from dfrec_jax.forensics import degradation, evidence, gate, packed_network, reference, seeds
from dfrec_jax.forensics.assumptions import checked_assumptions
from dfrec_jax.forensics.consistency import Consistency, Swapper
from dfrec_jax.forensics.degradation import Step
from dfrec_jax.forensics.examination import Examination
from dfrec_jax.forensics.face_output import FaceOutput
from dfrec_jax.forensics.framed import CROPS, Framed
from dfrec_jax.forensics.likeness import Likeness
from dfrec_jax.forensics.looking import Looker
from dfrec_jax.forensics.recovery import NOT_APPLICABLE, RECOVERED, UNDETECTED, Picture, Recovery
from dfrec_jax.frozen.network import FrozenNetwork
from dfrec_jax.models.masking import generated_region, patch_scores
from dfrec_jax.pictures import framing, grid
from dfrec_jax.pictures.reading import ImageError, decode_image, read_bytes
from dfrec_jax.runs import compiling, shipped, trained
from dfrec_jax.weights.digest import sha256_of_variables


class Given(NamedTuple):
    """Pictures of the visible person, and the file that says where faces are."""

    visible: Sequence[Path] = ()
    faces: Path | None = None


class Recoverer:
    """A trained network and what it is told: `Recoverer("runs/mine")("photo.jpg").target`; with none named, the one
    of photographs that comes with the package.

    Attributes:
      model: what was restored.
      looker: what finds and frames faces for it.
      assumptions: what it is told of every picture.
      likeness: how alike faces are.
      identity: what says which network, draw and framing a result is of.
      workdir: of the network.
      came_with: name of the network, where it came with the package; else empty.
      packed: what is said of a packed network, `packed_network.described`; None of a run.
      given: files that a result depends on, beside the picture and the network.
      options: what else it depends on, as arguments: the same ones make it again.
    """

    @as_arguments()
    def __init__(
        self,
        workdir: str | os.PathLike[str] | None = None,
        *,
        network: str = "",
        which: str = "best",
        seed: int = 0,
        num_seeds: int = 1,
        examine: bool = False,
        crop: str = "trained",
        faces: str | os.PathLike[str] | None = None,
        assume: str = "",
        visible: Sequence[str | os.PathLike[str]] = (),
        estimate_visible: bool = False,
        force: bool = False,
        batch_size: int = 1,
        load_network: Callable[[str, ConfigDict], FrozenNetwork] = perceptors.load_network,
    ):
        """Restores the network; it is compiled with the first picture.

        Args:
          workdir: of a training run, of an imported network or of a packed one; None for `network`.
          network: one that comes with the package, `shipped.NAMES`; empty: that of photographs.
          which: checkpoint: `best`, `newest`, or a step.
          seed: of the masking noise.
          num_seeds: draws of it, from `seed` on; the result is that of the first, and says how the others differ.
          examine: whether each result is checked itself, `examination.py`.
          crop: `trained`: a face is found and framed as those of training were; `none`: the pictures are cropped
            already, and taken whole.
          faces: a JSON file that says where they are, `finding.faces_of_file`; no detector is asked then.
          assume: 'swap' where it is known that they are swaps; see `Assumptions`.
          visible: pictures of the person who is seen in all of them; see `checked_assumptions`.
          estimate_visible: whether each recovered source is taken for that person, in a second pass; without `visible`.
          force: whether what the gate stops is recovered all the same.
          batch_size: pictures that the network takes at a time.
          load_network: a frozen network by name, for a config.

        Raises:
          CheckpointError: for a workdir without the checkpoint, or a network that was changed.
          ConfigError: for an argument that is not allowed, a network that does not come with this version, what it
            cannot be told, or where a face must be found and nothing finds it.
        """
        require(crop in CROPS, "crop", crop, f"one of {CROPS}")
        require(assume in ("", "swap"), "assume", assume, "'swap', or empty")
        require(0 <= seed <= LARGEST_SEED, "seed", seed, f"from 0 to {LARGEST_SEED}")
        most = LARGEST_SEED - seed + 1
        require(1 <= num_seeds <= most, "num_seeds", num_seeds, f"from 1 to {most}")
        require(batch_size >= 1, "batch_size", batch_size, "1 or more")
        self.workdir = shipped.chosen(workdir, network)
        self.came_with, self.packed = shipped.name_of(self.workdir), packed_network.described(self.workdir)
        self.model = trained.load(self.workdir, which)
        self.looker = Looker(self.model.config, crop, faces)
        paths = [Path(path) for path in visible]
        self.assumptions = checked_assumptions(
            self.model.config, assume, paths, estimate_visible, load_network, self.looker.detector, self.looker.frame
        )
        self.batch_size, self.force = batch_size, force
        self._seeds = range(seed, seed + num_seeds)
        self.given = Given(paths, None if faces is None else Path(faces))
        self.options = {
            "seed": seed, "num_seeds": num_seeds, "examine": examine, "crop": crop, "assume": assume,
            "estimate_visible": estimate_visible, "force": force,
        }  # fmt: skip
        self.likeness = Likeness(self.model.config, load_network)
        self._swapper = Swapper(self.model.config, load_network) if examine else None
        self.identity: dict[str, Any] = {
            "seed": seed,
            "num_seeds": num_seeds,
            "examined": examine,
            "checkpoint_step": self.model.step,
            "network_sha256": sha256_of_variables(self.model.variables),
            "crop": self.looker.frame.words(),
            "force": force,
            **self.assumptions.record,
        }
        self._known, self._why_unknown = None, ""
        if examine:
            self._known, self._why_unknown = reference.read(self.workdir, self.identity["network_sha256"])
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
        (found,) = self.look(pixels, name)
        if isinstance(found, Recovery):
            return found._replace(warnings=(*remarks, *found.warnings))
        (made,) = self.make([found])
        recovery = self.recovery(pixels, found, made)
        return recovery._replace(warnings=(*remarks, *recovery.warnings))

    @as_arguments()
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

    @as_arguments()
    def look(self, pixels: Picture, name: str = "", *, every: bool = False) -> list[Framed | Recovery]:
        """The faces of a picture as the network takes them; a `Recovery` in the place of those that the gate stops, and
        one by itself where there is no face.

        Args:
          pixels: RGB.
          name: of the picture in the file of faces.
          every: see `framed`.

        Raises:
          ConfigError: for a picture that the file of faces does not name.
        """
        found, presence = self.looker.look(pixels, name, every=every)
        if presence is not None and not presence.is_passed and not self.force:
            return [Recovery(NOT_APPLICABLE, presence.words, (), checks=(presence,))]
        return [self._gated(each._replace(warnings=(*each.warnings, *self._warnings(each)))) for each in found]

    def _gated(self, found: Framed) -> Framed | Recovery:
        if gate.failed(found.checks) and not self.force:
            return Recovery(NOT_APPLICABLE, gate.reason(found.checks), found.warnings, found, checks=found.checks)
        return found

    def _warnings(self, found: Framed) -> list[str]:
        warnings = []
        if self.assumptions.needs_landmarks and found.face is None:
            warnings.append("no face was found to be compared with the visible person's: the network was told nobody")
        if self.assumptions.assume and found.face is None:
            warnings.append("no face was found in it: where the map is empty its middle is recovered")
        return warnings

    def make(self, faces: Sequence[Framed], seed: int | None = None) -> list[FaceOutput]:
        """What the network makes of at most `batch_size` faces, as arrays of the host; always in one shape, so that it
        is compiled once. By the first seed where none is named."""
        size, count = self.model.config.image_size, self.batch_size
        pixels, landmarks = np.zeros((count, size, size, 3), np.uint8), np.full((count, 5, 2), np.nan, np.float32)
        for row, face in enumerate(faces):
            pixels[row], landmarks[row] = face.pixels, face.landmarks
        drawn = np.uint32(self._seeds[0] if seed is None else seed)
        made = jax.device_get(self._run(self.model.variables, self.assumptions.recogniser, pixels, landmarks, drawn))
        return [jax.tree.map(lambda value, row=row: value[row], made) for row in range(len(faces))]

    def _network(
        self, variables: Any, recogniser: FrozenNetwork | None, pixels: jax.Array, landmarks: jax.Array, seed: jax.Array
    ) -> FaceOutput:
        config = self.model.config
        keys = jnp.broadcast_to(jax.random.key(seed), pixels.shape[:1])
        pictures = pixels.astype(jnp.float32) / 255.0
        recover = functools.partial(self.model.model.apply, variables, pictures, keys, train=False)
        output: Any = recover(**self.assumptions.options(pictures, landmarks, recogniser))
        if self.assumptions.is_estimated:
            output = recover(**self.assumptions.options(pictures, landmarks, recogniser, output.source_face))
        generated = generated_region(output.idx_mask, defaults.num_patches(config), config.tirm.patch_size)
        scores = patch_scores(output.used_map, config.tirm.patch_size)
        is_marked = jnp.max(scores, axis=-1) >= config.tirm.patch_threshold
        return FaceOutput(output, generated, is_marked, jnp.mean(scores, axis=-1))

    def recovery(self, picture: Picture, found: Framed, made: FaceOutput) -> Recovery:
        """What was `made` of a face of `picture`."""
        full = gate.of_map(float(made.mean_score), self.model.config.tirm.full_map_threshold)
        checks = (*found.checks, full)
        if gate.failed(checks) and not self.force:
            return Recovery(NOT_APPLICABLE, gate.reason(checks), found.warnings, found, checks=checks)
        in_picture = None
        if found.matrix is not None:
            target = grid.to_uint8(np.asarray(made.output.target_face))
            where = np.asarray(made.generated) * (found.inside > 0)
            in_picture = framing.put_back(picture, target, found.matrix, where)
        status, reason = RECOVERED, ""
        if not made.is_marked:
            status = UNDETECTED
            reason = "the map marks no patch of it as another's face: what was generated was drawn at random"
            reason += (
                ""
                if self.assumptions.assume
                else "; a real face, or a swap that this network cannot see (who knows that it is one: --assume swap)"
            )
        forced = [f"forced: {check.words}" for check in gate.failed(checks)]
        origins = evidence.of_result(
            np.asarray(made.output.used_map), np.asarray(made.generated), found.inside, found.matrix, *picture.shape[:2]
        )
        overruled = []
        if self.assumptions.assume and made.output.logit is not None and float(made.output.logit) < 0:
            overruled = [
                "the network takes it for a real face, and was told that it is a swap: the result rests on that"
            ]
        warnings = (*forced, *overruled, *found.warnings)
        draws, examination = self._draws(found, made), None
        if self._swapper is not None:
            examination = Examination(*self.examined(found, made), self._known, self._why_unknown)
        return Recovery(status, reason, warnings, found, made, in_picture, checks, origins, draws, examination)

    def _draws(self, found: Framed, first: FaceOutput) -> seeds.Draws | None:
        """The first draw and those of the other seeds, each as if it were the only one."""
        if len(self._seeds) < 2:
            return None
        made = [first, *(self.make([found], seed)[0] for seed in self._seeds[1:])]
        targets = [np.asarray(each.output.target_face) for each in made]
        return seeds.of_targets(self._seeds, targets, found.landmarks, self.likeness)

    def examined(self, found: Framed, made: FaceOutput) -> tuple[tuple[Step, ...], Consistency]:
        """The two checks of what was `made` of a face.

        Raises:
          ValueError: where `examine` is not set.
        """
        if self._swapper is None:
            raise ValueError("examine=True is needed for the checks of a result")
        steps = degradation.curve(found, made, self.make, self.likeness)
        return steps, self._swapper.consistency(found, made, self.likeness)
