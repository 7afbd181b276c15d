"""What the gate measures: on faces made up, of which pose, size and sharpness are known, and on real ones."""

import cv2
import numpy as np
import pytest

from dfrec_jax.forensics import gate
from dfrec_jax.frozen.detection import Face
from dfrec_jax.pictures.framing import Frame

# Of a head that looks straight ahead, its eyes 1 apart: x to the right, y down, z towards the camera.
HEAD = np.array([[-0.5, 0, 0], [0.5, 0, 0], [0, 0.48, 0.6], [-0.4, 1, 0], [0.4, 1, 0]])


def _landmarks(yaw=0.0, pitch=0.0, roll=0.0):
    y, p, r = np.radians([yaw, pitch, roll])
    turn = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    nod = np.array([[1, 0, 0], [0, np.cos(p), np.sin(p)], [0, -np.sin(p), np.cos(p)]])
    tilt = np.array([[np.cos(r), -np.sin(r)], [np.sin(r), np.cos(r)]])
    return ((HEAD @ turn.T @ nod.T)[:, :2] @ tilt.T * 40 + 100).astype(np.float32)


def _face(x, y, side, score=1.0, landmarks=None):
    box = np.array([x, y, x + side, y + side], np.float32)
    return Face(box, score, _landmarks() if landmarks is None else landmarks)


@pytest.mark.parametrize("yaw", [-60, -30, 0, 20, 50])
def test_a_turn_is_the_turn_of_the_head(yaw):
    angles = gate.angles_of(_landmarks(yaw=yaw))
    np.testing.assert_allclose(angles, (yaw, 0, 0), atol=0.2)


@pytest.mark.parametrize(("pitch", "sign"), [(-30, -1), (0, 0), (30, 1)])
def test_a_nod_has_its_sign_and_a_tilt_is_none(pitch, sign):
    yaw, found, roll = gate.angles_of(_landmarks(pitch=pitch, roll=25))
    assert abs(yaw) < 0.2 and np.sign(round(found)) == sign and abs(found) <= abs(pitch) + 1e-3
    np.testing.assert_allclose(roll, 25, atol=0.2)


def test_a_blur_is_measured_whatever_the_size_of_the_face():
    drawn = np.kron(np.random.default_rng(0).integers(0, 256, (7, 7, 3)), np.ones((64, 64, 1)))
    found = []
    for side in (112, 448):
        pixels = cv2.resize(drawn, (side, side), interpolation=cv2.INTER_AREA).astype(np.uint8)
        blurred = [pixels] + [cv2.GaussianBlur(pixels, (0, 0), sigma * side / 112) for sigma in (2, 4)]
        found.append([gate.sharpness(each, _face(0, 0, side)) for each in blurred])
    assert all(sharp > soft > gate.LEAST_SHARPNESS > blurred for sharp, soft, blurred in found), found
    np.testing.assert_allclose(found[0], found[1], atol=0.05)


@pytest.mark.parametrize(
    ("faces", "passed"),
    [
        ([_face(60, 60, 80)], True),
        ([_face(60, 60, 80), _face(0, 0, 40)], True),  # somebody in the background
        ([_face(60, 60, 100), _face(0, 0, 90)], True),  # framed around one
        ([_face(5, 60, 60), _face(130, 60, 60)], False),  # two side by side
        ([_face(75, 75, 50), _face(0, 75, 50), _face(150, 75, 50)], False),  # three in a row
    ],
)
def test_which_face_is_meant(faces, passed):
    check = gate.of_others(faces, faces[0], 200, 200)
    assert check.is_passed == passed and ("--all-faces" in check.words) == (not passed)


@pytest.mark.parametrize(
    ("face", "failed"),
    [
        (_face(60, 60, 80), []),
        (_face(60, 60, 31), ["face_side"]),
        (_face(60, 60, 80, landmarks=_landmarks(yaw=55)), ["yaw"]),
        (_face(60, 60, 80, landmarks=_landmarks(pitch=45)), ["pitch"]),
        (_face(60, 60, 80, landmarks=_landmarks(roll=50)), ["roll"]),
    ],
)
def test_of_a_face(face, failed):
    pixels = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    checks = gate.of_face(pixels, face, Frame("box", 0.5), is_pose_known=True)
    assert [check.name for check in gate.failed(checks)] == failed
    assert bool(gate.reason(checks)) == bool(failed)
    unknown = gate.of_face(pixels, face, Frame("box", 0.5), is_pose_known=False)
    assert [check.value for check in unknown[2:]] == [None] * 3 and all(check.is_passed for check in unknown[2:])
    assert all("not told" in check.words for check in unknown[2:])


def test_turned_upright_a_tilt_does_not_matter():
    pixels, face = np.zeros((200, 200, 3), np.uint8), _face(60, 60, 80, landmarks=_landmarks(roll=50))
    assert [check.name for check in gate.of_face(pixels, face, Frame("align", 0.3), is_pose_known=True)] == [
        "face_side", "sharpness", "yaw", "pitch",
    ]  # fmt: skip


def test_no_face_and_a_place_that_is_none():
    none, unsure = (gate.of_presence(faces, 0.95, "looked for") for faces in ([], [_face(0, 0, 50, 0.949)]))
    assert not none.is_passed and none.words == "no face was found in it (looked for)"
    assert not unsure.is_passed and "scores 0.949, 0.95 is the least" in unsure.words
    assert gate.of_presence([_face(0, 0, 50, 0.96)], 0.95, "looked for") == ("face_score", 0.96, 0.95, True, "")


def test_a_full_map_tells_nothing_from_algorithm_1s_threshold_on():
    assert gate.of_map(0.89, 0.9).is_passed
    assert not gate.of_map(float(np.float32(0.9)), 0.9).is_passed
    assert "marks nearly all" in gate.of_map(0.97, 0.9).words
