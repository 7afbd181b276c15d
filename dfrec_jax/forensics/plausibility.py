"""Whether a picture is what a recovery is made of, one face, cut out: warnings in words, never a refusal.

What the network says of anything else means nothing, and looks as confident.
"""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import UInt8
from ml_collections import ConfigDict

from dfrec_jax.frozen import load
from dfrec_jax.frozen.detection import Face, detect_faces
from dfrec_jax.weights.rules import WeightsError

DETECTOR = "retinaface-mobile025"
SIDES = (320, 640)  # that the detector sees: a face that fills a large picture is beyond its largest anchor at 640
MAX_ASPECT = 1.25  # longer side to shorter: crops of 4:5 pass, photographs of 4:3 are no crops of a face
MIN_SHARE = 0.3  # of the face's longer side in the picture's; crops with the usual margin of 0.3 have 0.63
SECOND_FACE = 0.5  # of the largest face's area: smaller ones are people in the background
FLAT = 2.0  # standard deviation in levels of 255, below which a picture shows nothing

Find = Callable[[UInt8[np.ndarray, "h w 3"]], Sequence[Face]]


def of_measures(pixels: UInt8[np.ndarray, "h w 3"], network_size: int) -> list[str]:
    """Warnings that need no detector: of size, of shape, and of a picture that shows nothing."""
    height, width = pixels.shape[:2]
    found = []
    if 2 * min(height, width) < network_size:
        found.append(f"{width}x{height} pixels, enlarged to {network_size}x{network_size}: most of it is made up")
    if max(height, width) > MAX_ASPECT * min(height, width):
        found.append(f"{width}x{height} pixels is far from square and was squeezed: cut the face out first")
    if pixels.std(axis=(0, 1)).max() < FLAT:
        found.append("nearly one colour all over: there is no face in it")
    return found


def of_faces(faces: Sequence[Face], height: int, width: int) -> list[str]:
    """Warnings by what a detector found in a picture of this size."""
    if not faces:
        return ["no face was found in it: what was recovered means nothing"]
    sizes = [np.maximum(face.box[2:] - face.box[:2], 0) for face in faces]
    largest = max(sizes, key=np.prod)
    found = []
    if max(largest) < MIN_SHARE * max(height, width):
        share = max(largest) / max(height, width)
        found.append(f"a whole scene: its largest face takes {share:.0%} of its side; cut the face out")
    alike = sum(np.prod(size) > SECOND_FACE * np.prod(largest) for size in sizes)
    if alike > 1:
        found.append(f"{alike} faces of like size: cut one out")
    return found


def detector_for(config: ConfigDict) -> tuple[Find | None, str]:
    """What finds the faces in pictures for a run of `config`, or None and the reason, in words.

    Nothing is downloaded. A network of drawn faces gets none: the detector was made for photographs.
    """
    if config.data.dataset == "embedded":
        return None, "not looked for: the network was trained on drawn faces, and the detector is for photographs"
    weights_dir = config.frozen.weights_dir
    try:
        if not load.is_at_hand(load.find_blueprint(DETECTOR), weights_dir):
            return None, f"not looked for: no detector is at hand (`dfrec weights fetch {DETECTOR}`)"
        detector = load.load_network(DETECTOR, weights_dir=weights_dir, allow_random=False, image_size=SIDES[0])
    except WeightsError as error:
        return None, f"not looked for: the detector cannot be used: {error}"

    def find(pixels: UInt8[np.ndarray, "h w 3"]) -> Sequence[Face]:
        return next(filter(None, (detect_faces(detector, [pixels], side=side)[0] for side in SIDES)), [])

    return find, f"looked for with {DETECTOR}"
