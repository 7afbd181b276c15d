"""Grids: every picture is where its heading says."""

import numpy as np
import pytest
from PIL import Image

from dfrec_jax.pictures import grid


def test_uint8_is_rounded_and_clipped():
    values = np.array([-1.0, 0.0, 0.4999 / 255, 0.5001 / 255, 1.0, 2.0]).reshape(1, 6, 1)
    assert grid.to_uint8(values).ravel().tolist() == [0, 0, 0, 1, 255, 255]


def test_pictures_stand_in_their_cells():
    red, gray = np.zeros((4, 4, 3)), np.full((4, 4, 1), 0.5)
    red[..., 0] = 1.0
    drawn = np.asarray(grid.grid([[red, gray]], ["a", "b"], cell=8))
    assert drawn.shape[1] == grid.MARGIN + 2 * (8 + grid.MARGIN)
    row = drawn[-grid.MARGIN - 4]
    assert row[grid.MARGIN + 4].tolist() == [255, 0, 0]
    assert row[2 * grid.MARGIN + 8 + 4].tolist() == [128, 128, 128]


def test_a_row_of_another_length_is_refused():
    with pytest.raises(ValueError, match="2 headings"):
        grid.grid([[np.zeros((4, 4, 3))]], ["a", "b"])


def test_a_saved_picture_keeps_its_pixels(tmp_path):
    picture = np.random.default_rng(0).random((5, 7, 3)).astype(np.float32)
    grid.save_array(picture, tmp_path / "new" / "a.png")
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "new" / "a.png")), grid.to_uint8(picture))


def test_an_empty_map_says_so():
    assert grid.words_of_map(np.full((4, 4, 1), 0.1)) == "empty, mean 0.10"
    marked = np.zeros((4, 4, 1))
    marked[:2] = 1.0
    assert grid.words_of_map(marked) == "mean 0.50"
