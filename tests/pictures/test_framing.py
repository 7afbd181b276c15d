"""Cutting a face out and putting it back: by hand, and against a warp of coordinates."""

import cv2
import numpy as np
import pytest

from dfrec_jax.pictures import framing
from tests.preparation import trees


def crop_matrix(crop, margin, size, *, box=(0, 0, 1, 1), landmarks=None, shape=(200, 200)):
    landmarks = np.zeros((5, 2)) if landmarks is None else landmarks
    frame = framing.Frame(crop, margin)
    return framing.crop_matrix(frame, np.float32(box), np.float32(landmarks), *shape, size)


def test_box_crop_by_hand():
    matrix = crop_matrix("box", 0.2, 120, box=[20, 30, 60, 80])
    # Centre (40, 55) between edges is pixel centre (39.5, 54.5); side 50 * 1.2 = 60 becomes 120 pixels.
    np.testing.assert_allclose(matrix, [[2, 0, 59.5 - 2 * 39.5], [0, 2, 59.5 - 2 * 54.5]], atol=1e-5)


def test_five_landmarks_come_to_the_template():
    template = (framing.TEMPLATE + 0.5) * 2 - 0.5  # ArcFace's square at 224 pixels
    angle = 0.3
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    placed = 0.7 * template @ rotation.T + [40, 90]
    matrix = crop_matrix("align", 0.0, 224, landmarks=placed)
    np.testing.assert_allclose(framing.moved(placed.astype(np.float32), matrix), template, atol=1e-2)
    wider = crop_matrix("align", 1.0, 224, landmarks=placed)
    spread = np.ptp(framing.moved(placed.astype(np.float32), wider), axis=0)
    np.testing.assert_allclose(spread, np.ptp(template, axis=0) / 2, atol=1e-2)


def test_no_crop_is_the_largest_square_in_the_middle():
    image = np.random.default_rng(0).integers(0, 255, (40, 60, 3)).astype(np.uint8)
    matrix = crop_matrix("none", 0.3, 40, shape=(40, 60))
    np.testing.assert_array_equal(framing.cut_out(image, matrix, 40), image[:, 10:50])
    with pytest.raises(ValueError, match="crop='tight'"):
        crop_matrix("tight", 0.3, 40)


@pytest.mark.parametrize("scale", [0.23, 0.5, 1.0, 2.6])
def test_a_crop_shows_what_its_matrix_says(scale):
    x, y = np.meshgrid(np.arange(200), np.arange(160))
    image = np.stack([x, y, np.full_like(x, 9)], axis=-1).astype(np.uint8)  # a pixel says where it is
    size = 24
    matrix = np.float32([[scale, 0, 12 - scale * 90], [0, scale, 12 - scale * 70]])
    crop = framing.cut_out(image, matrix, size).astype(float)
    ends = (np.array([0, size - 1]) - matrix[:, 2:]) / scale
    want_x = np.linspace(*ends[0], size)
    inside = (want_x > 2) & (want_x < 198)
    np.testing.assert_allclose(crop[12, inside, 0], want_x[inside], atol=1.0)


def test_beyond_the_picture_its_border_goes_on():
    image = trees.picture(0, 32)
    matrix = np.float32([[1, 0, 8], [0, 1, 0]])
    crop = framing.cut_out(image, matrix, 32)
    np.testing.assert_array_equal(crop[:, :8], np.repeat(image[:, :1], 8, axis=1))


def test_what_was_turned_upright_is_turned_back():
    picture = np.kron(np.random.default_rng(0).integers(0, 255, (8, 10, 3)), np.ones((12, 12, 1))).astype(np.uint8)
    placed = (framing.TEMPLATE * 0.4 + [30, 20]) @ np.array([[0.96, 0.28], [-0.28, 0.96]])
    matrix = crop_matrix("align", 0.3, 64, landmarks=placed, shape=picture.shape[:2])
    assert abs(matrix[0, 1]) > 0.1, "else nothing is turned"
    crop = framing.cut_out(picture, matrix, 64)
    nowhere, everywhere = (np.full((64, 64, 1), weight, np.float32) for weight in (0, 1))
    np.testing.assert_array_equal(framing.put_back(picture, crop, matrix, nowhere), picture)
    back = framing.put_back(picture, crop, matrix, everywhere)
    assert np.abs(back.astype(int) - picture).mean() < 3, "the picture again, but for the resampling"
    marked = framing.put_back(picture, np.full_like(crop, 255), matrix, everywhere)
    (middle,) = framing.moved(np.float32([[31.5, 31.5]]), framing.inverse(matrix)).round().astype(int)
    assert (marked[middle[1], middle[0]] == 255).all() and (marked[0, -1] == picture[0, -1]).all()


def test_pixels_that_the_picture_lacks_are_told_by_hand():
    # 40 pixels of a picture of 30 x 30, beginning 8 to the left of it and 2 above, as a crop of 80.
    place = framing.place_in_picture(np.float32([[2, 0, 16.5], [0, 2, 4.5]]), 30, 30, 80)
    mask = framing.inside_mask(place, 40)[..., 0]
    assert mask.dtype == np.uint8 and set(np.unique(mask)) == {0, 255}
    want = np.zeros((40, 40), np.uint8)
    want[2:32, 8:38] = 255
    np.testing.assert_array_equal(mask, want)
    np.testing.assert_array_equal(framing.inside_mask(place, 80)[::2, ::2, 0], want)
    assert (framing.inside_mask(framing.ALL_INSIDE, 7) == 255).all()


def test_a_turned_crop_lacks_its_corners():
    turned = np.float32([[0.8, -0.6, 16.0], [0.6, 0.8, -8.0]])
    mask = framing.inside_mask(framing.place_in_picture(turned, 40, 40, 40), 40)[..., 0]
    picture = np.full((40, 40, 1), 255, np.uint8)
    want = cv2.warpAffine(picture, turned, (40, 40), flags=cv2.INTER_NEAREST)
    assert 0.5 < (mask > 0).mean() < 0.99 and ((mask > 0) != (want > 0)).mean() < 0.02


def test_frames_are_the_same_by_what_they_show():
    box = framing.Frame("box", 0.3)
    assert box.is_that_of(framing.EARLIER) and not box.is_that_of(framing.Frame("box", 0.5))
    assert framing.Frame("none", 0.3).is_that_of(framing.Frame("none", 0.5))
    assert not box.is_that_of(framing.Frame("align", 0.3))
