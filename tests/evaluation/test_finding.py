"""Where a detector finds the face, in pixels of small pictures."""

import numpy as np

from dfrec_jax.evaluation import finding
from dfrec_jax.frozen.detection import Face
from tests import tiny

LANDMARKS = np.array([[70.0, 90.0], [140.0, 90.0], [105.0, 130.0], [80.0, 160.0], [130.0, 160.0]])


def test_landmarks_come_back_in_the_pixels_of_the_picture(monkeypatch):
    sizes = []

    def detect(network, images, *, side):
        sizes.extend(image.shape[0] for image in images)
        face = Face(np.array([60.0, 60, 150, 180]), 0.9, LANDMARKS)
        return [[face] if image.mean() > 0 else [] for image in images]

    monkeypatch.setattr(finding, "detect_faces", detect)
    pictures = np.zeros((2, 56, 56, 3), np.uint8)
    pictures[0] = 128
    found = finding.find(tiny.network(), pictures)
    assert sizes == [224, 224]
    np.testing.assert_array_equal(found.is_found, [True, False])
    np.testing.assert_allclose(found.landmarks[0], (LANDMARKS + 0.5) / 4 - 0.5, rtol=1e-6)
    assert np.isnan(found.landmarks[1]).all()


def test_displacement_is_in_distances_of_the_eyes_and_undefined_without_a_face():
    moved = np.stack([LANDMARKS + (3.5, 0), np.full_like(LANDMARKS, np.nan)])
    distance = finding.displacement(moved, np.stack([LANDMARKS, LANDMARKS]))
    np.testing.assert_allclose(distance[0], 3.5 / 70)
    assert np.isnan(distance[1]) and not distance[1] < finding.IN_PLACE
