"""Faces from a few ellipses with 68 landmarks, for tests that need a face and no person."""

import cv2
import numpy as np


def made_up_face(seed: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """A picture of one face, float32 [size, size, 3] in [0, 1], and its landmarks, float32 [68, 2] in pixels."""
    rng = np.random.default_rng(seed)
    jaw = np.pi * np.linspace(1, 0, 17)
    points = [0.5 * np.stack([np.cos(jaw), np.sin(jaw) * rng.uniform(1.1, 1.3)], axis=1)]
    for middle in (-0.24, 0.24):
        across = np.linspace(-0.14, 0.14, 5)
        points.append(np.stack([middle + across, -0.22 - rng.uniform(0.03, 0.08) * np.cos(9 * across)], axis=1))
    points.append(np.stack([np.zeros(4), np.linspace(-0.1, 0.18, 4)], axis=1))
    points.append(np.stack([np.linspace(-0.1, 0.1, 5), 0.22 + 0.03 * np.cos(np.linspace(-2, 2, 5))], axis=1))
    for middle in (-0.22, 0.22):
        turn = np.pi * np.array([1, 4 / 3, 5 / 3, 0, 1 / 3, 2 / 3])
        points.append(np.stack([middle + 0.09 * np.cos(turn), -0.08 + 0.04 * np.sin(turn)], axis=1))
    for number, width, height in ((12, 0.18, rng.uniform(0.05, 0.1)), (8, 0.14, 0.03)):
        turn = np.pi + 2 * np.pi * np.arange(number) / number
        points.append(np.stack([width * np.cos(turn), 0.36 + height * np.sin(turn)], axis=1))
    angle, scale = rng.uniform(-0.25, 0.25), size * rng.uniform(0.55, 0.7)
    rotation = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    landmarks = np.concatenate(points) @ rotation * scale + size * rng.uniform(0.46, 0.54, 2)
    landmarks = (landmarks + rng.normal(0, size / 200, landmarks.shape)).astype(np.float32)

    image = np.full((size, size, 3), rng.uniform(0, 1, 3), np.float32)
    image += np.linspace(-0.2, 0.2, size, dtype=np.float32)[:, None, None] * rng.choice([-1, 1])
    skin = rng.uniform([0.4, 0.25, 0.2], [0.95, 0.8, 0.7])
    for group, colour in (
        (range(27), skin), (range(36, 42), (0.95,) * 3), (range(42, 48), (0.95,) * 3),
        (range(17, 22), skin / 3), (range(22, 27), skin / 3), (range(48, 60), (0.7, 0.2, 0.2)),
    ):  # fmt: skip
        hull = cv2.convexHull(landmarks[list(group)])
        cv2.fillConvexPoly(image, np.round(hull * 16).astype(np.int32), [float(c) for c in colour], cv2.LINE_AA, 4)
    image += rng.normal(0, 0.02, image.shape).astype(np.float32)
    return np.clip(cv2.GaussianBlur(image, (3, 3), 0), 0, 1).astype(np.float32), landmarks
