"""Faces as a network takes them: the frame of a run, and what of a picture stands in it."""

import numpy as np
import pytest

from dfrec_jax.forensics.framed import WHOLE, frame_of, framed
from dfrec_jax.frozen.detection import Face
from dfrec_jax.pictures.framing import EARLIER, Frame
from tests import tiny

BOX = Frame("box", 0.5)


def _picture(height=120, width=160):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def _face(x, y, side):
    box = np.array([x, y, x + side, y + side], np.float32)
    eyes_to_mouth = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]], np.float32)
    return Face(box, 0.9, box[:2] + side * eyes_to_mouth)


def test_the_frame_is_that_of_training():
    config = tiny.config()
    assert frame_of(config, "trained") == WHOLE  # drawn faces
    config.data.dataset = "faces"
    assert frame_of(config, "trained") == EARLIER
    config.data.crop, config.data.margin = "align", 0.2
    assert frame_of(config, "trained") == Frame("align", 0.2)
    assert frame_of(config, "none") == WHOLE


def test_a_face_is_cut_out_around_its_box():
    picture, face = _picture(), _face(60, 40, 32)
    (cut,) = framed(picture, [face], BOX, 48)  # a square of 48 around the box: pixel for pixel
    np.testing.assert_array_equal(cut.pixels, picture[32:80, 52:100])
    np.testing.assert_allclose(cut.landmarks, face.landmarks - [52, 32], atol=1e-4)
    assert cut.face is face and cut.inside.min() == 255 and cut.warnings == ()


def test_what_the_picture_lacks_is_marked():
    (cut,) = framed(_picture(), [_face(0, 40, 32)], BOX, 48)
    np.testing.assert_array_equal(cut.inside[:, :8], 0)
    np.testing.assert_array_equal(cut.inside[:, 8:], 255)


def test_the_largest_near_the_middle_is_taken_or_each():
    small, large = _face(10, 10, 28), _face(70, 40, 36)
    (one,) = framed(_picture(), [small, large], BOX, 48)
    assert one.face is large
    assert [each.face for each in framed(_picture(), [small, large], BOX, 48, every=True)] == [large, small]
    assert framed(_picture(), [], BOX, 48) == []


@pytest.mark.parametrize("faces", [[], [_face(80, 30, 40)]])
def test_a_whole_picture_is_squeezed(faces):
    (whole,) = framed(_picture(), faces, WHOLE, 40)
    assert whole.pixels.shape == (40, 40, 3) and whole.matrix is None and whole.inside.min() == 255
    if faces:
        wanted = (faces[0].landmarks + 0.5) * [40 / 160, 40 / 120] - 0.5
        np.testing.assert_allclose(whole.landmarks, wanted, rtol=1e-5)
    else:
        assert np.isnan(whole.landmarks).all()
