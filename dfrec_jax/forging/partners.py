"""Which faces may be forged into which: the nearest in shape and appearance among other identities, searched offline.

Face X-ray pastes faces whose landmarks are close (section 3.3 of the paper: the least sum of landmark distances among
5,000 random frames of other videos). Position, size and roll are taken out first, since the forging aligns them, and
appearance counts as well: a shift of the mean colour hides neither light from the other side nor a beard. So do, where
CelebA's attributes are known, the sex, and glasses, of which a half would stay beside the region.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Float, Int, Shaped, UInt8

from dfrec_jax.forging.landmarks import shape_of

APPEARANCE_WEIGHT = 0.25  # of a mean squared difference of colours ([0, 1]) beside one of landmarks (in face sizes)
TRAITS = {15: 0.02, 20: 0.005}  # cost of a difference in CelebA's Eyeglasses and Male; nearest faces cost about 0.008
THUMBNAIL = 16  # pixels a side, over the square of REACH times the face size around the centre of the landmarks
REACH = 1.5
CHUNK = 1024  # faces compared at a time


def _thumbnail(image: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """The face upright and of one size, a few pixels large: its colours, its light, a beard, a hand before it."""
    centre = landmarks.mean(axis=0)
    eye_line = landmarks[42:48].mean(axis=0) - landmarks[36:42].mean(axis=0)
    angle = np.arctan2(eye_line[1], eye_line[0])
    size = np.sqrt(np.mean(np.sum(np.square(landmarks - centre), axis=1)))
    fine = 4 * THUMBNAIL  # sampled finely and averaged, lest a single pixel speak for its surroundings
    step = 2 * REACH * size / fine
    rotation = step * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    shift = centre - rotation @ np.full(2, (fine - 1) / 2)
    inverse = np.concatenate([rotation, shift[:, None]], axis=1).astype(np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    upright = cv2.warpAffine(image, inverse, (fine, fine), flags=flags, borderMode=cv2.BORDER_REFLECT_101)
    return cv2.resize(upright, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def signature(
    image: UInt8[np.ndarray, "h w 3"], landmarks: Float[np.ndarray, "68 2"], attributes: Sequence[int] = ()
) -> Float[np.ndarray, " d"]:
    """What faces are compared by: the squared distance of two signatures is the cost of forging one into the other.

    Args:
      image: RGB.
      landmarks: in its pixels.
      attributes: CelebA's 40 as -1 and 1; empty where unknown.
    """
    shape = shape_of(landmarks[None])[0] / np.sqrt(len(landmarks))
    colours = _thumbnail(image, landmarks).reshape(-1)
    traits = [np.sqrt(cost) / 2 * attributes[place] if len(attributes) else 0.0 for place, cost in TRAITS.items()]
    return np.concatenate([shape, colours * np.sqrt(APPEARANCE_WEIGHT / colours.size), traits]).astype(np.float32)


def nearest_partners(
    signatures: Float[np.ndarray, "n d"],
    identities: Shaped[np.ndarray, " n"],
    num_partners: int,
    *,
    max_candidates: int = 20_000,
    seed: int = 0,
) -> Int[np.ndarray, "n k"]:
    """For each face the indices of its `num_partners` nearest of another identity, the nearest first.

    Args:
      signatures: of `signature`.
      identities: faces with an equal one are never partners.
      num_partners: k; where fewer faces are allowed, the nearest are repeated.
      max_candidates: beyond so many faces, partners come from a random choice of them.
      seed: of that choice.

    Raises:
      ValueError: where all faces are of one identity.
    """
    if len(np.unique(identities)) < 2:
        raise ValueError(f"{len(identities)} faces of a single identity: a forgery needs faces of two people or more")
    num = len(signatures)
    candidates = np.arange(num)
    if num > max_candidates:
        candidates = np.sort(np.random.default_rng(seed).choice(num, max_candidates, replace=False))
        if len(np.unique(identities[candidates])) < 2:
            candidates = np.arange(num)
    squares = np.sum(np.square(signatures[candidates]), axis=1)
    partners = np.empty((num, num_partners), np.int32)
    for start in range(0, num, CHUNK):
        chunk = slice(start, start + CHUNK)
        cost = squares[None] - 2 * signatures[chunk] @ signatures[candidates].T
        cost[identities[chunk][:, None] == identities[candidates][None]] = np.inf
        kept = min(num_partners, len(candidates))
        nearest = np.argpartition(cost, kept - 1, axis=1)[:, :kept]
        order = np.argsort(np.take_along_axis(cost, nearest, axis=1), axis=1, kind="stable")
        nearest = np.take_along_axis(nearest, order, axis=1)
        num_allowed = np.isfinite(np.take_along_axis(cost, nearest, axis=1)).sum(axis=1, keepdims=True)
        place = np.arange(num_partners)[None] % num_allowed
        partners[chunk] = candidates[np.take_along_axis(nearest, place, axis=1)]
    return partners
