"""People of a video: who goes on from frame to frame, and which of their faces are best."""

import numpy as np

from dfrec_jax.forensics import tracks
from dfrec_jax.forensics.framed import Framed
from dfrec_jax.forensics.gate import Check
from dfrec_jax.forensics.recovery import NOT_APPLICABLE, Recovery
from dfrec_jax.forensics.tracks import Sight


def _framed(side=112.0, sharpness=0.5, yaw=0.0):
    checks = (
        Check("face_score", 1.0, 0.95, True), Check("face_side", side, 32.0, True),
        Check("sharpness", sharpness, 0.25, True), Check("yaw", yaw, 48.0, False), Check("pitch", None, 25.0, False),
    )  # fmt: skip
    pixels = np.zeros((8, 8, 3), np.uint8)
    return Framed(pixels, np.zeros((5, 2), np.float32), pixels[..., :1], None, None, (), checks)


def _sight(frame, x, embedding=None, found=None, side=40):
    box = np.array([x, 10, x + side, 10 + side], np.float32)
    row = None if embedding is None else np.array(embedding, np.float32)
    return Sight(frame, found or _framed(), box, row)


def test_faces_that_overlap_or_resemble_are_one_track_and_the_largest_comes_first():
    a, b = (1.0, 0.0), (0.0, 1.0)
    frames = [
        [_sight(0, 0, a), _sight(0, 100, b)],
        [_sight(1, 95, b), _sight(1, 5, a)],
        [_sight(2, 200, a)],  # the camera has moved: known by the embedding alone
        [_sight(3, 205)],  # by the place alone
    ]
    found = tracks.link(frames)
    assert [[(sight.frame, int(sight.box[0])) for sight in track] for track in found] == [
        [(0, 0), (1, 5), (2, 200), (3, 205)],
        [(0, 100), (1, 95)],
    ]


def test_quality_is_size_sharpness_and_pose():
    assert tracks.quality(_framed().checks) == 1.0
    np.testing.assert_allclose(tracks.quality(_framed(side=56.0).checks), 0.5)
    np.testing.assert_allclose(tracks.quality(_framed(sharpness=0.3).checks), 0.6)
    np.testing.assert_allclose(tracks.quality(_framed(yaw=60.0).checks), 0.5)
    assert tracks.quality(()) == 1.0


def test_the_best_are_those_that_the_gate_lets_through_in_order():
    stopped = Recovery(NOT_APPLICABLE, "too blurred", ())
    track = [
        _sight(0, 0, found=_framed(side=50.0)), _sight(1, 0, found=_framed(side=100.0)),
        _sight(2, 0, found=stopped), _sight(3, 0, found=_framed(side=90.0)),
    ]  # fmt: skip
    assert [sight.frame for sight in tracks.best(track, 2)] == [1, 3]


def test_the_mean_is_weighted():
    mean = tracks.weighted_mean(np.array([[1, 0], [0, 1]], np.float32), [3.0, 1.0])
    np.testing.assert_allclose(mean, np.array([3, 1]) / np.sqrt(10), atol=1e-6)
