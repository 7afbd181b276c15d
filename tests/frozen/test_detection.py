import jax
import numpy as np
import pytest

from dfrec_jax.frozen.blueprint import from_random
from dfrec_jax.frozen.detection import Face, central_face, detect_faces, suppress
from dfrec_jax.frozen.retinaface import BLUEPRINT, Detections, anchors, decode


def test_anchors_by_hand():
    every = anchors(64, 96)
    assert every.shape == (2 * (8 * 12 + 4 * 6 + 2 * 3), 4)
    np.testing.assert_array_equal(every[:3], [[4, 4, 10, 10], [4, 4, 20, 20], [12, 4, 10, 10]])
    np.testing.assert_array_equal(every[-1], [80, 48, 256, 256])


def test_decode_by_hand():
    raw = Detections(
        boxes=np.array([[[1.0, -1.0, 0.0, 5 * np.log(2.0)]]], np.float32),
        scores=np.array([[0.9]], np.float32),
        landmarks=np.full((1, 1, 5, 2), 2.0, np.float32),
    )
    found = jax.jit(decode)(jax.tree.map(jax.numpy.asarray, raw), jax.numpy.array([[50.0, 60.0, 20.0, 20.0]]))
    np.testing.assert_allclose(found.boxes, [[[42, 38, 62, 78]]], rtol=1e-5)  # centre (52, 58), 20 wide, 40 high
    np.testing.assert_allclose(found.landmarks, np.broadcast_to([54.0, 64.0], (1, 1, 5, 2)), rtol=1e-6)


def test_suppress_by_hand():
    boxes = np.array([[0, 0, 9, 9], [1, 0, 10, 9], [20, 20, 29, 29], [5, 0, 14, 9]], np.float32)
    # Of 100 pixels each, the second shares 90 (0.82 of the union), the fourth 50 (0.33) with the first.
    assert suppress(boxes, 0.4) == [0, 2, 3]
    assert suppress(boxes, 0.3) == [0, 2]
    assert suppress(np.zeros((0, 4), np.float32), 0.4) == []


def test_the_central_face_is_the_larger_unless_it_is_aside():
    def face(x: float, y: float, side: float) -> Face:
        return Face(np.array([x, y, x + side, y + side]), 0.9, np.zeros((5, 2)))

    middle, corner, large = face(40, 40, 20), face(0, 0, 22), face(30, 30, 40)
    assert central_face([corner, middle], 100, 100) is middle
    assert central_face([middle, large], 100, 100) is large
    assert central_face([], 100, 100) is None


@pytest.fixture(scope="module")
def network():
    return from_random(BLUEPRINT)


def test_images_of_any_size_share_one_compilation(network):
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (h, w, 3), np.uint8) for h, w in ((64, 64), (200, 100), (30, 41))]
    whole = detect_faces(network, images, side=64, min_score=0.0)
    assert len(whole) == 3 and all(0.02 < face.score <= 1 for faces in whole for face in faces)
    assert detect_faces(network, [], side=64) == []


def test_boxes_are_in_pixels_of_the_image(network):
    small = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8).repeat(4, 0).repeat(4, 1)
    large = small.repeat(2, 0).repeat(2, 1)  # reduced to 64 px it is the small one again
    (few,), (more,) = (detect_faces(network, [image], side=64, min_score=0.0) for image in (small, large))
    assert len(few) == len(more) > 0
    np.testing.assert_allclose(more[0].box, 2 * few[0].box, rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(more[0].landmarks, 2 * few[0].landmarks, rtol=1e-4, atol=1e-3)


def test_a_side_that_does_not_divide_is_refused(network):
    with pytest.raises(ValueError, match="side=100"):
        detect_faces(network, [np.zeros((8, 8, 3), np.uint8)], side=100)
