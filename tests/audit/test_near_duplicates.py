"""The same picture is found after what happens to pictures on their way, and another one is not."""

import cv2
import numpy as np
import pytest

from dfrec_jax.audit import near_duplicates
from tests.preparation import trees


def coded(image, quality):
    return cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)


CHANGES = {
    "itself": lambda image: image,
    "coded": lambda image: coded(image, 40),
    "half the size": lambda image: cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA),
    "brighter": lambda image: np.clip(image.astype(float) * 1.15 + 8, 0, 255).astype(np.uint8),
}


def looks(images):
    small = np.stack([near_duplicates.thumbnail(image) for image in images])
    return np.array([near_duplicates.perceptual_hash(picture) for picture in small], np.uint64), small


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_picture_is_found_and_no_other(change):
    images = [trees.picture(seed, 96) for seed in range(30)]
    changed = [CHANGES[change](images[i]) for i in (4, 11)]
    others = [trees.picture(seed, 96) for seed in range(100, 120)]
    found = near_duplicates.near_duplicates(*looks(images), *looks([*others, *changed]))
    assert found.tolist() == [[4, 20], [11, 21]]


def test_a_mirrored_picture_is_another_one():
    image = trees.picture(3, 96)
    assert len(near_duplicates.near_duplicates(*looks([image]), *looks([image[:, ::-1]]))) == 0


def test_equal_hashes_are_looked_at():
    """Two plain gradients differ little in their frequencies' signs; the pixels tell them apart."""
    hashes, small = looks([trees.picture(3, 96), trees.picture(4, 96)])
    found = near_duplicates.near_duplicates(hashes[:1], small[:1], hashes[:1], small[1:])
    assert len(found) == 0


@pytest.mark.parametrize("bits", [0, 4, 5])
def test_four_bits_may_differ(bits):
    hashes, small = looks([trees.picture(3, 96)])
    other = hashes ^ np.uint64(sum(1 << place for place in (0, 14, 27, 40, 63)[:bits]))
    assert len(near_duplicates.near_duplicates(hashes, small, other, small)) == (bits <= 4)


def test_a_plain_picture_divides_by_nothing():
    assert not near_duplicates.thumbnail(np.full((40, 40, 3), 7, np.uint8)).any()
