import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dfrec_jax.frozen.network import Perceptors
from dfrec_jax.synthetic import dataset, encoders
from dfrec_jax.synthetic.factors import ATTRIBUTE_NAMES
from dfrec_jax.synthetic.train_encoders import draw_views, verify

NAMES = tuple(encoders.MODULES)


@pytest.fixture(scope="module")
def strangers():
    """People of the test split, whom no encoder and no setting has seen, three pictures each, as they are."""
    first = dataset.split_of("test").first_identity
    return draw_views(range(first, first + 60), 3, 0.0)


@pytest.mark.parametrize("name", NAMES)
def test_strangers_are_told_apart(name, strangers):
    result = verify(encoders.load(name), strangers)
    assert result.accuracy > {"embedded-a": 0.85, "embedded-b": 0.9}[name]
    assert abs(result.different) < 0.08 and result.same > 0.5
    assert result.attribute_error < 0.65  # a constant answer is off by about 0.8


def test_the_weights_are_under_a_mebibyte_together():
    assert sum(len(encoders.weights_file(name).read_bytes()) for name in NAMES) < 2**20


@pytest.mark.parametrize("name", NAMES)
def test_features_keep_their_names_and_shapes(name):
    network = encoders.load(name)
    features = jax.jit(lambda images: network(images))(jnp.linspace(0, 1, 2 * 64 * 64 * 3).reshape(2, 64, 64, 3))
    for taps in network.taps.values():
        assert all(features[tap].shape[0] == 2 for tap in taps)
    assert len(network.taps["identity"]) == 4
    assert features["embedding"].shape == (2, encoders.EMBEDDING_SIZE)
    assert features["attributes"].shape == (2, len(ATTRIBUTE_NAMES))
    np.testing.assert_allclose(jnp.linalg.norm(features["embedding"], axis=-1), 1.0, rtol=1e-4)


def test_any_size_is_resized_to_what_the_encoder_was_trained_on():
    faces = jnp.asarray(dataset.render_batch([0, 1], "test", size=64)["target"].astype(np.float32) / 255)
    large = jnp.repeat(jnp.repeat(faces, 2, axis=1), 2, axis=2)
    embed = jax.jit(lambda faces: encoders.load("embedded-b")(faces)["embedding"])
    small = jax.image.resize(large, (2, 64, 64, 3), "bilinear", antialias=True)
    np.testing.assert_allclose(embed(large), embed(small), atol=1e-5)


def test_one_encoder_plays_all_roles_of_the_losses():
    network = encoders.load("embedded-a")
    features = Perceptors(network, network, network)(jnp.full((1, 64, 64, 3), 0.5))
    assert [len(role) for role in features] == [4, 4, 1]


def test_storing_and_loading_gives_the_same_network():
    network = encoders.load("embedded-a")
    again = encoders.from_tensors("embedded-a", encoders.to_tensors(network.variables))
    jax.tree.map(np.testing.assert_array_equal, network.variables, again.variables)


def test_an_unknown_encoder_is_refused():
    with pytest.raises(ValueError, match="name='facenet'"):
        encoders.load("facenet")


def test_none_lies_in_the_band_of_real_swaps_at_the_default_leak():
    """The forgery's likeness to its target, its source, and strangers, by the metric's encoder (Fig. 1b)."""
    batch = dataset.render_batch(range(64), "test")
    network = encoders.load("embedded-b")
    embed = jax.jit(lambda images: network(images.astype(jnp.float32) / 255.0)["embedding"])
    forgery, source, target = (np.asarray(embed(batch[role])) for role in ("image", "source", "target"))

    def likeness(others):
        return float((forgery * others).sum(axis=-1).mean())

    assert 0.2 < likeness(target) < 0.45
    assert likeness(source) > likeness(target) + 0.05
    assert abs(likeness(np.roll(target, 1, axis=0))) < 0.1
