"""Warnings of what is no picture of one face: by its measures, by what a detector finds, by the crop."""

import numpy as np
import pytest

from dfrec_jax.forensics import plausibility
from dfrec_jax.frozen.detection import Face


def _noise(height, width):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("pixels", "words"),
    [
        (_noise(64, 64), []),
        (_noise(80, 64), []),
        (_noise(1, 1), ["1x1 pixels, enlarged to 64x64"]),
        (_noise(31, 31), ["31x31 pixels, enlarged to 64x64"]),
        (_noise(200, 4000), ["4000x200 pixels is far from square"]),
        (_noise(96, 128), ["128x96 pixels is far from square"]),
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
        ([], []),
        ([_face(40, 40, 15, 20)], ["a whole scene: its largest face takes 20% of its side"]),
    ],
)
def test_faces(faces, words):
    found = plausibility.of_faces(faces, 100, 100)
    assert len(found) == len(words)
    assert all(part in warning for part, warning in zip(words, found, strict=True))


@pytest.mark.parametrize(
    ("others", "words"),
    [
        ([_face(80, 80, 15, 20)], []),
        ([_face(0, 10, 45, 60)], ["2 faces of like size: the largest near"]),
    ],
)
def test_faces_that_were_left_out(others, words):
    chosen = _face(20, 15, 50, 65)
    found = plausibility.of_others([chosen, *others], chosen)
    assert len(found) == len(words)
    assert all(part in warning for part, warning in zip(words, found, strict=True))


@pytest.mark.parametrize(
    ("known", "side", "words"),
    [
        (1.0, 64.0, []),
        (0.6, 32.0, []),
        (1.0, 31.0, ["the face's crop is 31 pixels wide, enlarged to 64"]),
        (0.25, 64.0, ["75% of the face's crop lie beyond"]),
    ],
)
def test_crops(known, side, words):
    inside = np.zeros((64, 64, 1), np.uint8)
    inside[: round(64 * known)] = 255
    found = plausibility.of_crop(inside, side)
    assert len(found) == len(words)
    assert all(part in warning for part, warning in zip(words, found, strict=True))
