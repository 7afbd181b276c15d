"""Faces of a video that belong to one person, how good each is, and what their embeddings have in common."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from dfrec_jax.forensics.framed import Framed
from dfrec_jax.forensics.gate import Check
from dfrec_jax.forensics.recovery import Recovery

OVERLAP = 0.3  # intersection over union from which on two faces of frames that follow each other are one
SAME = 0.4  # cosine from which on they are; different people of LFW have it in less than 1 of 1,000 pairs
FULL_SIDE, FULL_SHARPNESS = 112.0, 0.5  # of a face that is as good as can be


class Sight(NamedTuple):
    """A face in a frame.

    Attributes:
      frame: its number.
      found: the face; a `Recovery` where the gate stops it.
      box: x0, y0, x1, y1 in pixels of the frame.
      embedding: of unit length; None where nothing compares faces.
    """

    frame: int
    found: Framed | Recovery
    box: Float[np.ndarray, "4"]
    embedding: Float[np.ndarray, " e"] | None


Track = list[Sight]


def link(sights: Sequence[Sequence[Sight]]) -> list[Track]:
    """Tracks, the largest first by the sum of their faces' areas.

    A face goes on with the track whose last face it overlaps or resembles most, if by `OVERLAP` or `SAME` at least;
    else it begins one.

    Args:
      sights: of each frame, in order.
    """
    tracks: list[Track] = []
    for faces in sights:
        pairs = [(_closeness(track[-1], face), i, j) for i, track in enumerate(tracks) for j, face in enumerate(faces)]
        taken: dict[int, int] = {}
        for closeness, i, j in sorted(pairs, key=lambda pair: -pair[0]):
            if closeness > 0 and i not in taken.values() and j not in taken:
                taken[j] = i
        for j, face in enumerate(faces):
            if j in taken:
                tracks[taken[j]].append(face)
            else:
                tracks.append([face])
    return sorted(tracks, key=lambda track: -sum(_area(sight.box) for sight in track))


def quality(checks: Sequence[Check]) -> float:
    """How good a face is, in [0, 1]: by the detector's score, its size, its sharpness, and how far it is turned."""
    values: Mapping[str, float] = {check.name: check.value for check in checks if check.value is not None}
    size = min(values.get("face_side", FULL_SIDE) / FULL_SIDE, 1.0)
    sharp = min(values.get("sharpness", FULL_SHARPNESS) / FULL_SHARPNESS, 1.0)
    turned = np.cos(np.radians([values.get(name, 0.0) for name in ("yaw", "pitch")])).prod()
    return float(np.clip(values.get("face_score", 1.0), 0, 1) * size * sharp * max(turned, 0.0))


def best(track: Track, count: int) -> Track:
    """The faces of the highest quality that the gate lets through, in the order of their frames."""
    passed = [sight for sight in track if isinstance(sight.found, Framed)]
    chosen = sorted(passed, key=lambda sight: -quality(sight.found.checks))[:count]
    return sorted(chosen, key=lambda sight: sight.frame)


def weighted_mean(embeddings: Float[np.ndarray, "n e"], weights: Sequence[float]) -> Float[np.ndarray, " e"]:
    """The mean by weight, brought to unit length."""
    mean = np.average(np.asarray(embeddings, np.float64), axis=0, weights=np.maximum(weights, 1e-6))
    return (mean / max(float(np.linalg.norm(mean)), 1e-12)).astype(np.float32)


def _closeness(a: Sight, b: Sight) -> float:
    overlap = _overlap(a.box, b.box)
    cosine = 0.0 if a.embedding is None or b.embedding is None else float(a.embedding @ b.embedding)
    return overlap + max(cosine, 0.0) if overlap >= OVERLAP or cosine >= SAME else 0.0


def _overlap(a: Float[np.ndarray, "4"], b: Float[np.ndarray, "4"]) -> float:
    shared = _area(np.concatenate([np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])]))
    return shared / max(_area(a) + _area(b) - shared, 1e-6)


def _area(box: Float[np.ndarray, "4"]) -> float:
    return float(np.prod(np.maximum(box[2:] - box[:2], 0)))
