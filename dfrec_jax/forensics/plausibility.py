"""Whether a picture is what a recovery is made of, one face, near enough: warnings in words, never a refusal.

What the network says of anything else means nothing, and looks as confident.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import UInt8

from dfrec_jax.frozen.detection import Face

MAX_ASPECT = 1.25  # longer side to shorter: crops of 4:5 pass, photographs of 4:3 are no crops of a face
MIN_SHARE = 0.3  # of the face's longer side in the picture's; crops with the usual margin of 0.3 have 0.63
SECOND_FACE = 0.5  # of the largest face's area: smaller ones are people in the background
FLAT = 2.0  # standard deviation in levels of 255, below which a picture shows nothing
BEYOND = 0.5  # share of a crop beyond the picture's border from which little of the surroundings is known

NO_FACE = "no face was found in it"


def of_measures(pixels: UInt8[np.ndarray, "h w 3"], network_size: int) -> list[str]:
    """Warnings of a picture that is taken whole, and need no detector: of size, of shape, and of nothing shown."""
    height, width = pixels.shape[:2]
    found = []
    if 2 * min(height, width) < network_size:
        found.append(f"{width}x{height} pixels, enlarged to {network_size}x{network_size}: most of it is made up")
    if max(height, width) > MAX_ASPECT * min(height, width):
        found.append(f"{width}x{height} pixels is far from square and was squeezed: cut the face out first")
    return found + _of_flatness(pixels)


def of_faces(faces: Sequence[Face], height: int, width: int) -> list[str]:
    """Warnings of a picture of this size that is taken whole, by what a detector found in it."""
    if not faces:
        return [f"{NO_FACE}: what was recovered means nothing"]
    largest = max(map(_sides, faces), key=np.prod)
    found = []
    if max(largest) < MIN_SHARE * max(height, width):
        share = max(largest) / max(height, width)
        found.append(f"a whole scene: its largest face takes {share:.0%} of its side; cut the face out")
    alike = sum(np.prod(_sides(face)) > SECOND_FACE * np.prod(largest) for face in faces)
    if alike > 1:
        found.append(f"{alike} faces of like size: cut one out")
    return found


def of_others(faces: Sequence[Face], chosen: Face) -> list[str]:
    """Warnings of faces that were left out, where they may have been meant."""
    others = sum(np.prod(_sides(face)) > SECOND_FACE * np.prod(_sides(chosen)) for face in faces) - 1
    if others < 1:
        return []
    return [f"{others + 1} faces of like size: the largest near the middle was taken; --all-faces takes each"]


def of_crop(pixels: UInt8[np.ndarray, "s s 3"], inside: UInt8[np.ndarray, "s s 1"], side: float) -> list[str]:
    """Warnings of a face that was cut out.

    Args:
      pixels: the crop.
      inside: 0 where it goes beyond the picture.
      side: of the crop in pixels of the picture.
    """
    size = len(pixels)
    found = []
    if 2 * side < size:
        found.append(f"the face's crop is {side:.0f} pixels wide, enlarged to {size}: most of it is made up")
    missing = 1 - float(np.mean(inside > 0))
    if missing > BEYOND:
        found.append(f"{missing:.0%} of the face's crop lie beyond the picture's border, where nothing is known")
    return found + _of_flatness(pixels)


def _of_flatness(pixels: UInt8[np.ndarray, "h w 3"]) -> list[str]:
    return ["nearly one colour all over: there is no face in it"] if pixels.std(axis=(0, 1)).max() < FLAT else []


def _sides(face: Face) -> np.ndarray:
    return np.maximum(face.box[2:] - face.box[:2], 0)
