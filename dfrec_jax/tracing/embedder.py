"""From a picture to the embedding of its face: found and framed as `dfrec recover` does, told apart by a recogniser."""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float, UInt8

from dfrec_jax import perceptors
from dfrec_jax.config import defaults
from dfrec_jax.config.errors import ConfigError
from dfrec_jax.forensics import finding
from dfrec_jax.forensics.framed import WHOLE, Framed, frame_of, framed
from dfrec_jax.frozen import dlib_recogniser
from dfrec_jax.frozen.detection import Face
from dfrec_jax.frozen.network import FrozenNetwork
from dfrec_jax.synthetic import encoders
from dfrec_jax.weights import digest

DEFAULT_RECOGNISER = "mobilefacenet-foamliu"  # recogniser B, which took part in no loss of `configs/`
SIZE = 224  # pixels of a crop of a photograph; recognisers reduce it to what they take
NO_FACE = "no face was found in it"

Picture = UInt8[np.ndarray, "h w 3"]


class Identity(NamedTuple):
    """What embeddings must have in common to be compared; stands in galleries, records and calibrations.

    Attributes:
      recogniser: by its name in the weights registry, an encoder of drawn faces, or dlib's (`dlib_recogniser.NAME`).
      recogniser_sha256: of its variables.
      frame: how faces were cut out, in the words of `dfrec prepare`.
      size: of the crop in pixels.
    """

    recogniser: str
    recogniser_sha256: str
    frame: str
    size: int

    def differences(self, other: "Identity") -> str:
        """In words, what differs; empty where nothing does."""
        pairs = zip(self._fields, self, other, strict=True)
        return "; ".join(f"{name} {mine!r} and {theirs!r}" for name, mine, theirs in pairs if mine != theirs)


class Embedder:
    """A recogniser with what finds the faces that it sees.

    Attributes:
      identity: see `Identity`.
      face_check: how faces are found, in words.
      face_is_needed: whether a face must be found: to be cut out, or to be aligned.
      network: the recogniser; None where it is dlib's.
    """

    def __init__(self, recogniser: str, *, batch_size: int = 16):
        """Loads the networks.

        Args:
          recogniser: see `Identity`. An encoder of drawn faces takes pictures whole.
          batch_size: pictures that the recogniser takes at a time, 1 or more.

        Raises:
          ConfigError: for a network that tells no identities, photographs where nothing finds faces, or dlib's where it
            is not installed.
          WeightsError: for an unknown network, or weights that are not at hand.
        """
        config = defaults.dfrec()
        is_drawn = recogniser in encoders.MODULES
        config.data.dataset = "embedded" if is_drawn else "faces"
        self.network: FrozenNetwork | None = None
        self._dlib = None
        if recogniser == dlib_recogniser.NAME:
            self._dlib, sha256 = _dlib(), dlib_recogniser.sha256()
        else:
            self.network = perceptors.load_network(recogniser, config)
            sha256 = digest.sha256_of_variables(self.network.variables)
            if "identity" not in self.network.taps:
                raise ConfigError(
                    f"--recogniser={recogniser}: this network tells no identities; try {DEFAULT_RECOGNISER}"
                )
        self._detector, self.face_check = finding.detector_for(config)
        if self._detector is None and not is_drawn:
            raise ConfigError(f"--recogniser={recogniser}: faces must be found for it, and were {self.face_check}")
        self._frame = frame_of(config, "trained")
        self.face_is_needed = self._frame != WHOLE or self.network is None or self.network.needs_landmarks
        self._batch_size = batch_size
        size = encoders.INPUT_SIZE if is_drawn else SIZE
        self.identity = Identity(recogniser, sha256, self._frame.words(), size)
        self._embed = jax.jit(lambda network, pixels, landmarks: network(pixels, landmarks)["embedding"])

    def face(self, picture: Picture, faces: Sequence[Face] | None = None) -> Framed | None:
        """The largest face near the middle, as the recogniser takes it; None where there is none.

        Args:
          picture: RGB.
          faces: where they are known; they are looked for by default.
        """
        if faces is None:
            faces = self._detector.sure(picture) if self._detector is not None else ()
        found = framed(picture, faces, self._frame, self.identity.size)
        if not found or (self.face_is_needed and found[0].face is None):
            return None
        return found[0]

    def embeddings(self, faces: Sequence[Framed]) -> Float[np.ndarray, "b e"]:
        """Of unit length, one for each face; always computed in one shape, so that it is compiled once.

        Raises:
          ValueError: for no face at all.
        """
        if not faces:
            raise ValueError("there is no face to embed")
        if self._dlib is not None:
            return _by_dlib(self._dlib, faces)
        parts = [self._batch(faces[i : i + self._batch_size]) for i in range(0, len(faces), self._batch_size)]
        return np.concatenate(parts)

    def _batch(self, faces: Sequence[Framed]) -> Float[np.ndarray, "b e"]:
        return np.asarray(self._embed(self.network, *self.as_given(faces, self._batch_size)), np.float32)[: len(faces)]

    def as_given(
        self, faces: Sequence[Framed], count: int
    ) -> tuple[Float[np.ndarray, "b h w 3"], Float[np.ndarray, "b 5 2"] | None]:
        """Pictures and landmarks as the recogniser takes them, filled up to `count` rows."""
        size = self.identity.size
        pixels, landmarks = np.zeros((count, size, size, 3), np.float32), np.zeros((count, 5, 2), np.float32)
        for row, face in enumerate(faces):
            pixels[row], landmarks[row] = face.pixels.astype(np.float32) / 255, face.landmarks
        landmarks[len(faces) :] = landmarks[0]
        return pixels, landmarks if self.network is not None and self.network.needs_landmarks else None


def _dlib() -> dlib_recogniser.DlibRecogniser:
    try:
        return dlib_recogniser.DlibRecogniser()
    except dlib_recogniser.DlibMissing as error:
        raise ConfigError(f"--recogniser={dlib_recogniser.NAME}: {error}") from error


def _by_dlib(recogniser: dlib_recogniser.DlibRecogniser, faces: Sequence[Framed]) -> Float[np.ndarray, "b e"]:
    pictures, landmarks = (np.stack([getattr(face, name) for face in faces]) for name in ("pixels", "landmarks"))
    found = recogniser.embed(pictures, recogniser.find(pictures, landmarks))
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), np.float32)


def mean_direction(embeddings: Float[np.ndarray, "b e"]) -> Float[np.ndarray, " e"]:
    """The mean, brought to unit length: how several pictures of one person become one embedding."""
    mean = np.mean(embeddings, axis=0, dtype=np.float64)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), np.float32)
