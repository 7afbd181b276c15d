"""Selecting a face: by hand."""

import numpy as np
import pytest

from dfrec_jax.preparation import face_crops
from tests.preparation import trees


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
