"""What is embedded: a face as recovery frames it, or a drawn picture whole."""

import numpy as np
import pytest

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.forensics import finding
from dfrec_jax.frozen.detection import Face
from dfrec_jax.frozen.dlib_recogniser import DlibRecogniser
from dfrec_jax.tracing import embedder as embedder_lib
from dfrec_jax.tracing.embedder import Embedder, mean_direction
from dfrec_jax.tracing.head import Head
from tests import tiny
from tests.tracing import drawn


def test_embeddings_are_the_same_however_many_there_are(embedder):
    faces = [embedder.face(drawn.pattern(person)) for person in range(5)]
    together = embedder.embeddings(faces)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(together[4], embedder.embeddings([faces[4]])[0], atol=1e-6)
    with pytest.raises(ValueError, match="no face"):
        embedder.embeddings([])


def test_pictures_of_one_pattern_are_nearer_than_two_patterns(embedder):
    one, same, other = embedder.embeddings(
        [embedder.face(pixels) for pixels in (drawn.pattern(0), drawn.pattern(0, 1), drawn.pattern(1))]
    )
    assert one @ same > one @ other + 0.2


def test_a_photograph_without_a_face_gives_none(monkeypatch):
    detector = finding.Detector(
        "unsure", lambda pixels: [Face(np.array([10, 10, 30, 30], np.float32), 0.4, np.zeros((5, 2)))], 0.5
    )
    monkeypatch.setattr(finding, "detector_for", lambda config: (detector, "looked for with unsure"))
    monkeypatch.setattr(embedder_lib.perceptors, "load_network", lambda name, config: tiny.network())
    embedder = Embedder("mobilefacenet-foamliu")
    picture = np.zeros((80, 100, 3), np.uint8)
    assert embedder.identity.frame == "--crop box --margin 0.3"
    assert embedder.face(picture) is None
    box = np.array([40, 30, 60, 50], np.float32)
    found = embedder.face(picture, [Face(box, 1.0, finding.landmarks_of_box(box))])
    assert found is not None and found.pixels.shape == (embedder_lib.SIZE, embedder_lib.SIZE, 3)
    assert found.matrix[0, 0] == pytest.approx(embedder_lib.SIZE / 26)  # the box enlarged by 0.3


def test_what_cannot_be_a_recogniser_is_refused(monkeypatch):
    network = tiny.network()
    monkeypatch.setattr(
        embedder_lib.perceptors, "load_network", lambda name, config: network.replace(taps={"attributes": ()})
    )
    with pytest.raises(ConfigError, match="squeezenet-imagenet: this network tells no identities"):
        Embedder("squeezenet-imagenet")
    monkeypatch.setattr(embedder_lib.perceptors, "load_network", lambda name, config: network)
    monkeypatch.setattr(finding, "detector_for", lambda config: (None, "not looked for: x"))
    with pytest.raises(ConfigError, match="faces must be found for it, and were not looked for: x"):
        Embedder("mobilefacenet-foamliu")


def test_the_mean_has_unit_length_and_its_direction():
    np.testing.assert_allclose(mean_direction(np.array([[1, 0], [0, 1]], np.float32)), [0.5**0.5] * 2, atol=1e-6)


def test_differences_are_named(embedder):
    other = embedder.identity._replace(recogniser="x", size=3)
    assert embedder.identity.differences(embedder.identity) == ""
    assert embedder.identity.differences(other) == "recogniser 'embedded-b' and 'x'; size 64 and 3"


def test_dlib_is_a_recogniser_too(monkeypatch):
    """Its descriptors are brought to unit length; it has no maps, and says where it is not installed."""

    class Described(DlibRecogniser):
        def __init__(self):
            pass

        def find(self, pictures, landmarks):
            return [points[0] for points in landmarks]

        def embed(self, pictures, places):
            return np.array([[*place, picture.mean()] for picture, place in zip(pictures, places, strict=True)])

    monkeypatch.setattr(embedder_lib.dlib_recogniser, "DlibRecogniser", Described)
    detector = finding.Detector("none", lambda pixels: [], 0.5)
    monkeypatch.setattr(finding, "detector_for", lambda config: (detector, "looked for"))
    embedder = Embedder("dlib-resnet-v1")
    assert embedder.network is None and len(embedder.identity.recogniser_sha256) == 64 and embedder.face_is_needed
    box = np.array([40, 30, 60, 50], np.float32)
    face = embedder.face(np.full((80, 100, 3), 90, np.uint8), [Face(box, 1.0, finding.landmarks_of_box(box))])
    wanted = np.array([*face.landmarks[0], face.pixels.mean()])
    np.testing.assert_allclose(embedder.embeddings([face])[0], wanted / np.linalg.norm(wanted), rtol=1e-5)
    with pytest.raises(ConfigError, match="--head=runs/trace: a head reads the maps.*dlib-resnet-v1 gives none"):
        Head("runs/trace", embedder)

    def missing():
        raise embedder_lib.dlib_recogniser.DlibMissing("pip install it")

    monkeypatch.setattr(embedder_lib.dlib_recogniser, "DlibRecogniser", missing)
    with pytest.raises(ConfigError, match="--recogniser=dlib-resnet-v1: pip install it"):
        Embedder("dlib-resnet-v1")
