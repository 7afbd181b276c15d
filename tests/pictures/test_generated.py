"""What a network made is labelled for people and for programs, and nothing of it is lost."""

import numpy as np
import pytest
from PIL import Image

from dfrec_jax.pictures import generated


@pytest.mark.parametrize("width", [8, 32, 64, 224, 1600])
def test_a_strip_stands_beneath_the_whole_picture(tmp_path, width):
    pixels = np.random.default_rng(0).integers(0, 256, (20, width, 3), dtype=np.uint8)
    generated.save(Image.fromarray(pixels), tmp_path / "a.png", generated.PARTLY_GENERATED)
    with Image.open(tmp_path / "a.png") as picture:
        got = np.asarray(picture)
        xmp = picture.info["xmp"].decode()
    np.testing.assert_array_equal(generated.without_label(got, 20), pixels)
    strip = got[20:]
    assert len(strip) and (strip == generated.PAPER).all(-1).any(), "a strip of one colour"
    assert width < 32 or (strip != generated.PAPER).any(), "with words on it"
    assert (strip[:, 0] == generated.PAPER).all() and (strip[:, -1] == generated.PAPER).all(), "that fit"
    kind = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
    assert f"<Iptc4xmpExt:DigitalSourceType>{kind}</Iptc4xmpExt:DigitalSourceType>" in xmp


def test_the_longest_label_that_can_be_read_is_taken():
    assert [generated._label(width)[0] for width in (1600, 224, 64)] == list(generated.LABELS)


def test_a_picture_of_before_comes_back_as_it_is():
    pixels = np.zeros((20, 10, 3), np.uint8)
    assert generated.without_label(pixels, 20).shape == pixels.shape
