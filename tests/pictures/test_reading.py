"""Reading pictures: what is mended, and what is refused with a reason."""

import numpy as np
import pytest
from PIL import Image

from dfrec_jax.pictures.reading import ImageError, read_image, resize


@pytest.fixture
def picture():
    return np.random.default_rng(0).integers(0, 256, (24, 16, 3), dtype=np.uint8)


def test_rgb_is_read_as_it_is(tmp_path, picture):
    Image.fromarray(picture).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), picture)


def test_exif_rotation_is_applied(tmp_path, picture):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    Image.fromarray(picture).save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), np.rot90(picture, -1))


def test_gray_becomes_rgb(tmp_path, picture):
    Image.fromarray(picture[..., 0]).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), np.repeat(picture[..., :1], 3, axis=-1))


def test_sixteen_bits_are_scaled(tmp_path):
    values = np.array([[0, 257, 65535], [32896, 514, 65278]], np.uint16)
    Image.fromarray(values).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png")[..., 1], [[0, 1, 255], [128, 2, 254]])


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_alpha_is_refused_with_the_fix(tmp_path, mode):
    Image.new(mode, (8, 8)).save(tmp_path / "a.png")
    with pytest.raises(ImageError, match=r"a.png has an alpha channel.*-flatten"):
        read_image(tmp_path / "a.png")


def test_a_truncated_file_is_refused(tmp_path, picture):
    Image.fromarray(picture).save(tmp_path / "a.jpg")
    data = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(data[: len(data) // 2])
    with pytest.raises(ImageError, match="a.jpg cannot be read as a picture.*(?i:truncated)"):
        read_image(tmp_path / "a.jpg")


def test_what_is_no_picture_is_refused(tmp_path):
    (tmp_path / "a.png").write_text("not a picture")
    with pytest.raises(ImageError, match="cannot be read as a picture"):
        read_image(tmp_path / "a.png")
    with pytest.raises(ImageError, match="is a folder: name the pictures in it"):
        read_image(tmp_path)
    with pytest.raises(ImageError, match="there is no such file"):
        read_image(tmp_path / "b.png")


def test_resizing_is_bicubic_and_antialiased(picture):
    small = resize(picture, 8)
    want = np.asarray(Image.fromarray(picture).resize((8, 8), Image.Resampling.BICUBIC))
    np.testing.assert_array_equal(small, want)
    assert resize(small, 8) is small
