"""What speaks against a recovery without ruling it out: warnings in words. What does is in `gate.py`."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import UInt8

from dfrec_jax.frozen.detection import Face

MAX_ASPECT = 1.25  # longer side to shorter: crops of 4:5 pass, photographs of 4:3 are no crops of a face
MIN_SHARE = 0.3  # of the face's longer side in the picture's; crops with the usual margin of 0.3 have 0.63
SECOND_FACE = 0.5  # of the largest face's area: smaller ones are people in the background
BEYOND = 0.5  # share of a crop beyond the picture's border from which little of the surroundings is known


def of_measures(pixels: UInt8[np.ndarray, "h w 3"], network_size: int) -> list[str]:
    """Warnings of a picture that is taken whole, and need no detector: of size and of shape."""
    height, width = pixels.shape[:2]
    found = []
    if 2 * min(height, width) < network_size:
        found.append(f"{width}x{height} pixels, enlarged to {network_size}x{network_size}: most of it is made up")
    if max(height, width) > MAX_ASPECT * min(height, width):
        found.append(f"{width}x{height} pixels is far from square and was squeezed: cut the face out first")
    return found


def of_faces(faces: Sequence[Face], height: int, width: int) -> list[str]:
    """Warnings of a picture of this size that is taken whole, by what a detector found in it."""
    if not faces:
        return []
    largest = max(map(_sides, faces), key=np.prod)
    found = []
    if max(largest) < MIN_SHARE * max(height, width):
        share = max(largest) / max(height, width)
        found.append(f"a whole scene: its largest face takes {share:.0%} of its side; cut the face out")
    return found


def of_others(faces: Sequence[Face], chosen: Face) -> list[str]:
    """Warnings of faces that were left out, where they may have been meant."""
    others = sum(np.prod(_sides(face)) > SECOND_FACE * np.prod(_sides(chosen)) for face in faces) - 1
    if others < 1:
        return []
    return [f"{others + 1} faces of like size: the largest near the middle was taken; --all-faces takes each"]


def of_crop(inside: UInt8[np.ndarray, "s s 1"], side: float) -> list[str]:
    """Warnings of a face that was cut out.

    Args:
      inside: of the crop: 0 where it goes beyond the picture.
      side: of the crop in pixels of the picture.
    """
    size = len(inside)
    found = []
    if 2 * side < size:
        found.append(f"the face's crop is {side:.0f} pixels wide, enlarged to {size}: most of it is made up")
    missing = 1 - float(np.mean(inside > 0))
    if missing > BEYOND:
        found.append(f"{missing:.0%} of the face's crop lie beyond the picture's border, where nothing is known")
    return found


def _sides(face: Face) -> np.ndarray:
    return np.maximum(face.box[2:] - face.box[:2], 0)
