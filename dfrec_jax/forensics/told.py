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

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.forensics.plausibility import DETECTOR, Find
from dfrec_jax.forging.candidate_region import face_regions
from dfrec_jax.frozen.detection import Face, central_face
from dfrec_jax.frozen.network import FrozenNetwork
from dfrec_jax.models import region, residual
from dfrec_jax.pictures.reading import ImageError, decode_image, read_bytes, resize

UNKNOWN = np.full((5, 2), np.nan, np.float32)


class Told(NamedTuple):
    """What holds for every picture of a call.

    Attributes:
      assume: 'swap': they are swaps, whatever the classification head says; empty: it is left to the network.
      recogniser: whose embeddings say who is seen; None where nobody was named.
      visible: the mean embedding of the pictures of the person who is seen.
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

    def options(
        self, pixels: Float[Array, "b h w 3"], landmarks: Float[Array, "b 5 2"], recogniser: FrozenNetwork | None
    ) -> dict[str, Any]:
        """What `Dfrec` is passed for some pictures; jitted, so that the recogniser's weights come as an argument."""
        options: dict[str, Any] = {}
        if self.assume:
            options |= region.told("given", face_regions(landmarks, pixels.shape[1]))
        if recogniser is not None and self.visible is not None:
            embedding = recogniser(pixels, landmarks)["embedding"]
            visible = jnp.broadcast_to(jnp.asarray(self.visible), embedding.shape)
            left = residual.without_component(embedding, visible)
            options["identity"] = residual.or_none(left, jnp.ones(len(left), bool))
        return options


def told(
    config: ConfigDict,
    assume: str,
    visible: Sequence[Path],
    load_network: Callable[[str, ConfigDict], FrozenNetwork] | None,
    find: Find | None,
) -> Told:
    """What an examiner says, checked against what the network can be told, references read.

    Args:
      config: of the network.
      assume: see `Told`.
      visible: pictures of the person who is seen in every picture of the call.
      load_network: a frozen network by its name, for a config; needed with `visible`.
      find: of `plausibility.detector_for`.

    Raises:
      ConfigError: for what this network cannot be told, or a detector that is needed and not at hand.
      ImageError: for a reference that cannot be read or shows no face; names it.
      ValueError: for `visible` without `load_network`.
      WeightsError: for a recogniser that is not at hand.
    """
    if assume and not config.ism.enabled:
        raise ConfigError(
            "--assume swap: this network (ism.enabled=False) takes every picture for a swap as it is; leave it out"
        )
    if visible and config.tirm.identity_width == 0:
        raise ConfigError(
            "--visible: this network (tirm.identity_width=0) cannot be told who is seen in a picture; leave it out, or "
            "name another workdir"
        )
    if visible and load_network is None:
        raise ValueError("visible is given, and no load_network to load the recogniser with")
    recogniser = load_network(config.frozen.identity, config) if visible and load_network else None
    if recogniser is not None and recogniser.needs_landmarks and find is None:
        raise ConfigError(
            f"--visible: {config.frozen.identity} aligns faces by landmarks, which {DETECTOR} finds, and it is not at "
            f"hand; `dfrec weights fetch {DETECTOR}`"
        )
    embedding, hashes = None, None
    if recogniser is not None:
        embedding, hashes = _mean_embedding(recogniser, visible, find, config.image_size)
    return Told(assume, recogniser, embedding, {"assume": assume or None, "visible_sha256": hashes})


def landmarks_of(faces: Sequence[Face], shape: tuple[int, int], size: int) -> Float[np.ndarray, "5 2"]:
    """Of the face in the middle of a picture of `shape`, height and width, in pixels of it resized to `size`; NaN where
    there is none."""
    height, width = shape
    face = central_face(faces, height, width)
    if face is None:
        return UNKNOWN
    scale = np.array([size / width, size / height])
    return ((face.landmarks + 0.5) * scale - 0.5).astype(np.float32)


def _mean_embedding(
    recogniser: FrozenNetwork, paths: Sequence[Path], find: Find | None, size: int
) -> tuple[Float[np.ndarray, " e"], list[str]]:
    embed = jax.jit(lambda recogniser, picture, landmarks: recogniser(picture, landmarks)["embedding"])
    embeddings, hashes = [], []
    for path in paths:
        data = read_bytes(path)
        pixels, _ = decode_image(data, path)
        landmarks = UNKNOWN if find is None else landmarks_of(find(pixels), pixels.shape[:2], size)
        if recogniser.needs_landmarks and np.isnan(landmarks).any():
            raise ImageError(f"--visible {path}: no face was found in it; leave it out, or cut the face out")
        picture = resize(pixels, size)[None].astype(np.float32) / 255
        embeddings.append(np.asarray(embed(recogniser, picture, landmarks[None]))[0])
        hashes.append(hashlib.sha256(data).hexdigest())
    mean = np.mean(embeddings, axis=0)
    return (mean / np.linalg.norm(mean)).astype(np.float32), hashes
