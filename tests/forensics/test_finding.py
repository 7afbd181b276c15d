"""What finds faces: the real detectors on real faces, what is said where none is at hand, and files that name them."""

import json
import sys

import numpy as np
import pytest
from PIL import Image

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.forensics import finding, gate, plausibility
from dfrec_jax.weights import registry
from tests import tiny


def _of_photographs(weights_dir=""):
    config = tiny.config()
    config.data.dataset, config.frozen.weights_dir = "faces", str(weights_dir)
    return config


def test_a_network_of_drawn_faces_gets_no_detector():
    detector, words = finding.detector_for(tiny.config())
    assert detector is None and "trained on drawn faces" in words


def test_a_missing_or_damaged_detector_is_said(tmp_path, monkeypatch):
    monkeypatch.delenv("DFREC_WEIGHTS", raising=False)
    monkeypatch.setitem(sys.modules, "dlib", None)  # as where it is not installed
    detector, words = finding.detector_for(_of_photographs())
    assert detector is None and "is not at hand (`dfrec weights fetch retinaface-mobile025`), nor is dlib" in words
    (tmp_path / registry.find(finding.RETINAFACE).file).write_bytes(b"damaged")
    detector, words = finding.detector_for(_of_photographs(tmp_path))
    assert detector is None and "cannot be used: " in words and "7 bytes" in words


def test_the_real_detector_tells_faces_from_what_is_none(shared_data, shared_weights):
    detector, words = finding.detector_for(_of_photographs(shared_weights))
    assert detector is not None and words == "looked for with retinaface-mobile025"
    with Image.open(min(shared_data.glob("celeba_people/*/*.jpg"))) as image:
        picture = np.asarray(image.convert("RGB"))

    def look(pixels):
        return plausibility.of_faces(detector.find(pixels), *pixels.shape[:2])

    assert look(picture) == []
    scene = np.pad(picture, ((600, 600), (600, 600), (0, 0)), constant_values=120)
    assert "a whole scene: its largest face takes" in look(scene)[0]
    noise = detector.find(np.random.default_rng(0).integers(0, 256, (112, 112, 3), np.uint8))
    assert not gate.of_presence(noise, detector.least_score, words).is_passed
    assert gate.of_presence(detector.find(picture), detector.least_score, words).is_passed


def test_without_it_dlib_finds_the_same_faces(shared_data, shared_weights, monkeypatch):
    pytest.importorskip("dlib", reason="dlib is not installed")
    retinaface, _ = finding.detector_for(_of_photographs(shared_weights))
    monkeypatch.delenv("DFREC_WEIGHTS", raising=False)
    dlib, words = finding.detector_for(_of_photographs())
    assert words == f"looked for with {finding.DLIB}, since {finding.RETINAFACE} is not at hand"
    overlaps = []
    for path in sorted(shared_data.glob("celeba_people/*/*.jpg"))[::90][:8]:
        with Image.open(path) as image:
            picture = np.asarray(image.convert("RGB"))
        (one,) = retinaface.find(picture)[:1]
        for other in dlib.find(picture)[:1]:
            overlaps.append(_overlap(one.box, other.box))
            assert np.abs(one.landmarks - other.landmarks).max() < 0.25 * np.max(one.box[2:] - one.box[:2])
    assert len(overlaps) >= 7, "it misses a face now and then"
    assert np.mean(overlaps) > 0.7 and min(overlaps) > 0.5


def _overlap(a, b):
    sides = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    shared = np.prod(np.maximum(sides, 0))
    return shared / (np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - shared)


def test_a_box_and_its_landmarks_give_each_other():
    square = np.array([20.0, 30.0, 60.0, 70.0], np.float32)
    np.testing.assert_allclose(finding.box_of_landmarks(finding.landmarks_of_box(square)), square, atol=1e-4)


def test_a_file_names_faces(tmp_path):
    landmarks = [[30, 40], [50, 40], [40, 50], [32, 60], [48, 60]]
    said = {"a.jpg": {"box": [10, 20, 30, 60]}, "b.jpg": [{"landmarks": landmarks}, {"box": [0, 0, 5, 5]}]}
    (tmp_path / "faces.json").write_text(json.dumps(said))
    faces = finding.faces_of_file(tmp_path / "faces.json")
    np.testing.assert_array_equal(faces["a.jpg"][0].box, [10, 20, 30, 60])
    np.testing.assert_allclose(faces["a.jpg"][0].landmarks.mean(0), [20, 40], atol=4)
    assert len(faces["b.jpg"]) == 2
    x0, y0, x1, y1 = faces["b.jpg"][0].box
    assert x0 < 30 and x1 > 50 and y0 < 40 and y1 > 60


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("no json", "cannot be read as JSON"),
        ("[]", "must be an object with a name of a picture for each key"),
        ('{"a.jpg": {}}', "a.jpg: {}: must be an object with `box`"),
        ('{"a.jpg": {"box": [5, 5, 1, 9]}}', "x1 > x0"),
        ('{"a.jpg": {"box": [1, 2, 3, 4], "points": []}}', "a.jpg"),
        ('{"a.jpg": [{"box": [1, 2, 3, 4]}, {"landmarks": [[1, 2]]}]}', "five pairs"),
        ('{"a.jpg": "left"}', "a.jpg"),
    ],
)
def test_a_file_that_says_something_else_is_refused(tmp_path, text, words):
    (tmp_path / "faces.json").write_text(text)
    with pytest.raises(ConfigError, match="--faces=") as error:
        finding.faces_of_file(tmp_path / "faces.json")
    assert words in str(error.value)
