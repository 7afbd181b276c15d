"""Disturbances under which the encoders learn, so that a blurred or shifted recovery is no stranger to them.

On the host, by OpenCV, which costs a batch a tenth of what XLA takes for it on the CPU.
"""

import cv2
import numpy as np

from dfrec_jax.synthetic.factors import ATTRIBUTE_NAMES

# Mirroring a picture turns these attributes round.
MIRRORED = np.array(
    [-1.0 if name in ("yaw", "roll", "gaze_x", "light_x") else 1.0 for name in ATTRIBUTE_NAMES], np.float32
)
_MAX_SHIFT = 4  # pixels


def augment(image: np.ndarray, attributes: np.ndarray, draws: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Mirrors, shifts, blurs, halves and restores the resolution, changes contrast and colour, adds noise.

    Args:
      image: uint8 [h, w, 3].
      attributes: float32 [a], in the order of `ATTRIBUTE_NAMES`.
      draws: all of the randomness.

    Returns:
      The disturbed image, float32 in [0, 1], and its attributes.
    """
    if draws.random() < 0.5:
        image, attributes = image[:, ::-1], attributes * MIRRORED
    h, w = image.shape[:2]
    padded = np.pad(image, ((_MAX_SHIFT,) * 2, (_MAX_SHIFT,) * 2, (0, 0)), mode="edge")
    top, left = draws.integers(2 * _MAX_SHIFT + 1, size=2)
    image = padded[top : top + h, left : left + w]
    if draws.random() < 0.5:
        image = cv2.GaussianBlur(image, (0, 0), draws.uniform(0.4, 1.6))
    if draws.random() < 0.2:
        share = draws.uniform(0.4, 0.8)
        small = cv2.resize(image, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
        image = cv2.resize(small, (w, h), interpolation=cv2.INTER_LINEAR)
    disturbed = image.astype(np.float32) / 255.0
    centre = disturbed.mean()
    disturbed = centre + (disturbed - centre) * draws.uniform(0.75, 1.2)
    disturbed *= draws.uniform(0.92, 1.08, 3).astype(np.float32)
    if draws.random() < 0.4:
        disturbed += draws.uniform(0.0, 0.05) * draws.standard_normal(disturbed.shape, np.float32)
    return np.clip(disturbed, 0.0, 1.0).astype(np.float32), attributes
