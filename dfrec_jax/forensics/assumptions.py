"""What an examiner tells a network besides the picture: that it is a swap, and who is seen in it."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from ml_collections import ConfigDict

from dfrec_jax.config.errors import ConfigError, Option
from dfrec_jax.forensics.finding import RETINAFACE, Detector
from dfrec_jax.forensics.framed import Framed, framed
from dfrec_jax.forging.candidate_region import face_regions
from dfrec_jax.frozen.network import FrozenNetwork
from dfrec_jax.models import region, residual
from dfrec_jax.pictures.framing import Frame
from dfrec_jax.pictures.reading import ImageError, decode_image, read_bytes

ESTIMATE = Option("estimate-visible", argument="estimate_visible")


class Assumptions(NamedTuple):
    """What holds for every picture of a call.

    Attributes:
      assume: 'swap': they are swaps, whatever the classification head says; empty: it is left to the network.
      recogniser: whose embeddings say who is seen; None where the network is told nobody.
      visible: the mean embedding of the pictures of the person who is seen; None beside a recogniser: the face of the
        source that a first pass recovers is taken for that person's.
      record: what stands in result.json of it.
    """

    assume: str
    recogniser: FrozenNetwork | None
    visible: Float[np.ndarray, " e"] | None
    record: dict[str, Any]

    @property
    def needs_landmarks(self) -> bool:
        """Whether a face must be found for its embedding."""
        return self.recogniser is not None and self.recogniser.needs_landmarks

    @property
    def is_estimated(self) -> bool:
        """Whether a first pass says who is seen."""
        return self.recogniser is not None and self.visible is None

    def options(
        self,
        pixels: Float[Array, "b h w 3"],
        landmarks: Float[Array, "b 5 2"],
        recogniser: FrozenNetwork | None,
        recovered_source: Float[Array, "b h w 3"] | None = None,
    ) -> dict[str, Any]:
        """What `Dfrec` is passed for some pictures; jitted, so that the recogniser's weights come as an argument.

        Args:
          pixels: in [0, 1].
          landmarks: five of each face; NaN where none was found.
          recogniser: of the assumptions.
          recovered_source: of the first pass; None in the first pass, which is told nobody.
        """
        options: dict[str, Any] = {}
        if self.assume:
            options |= region.told("given", face_regions(landmarks, pixels.shape[1]))
        if recogniser is not None and self.visible is not None:
            options["identity"] = residual.beside(
                recogniser(pixels, landmarks)["embedding"], jnp.asarray(self.visible)[None]
            )
        elif recogniser is not None and recovered_source is not None:
            swap, seen = (recogniser(each, landmarks)["embedding"] for each in (pixels, recovered_source))
            options["identity"] = residual.beside(swap, seen)
        return options


def checked_assumptions(
    config: ConfigDict,
    assume: str,
    visible: Sequence[Path],
    estimate_visible: bool,
    load_network: Callable[[str, ConfigDict], FrozenNetwork],
    detector: Detector | None,
    frame: Frame,
) -> Assumptions:
    """What an examiner says, checked against what the network can be told, references read.

    Args:
      config: of the network.
      assume: see `Assumptions`.
      visible: pictures of the person who is seen in every picture of the call.
      estimate_visible: whether that person is taken from the recovered source instead.
      load_network: a frozen network by its name, for a config.
      detector: of faces in these pictures.
      frame: in which the network sees faces.

    Raises:
      ConfigError: for what this network cannot be told, or a detector that is needed and not at hand.
      ImageError: for a reference that cannot be read or shows no face; names it.
      WeightsError: for a recogniser that is not at hand.
    """
    if assume and not config.ism.enabled:
        raise ConfigError(
            Option("assume", "swap"),
            ": this network (ism.enabled=False) takes every picture for a swap as it is; leave it out",
        )
    if visible and estimate_visible:
        raise ConfigError(
            ESTIMATE, " and ", Option("visible"), ": pictures say who is seen already; leave one of the two out"
        )
    told_by = ESTIMATE if estimate_visible else Option("visible")
    is_told = bool(visible) or estimate_visible
    if is_told and config.tirm.identity_width == 0:
        raise ConfigError(
            told_by,
            ": this network (tirm.identity_width=0) cannot be told who is seen in a picture; leave it out, or name "
            "another workdir",
        )
    recogniser = load_network(config.frozen.identity, config) if is_told else None
    if recogniser is not None and recogniser.needs_landmarks and detector is None:
        raise ConfigError(
            told_by,
            f": {config.frozen.identity} aligns faces by landmarks, which {RETINAFACE} finds, and it is not "
            f"at hand; `dfrec weights fetch {RETINAFACE}`",
        )
    embedding, hashes = None, None
    if recogniser is not None and visible:
        embedding, hashes = _mean_embedding(recogniser, visible, detector, frame, config.image_size)
    record = {"assume": assume or None, "visible_sha256": hashes, "visible_estimated": estimate_visible or None}
    return Assumptions(assume, recogniser, embedding, record)


def _mean_embedding(
    recogniser: FrozenNetwork, paths: Sequence[Path], detector: Detector | None, frame: Frame, size: int
) -> tuple[Float[np.ndarray, " e"], list[str]]:
    embed = jax.jit(lambda recogniser, picture, landmarks: recogniser(picture, landmarks)["embedding"])
    embeddings, hashes = [], []
    for path in paths:
        data = read_bytes(path)
        picture, _ = decode_image(data, path)
        faces: list[Framed] = framed(picture, detector.sure(picture) if detector else [], frame, size)
        if not faces or (recogniser.needs_landmarks and faces[0].face is None):
            raise ImageError(
                f"{path}, of the visible person: no face was found in it; leave it out, or cut the face out"
            )
        pixels, landmarks = faces[0].pixels[None].astype(np.float32) / 255, faces[0].landmarks[None]
        embeddings.append(np.asarray(embed(recogniser, pixels, landmarks))[0])
        hashes.append(hashlib.sha256(data).hexdigest())
    mean = np.mean(embeddings, axis=0)
    return (mean / np.linalg.norm(mean)).astype(np.float32), hashes
