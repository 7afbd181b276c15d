"""The 68 facial landmarks (iBUG's numbering): their groups, the five that recognisers align by, mirroring, shape."""

import numpy as np
from jaxtyping import Float

JAW = tuple(range(0, 17))
NOSE = tuple(range(27, 36))
EYES = tuple(range(36, 48))
OUTER_LIPS = tuple(range(48, 60))
INNER = range(17, 68)  # all but the jaw

# Where each landmark goes when the picture is mirrored: left and right change places.
MIRRORED_68 = np.array(
    [*range(16, -1, -1), *range(26, 16, -1), *range(27, 31), *range(35, 30, -1)]
    + [45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40]
    + [*range(54, 47, -1), *range(59, 54, -1), *range(64, 59, -1), *range(67, 64, -1)]
)
MIRRORED_5 = np.array([1, 0, 2, 4, 3])


def five_of_68(landmarks: Float[np.ndarray, "*b 68 2"]) -> Float[np.ndarray, "*b 5 2"]:
    """Left eye, right eye, nose tip, left and right corner of the mouth as seen in the image, in the same pixels."""
    eyes = [landmarks[..., start : start + 6, :].mean(axis=-2) for start in (36, 42)]
    return np.stack([*eyes, *(landmarks[..., index, :] for index in (30, 48, 54))], axis=-2)


def mirror(landmarks: Float[np.ndarray, "*b n 2"], width: int) -> Float[np.ndarray, "*b n 2"]:
    """Landmarks (5 or 68) of the mirrored picture of `width` pixels; pixel centres lie at whole numbers.

    Raises:
      ValueError: for another number of landmarks.
    """
    order = {5: MIRRORED_5, 68: MIRRORED_68}.get(landmarks.shape[-2])
    if order is None:
        raise ValueError(f"{landmarks.shape[-2]} landmarks cannot be mirrored: 5 or 68 can")
    mirrored = landmarks[..., order, :].copy()
    mirrored[..., 0] = width - 1 - mirrored[..., 0]
    return mirrored


def shape_of(landmarks: Float[np.ndarray, "b 68 2"]) -> Float[np.ndarray, "b 136"]:
    """What is left of the landmarks without position, size and roll: centre 0, root mean square 1, eyes level."""
    centred = landmarks - landmarks.mean(axis=1, keepdims=True)
    points = centred[..., 0] + 1j * centred[..., 1]
    eye_line = points[:, 42:48].mean(axis=1) - points[:, 36:42].mean(axis=1)
    points = points * np.exp(-1j * np.angle(eye_line))[:, None]
    points = points / np.maximum(np.sqrt(np.mean(np.abs(points) ** 2, axis=1, keepdims=True)), 1e-6)
    return np.concatenate([points.real, points.imag], axis=1).astype(np.float32)
