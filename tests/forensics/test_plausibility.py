"""Warnings of what is no picture of one face: by its measures, by what a detector finds, and with the real detector."""

import numpy as np
import pytest
from PIL import Image

from dfrec_jax.forensics import plausibility
from dfrec_jax.frozen.detection import Face
from dfrec_jax.weights import registry
from tests import tiny


def _noise(height, width):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("pixels", "words"),
    [
        (_noise(64, 64), []),
        (_noise(80, 64), []),
        (_noise(1, 1), ["1x1 pixels, enlarged to 64x64", "nearly one colour"]),
        (_noise(31, 31), ["31x31 pixels, enlarged to 64x64"]),
        (_noise(200, 4000), ["4000x200 pixels is far from square"]),
        (_noise(96, 128), ["128x96 pixels is far from square"]),
        (np.full((64, 64, 3), (0, 120, 255), np.uint8), ["nearly one colour"]),
    ],
)
def test_measures(pixels, words):
    found = plausibility.of_measures(pixels, 64)
    assert len(found) == len(words)
    assert all(part in warning for part, warning in zip(words, found, strict=True))


def _face(x, y, width, height):
    return Face(np.array([x, y, x + width, y + height], np.float32), 0.9, np.zeros((5, 2), np.float32))


@pytest.mark.parametrize(
    ("faces", "words"),
    [
        ([_face(20, 15, 50, 65)], []),
        ([_face(20, 15, 50, 65), _face(80, 80, 15, 20)], []),  # somebody in the background
        ([], ["no face was found"]),
        ([_face(40, 40, 15, 20)], ["a whole scene: its largest face takes 20% of its side"]),
        ([_face(0, 10, 40, 60), _face(50, 10, 40, 60)], ["2 faces of like size"]),
    ],
)
def test_faces(faces, words):
    found = plausibility.of_faces(faces, 100, 100)
    assert len(found) == len(words)
    assert all(part in warning for part, warning in zip(words, found, strict=True))


def test_a_network_of_drawn_faces_gets_no_detector():
    find, words = plausibility.detector_for(tiny.config())
    assert find is None and "trained on drawn faces" in words


def test_a_missing_or_damaged_detector_is_said(tmp_path, monkeypatch):
    config = tiny.config()
    config.data.dataset = "faces"
    monkeypatch.delenv("DFREC_WEIGHTS", raising=False)
    find, words = plausibility.detector_for(config)
    assert find is None and "no detector is at hand (`dfrec weights fetch retinaface-mobile025`)" in words
    (tmp_path / registry.find(plausibility.DETECTOR).file).write_bytes(b"damaged")
    config.frozen.weights_dir = str(tmp_path)
    find, words = plausibility.detector_for(config)
    assert find is None and "the detector cannot be used: " in words and "7 bytes" in words


def test_the_real_detector_tells_faces_from_what_is_none(shared_data, shared_weights):
    config = tiny.config()
    config.data.dataset, config.frozen.weights_dir = "faces", str(shared_weights)
    find, words = plausibility.detector_for(config)
    assert find is not None and words == "looked for with retinaface-mobile025"
    with Image.open(min(shared_data.glob("celeba_people/*/*.jpg"))) as image:
        picture = np.asarray(image.convert("RGB"))

    def look(pixels):
        return plausibility.of_faces(find(pixels), *pixels.shape[:2])

    assert look(picture) == []
    scene = np.pad(picture, ((600, 600), (600, 600), (0, 0)), constant_values=120)
    assert "a whole scene: its largest face takes" in look(scene)[0]
    assert "no face" in look(_noise(112, 112))[0]
