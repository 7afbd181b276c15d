"""Selecting and cutting out a face: by hand, and against a warp of coordinates."""

import numpy as np
import pytest

from dfrec_jax.preparation import face_crops
from tests.preparation import trees


def face(box, landmarks=None):
    landmarks = np.zeros((5, 2)) if landmarks is None else landmarks
    return face_crops.Face(np.float32(box), np.float32(landmarks), np.full((68, 2), np.nan, np.float32))


class At(face_crops.Face):
    score = 1.0


def at(*box):
    return At(np.float32(box), np.zeros((5, 2), np.float32), np.zeros((68, 2), np.float32))


def test_the_largest_face_near_the_middle_is_chosen():
    small_middle, large_corner, large_middle = at(45, 45, 55, 55), at(0, 0, 30, 30), at(35, 30, 65, 60)
    assert face_crops.choose([small_middle, large_corner, large_middle], 100, 100, None) is large_middle
    assert face_crops.choose([large_corner, small_middle], 100, 100, None) is small_middle
    assert face_crops.choose([], 100, 100, None) is None


def test_in_a_video_the_same_face_is_followed():
    near, larger = at(10, 10, 30, 30), at(30, 30, 80, 80)
    assert face_crops.choose([near, larger], 100, 100, np.float32([12, 11, 31, 32])) is near
    assert face_crops.choose([near, larger], 100, 100, np.float32([90, 0, 99, 9])) is larger


def test_box_crop_by_hand():
    matrix = face_crops.crop_matrix(face([20, 30, 60, 80]), 200, 200, "box", 0.2, 120)
    # Centre (40, 55) between edges is pixel centre (39.5, 54.5); side 50 * 1.2 = 60 becomes 120 pixels.
    np.testing.assert_allclose(matrix, [[2, 0, 59.5 - 2 * 39.5], [0, 2, 59.5 - 2 * 54.5]], atol=1e-5)


def test_five_landmarks_come_to_the_template():
    template = (face_crops.TEMPLATE + 0.5) * 2 - 0.5  # ArcFace's square at 224 pixels
    angle = 0.3
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    placed = 0.7 * template @ rotation.T + [40, 90]
    matrix = face_crops.crop_matrix(face([0, 0, 1, 1], placed), 400, 400, "align", 0.0, 224)
    np.testing.assert_allclose(face_crops.moved(placed.astype(np.float32), matrix), template, atol=1e-2)
    wider = face_crops.crop_matrix(face([0, 0, 1, 1], placed), 400, 400, "align", 1.0, 224)
    spread = np.ptp(face_crops.moved(placed.astype(np.float32), wider), axis=0)
    np.testing.assert_allclose(spread, np.ptp(template, axis=0) / 2, atol=1e-2)


def test_no_crop_is_the_largest_square_in_the_middle():
    image = np.random.default_rng(0).integers(0, 255, (40, 60, 3)).astype(np.uint8)
    matrix = face_crops.crop_matrix(face([0, 0, 1, 1]), 40, 60, "none", 0.3, 40)
    np.testing.assert_array_equal(face_crops.cut_out(image, matrix, 40), image[:, 10:50])
    with pytest.raises(ValueError, match="crop='tight'"):
        face_crops.crop_matrix(face([0, 0, 1, 1]), 40, 60, "tight", 0.3, 40)


@pytest.mark.parametrize("scale", [0.23, 0.5, 1.0, 2.6])
def test_a_crop_shows_what_its_matrix_says(scale):
    x, y = np.meshgrid(np.arange(200), np.arange(160))
    image = np.stack([x, y, np.full_like(x, 9)], axis=-1).astype(np.uint8)  # a pixel says where it is
    size = 24
    matrix = np.float32([[scale, 0, 12 - scale * 90], [0, scale, 12 - scale * 70]])
    crop = face_crops.cut_out(image, matrix, size).astype(float)
    ends = (np.array([0, size - 1]) - matrix[:, 2:]) / scale
    want_x = np.linspace(*ends[0], size)
    inside = (want_x > 2) & (want_x < 198)
    np.testing.assert_allclose(crop[12, inside, 0], want_x[inside], atol=1.0)


def test_outside_the_picture_is_its_reflection():
    image = trees.picture(0, 32)
    matrix = np.float32([[1, 0, 8], [0, 1, 0]])
    crop = face_crops.cut_out(image, matrix, 32)
    np.testing.assert_array_equal(crop[:, :8], image[:, 8:0:-1])


def test_given_boxes_ask_no_detector_and_landmarks_fill_in():
    def no_detector(_):
        raise AssertionError("the detector was asked")

    tools = trees.make_tools()._replace(detect=no_detector)
    found = face_crops.find_face(trees.picture(0), tools, given=(10.0, 10.0, 50.0, 60.0))
    assert found.box.tolist() == [10, 10, 50, 60] and found.landmarks[0, 0] < found.landmarks[1, 0]
    assert not np.isnan(found.landmarks).any()


def test_frontality_falls_with_the_nose_off_the_middle():
    front = np.float32([[10, 10], [30, 10], [20, 20], [12, 30], [28, 30]])
    aside = front.copy()
    aside[2, 0] = 26
    assert face_crops.frontality(front) == pytest.approx(1) and face_crops.frontality(aside) == pytest.approx(0.4)
