"""The five of 68 landmarks, mirroring, shape without position, and the search for partners."""

import cv2
import numpy as np
import pytest

from dfrec_jax.forging import landmarks as landmarks_lib
from dfrec_jax.forging import partners
from tests.faces_made_up import made_up_face


def test_shape_forgets_position_size_and_roll():
    _, points = made_up_face(0, 64)
    angle = 0.4
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = (2.5 * points @ rotation.T + [30, -7]).astype(np.float32)
    shapes = landmarks_lib.shape_of(np.stack([points, moved]))
    np.testing.assert_allclose(shapes[0], shapes[1], atol=1e-4)
    other = landmarks_lib.shape_of(made_up_face(1, 64)[1][None])[0]
    assert np.abs(other - shapes[0]).max() > 0.02


def test_mirrored_landmarks_are_those_of_the_mirrored_face():
    _, points = made_up_face(0, 64)
    twice = landmarks_lib.mirror(landmarks_lib.mirror(points, 64), 64)
    np.testing.assert_allclose(twice, points, atol=1e-5)
    mirrored = landmarks_lib.mirror(points, 64)
    assert mirrored[0, 0] < mirrored[8, 0] < mirrored[16, 0], "the jaw still runs from left to right"
    five = landmarks_lib.five_of_68(mirrored)
    np.testing.assert_allclose(five, landmarks_lib.mirror(landmarks_lib.five_of_68(points), 64), atol=1e-4)
    assert five[0, 0] < five[2, 0] < five[1, 0] and five[3, 0] < five[4, 0] and five[0, 1] < five[3, 1]


def test_mirror_refuses_other_numbers_of_landmarks():
    with pytest.raises(ValueError, match="7 landmarks"):
        landmarks_lib.mirror(np.zeros((7, 2), np.float32), 10)


def test_nearest_partners_equal_a_search_by_hand():
    rng = np.random.default_rng(0)
    signatures, identities = rng.normal(size=(60, 5)).astype(np.float32), rng.integers(0, 12, 60)
    found = partners.nearest_partners(signatures, identities, 3)
    for i in range(60):
        cost = np.sum((signatures - signatures[i]) ** 2, axis=1)
        cost[identities == identities[i]] = np.inf
        np.testing.assert_array_equal(found[i], np.argsort(cost)[:3])


def test_partners_repeat_where_few_are_allowed_and_a_single_identity_is_refused():
    signatures = np.arange(4, dtype=np.float32)[:, None]
    found = partners.nearest_partners(signatures, np.array(["a", "a", "a", "b"]), 3)
    np.testing.assert_array_equal(found, [[3, 3, 3], [3, 3, 3], [3, 3, 3], [2, 1, 0]])
    with pytest.raises(ValueError, match="single identity"):
        partners.nearest_partners(signatures, np.zeros(4, int), 2)


def test_candidates_beyond_the_limit_are_drawn_once():
    signatures = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    found = partners.nearest_partners(signatures, np.arange(50), 4, max_candidates=9, seed=1)
    assert len(np.unique(found)) <= 9


def test_signature_is_of_the_face_and_not_of_where_it_is():
    image, points = made_up_face(3, 64)
    picture = np.round(image * 255).astype(np.uint8)
    larger = cv2.resize(picture, (128, 128), interpolation=cv2.INTER_LINEAR)
    here, there = partners.signature(picture, points), partners.signature(larger, 2 * points + 0.5)
    other_image, other_points = made_up_face(4, 64)
    other = partners.signature(np.round(other_image * 255).astype(np.uint8), other_points)
    assert np.sum((here - there) ** 2) < 0.05 * np.sum((here - other) ** 2)
