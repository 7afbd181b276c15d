import jax
import jax.numpy as jnp
import pytest

from dfrec_jax import config as config_lib
from dfrec_jax.frozen.load import load_network, load_perceptors
from dfrec_jax.weights.rules import WeightsError


def test_random_stand_ins_play_the_roles_of_the_losses():
    config = config_lib.dfrec()
    config.frozen.allow_random = True
    perceptors = load_perceptors(config.frozen, 32)
    features = jax.eval_shape(lambda p, x: p(x), perceptors, jax.ShapeDtypeStruct((2, 32, 32, 3), jnp.float32))
    assert [tap.shape[-1] for tap in features.identity] == [896, 1792, 1792, 512]
    assert [tap.shape[1:] for tap in features.perceptual] == [
        (32, 32, 64),
        (16, 16, 128),
        (8, 8, 256),
        (4, 4, 512),
        (2, 2, 512),
    ]
    assert [tap.shape for tap in features.attributes] == [(2, 40)]
    assert perceptors.identity.is_random and perceptors.perceptual.is_random and perceptors.attributes.is_random


def test_a_network_is_not_given_a_role_that_it_cannot_play():
    config = config_lib.dfrec()
    config.frozen.allow_random = True
    config.frozen.identity = "vgg19-imagenet"
    with pytest.raises(WeightsError, match="frozen.identity='vgg19-imagenet'.*perceptual, not identity"):
        load_perceptors(config.frozen, 32)


def test_an_unknown_network_is_refused_with_the_known_ones():
    with pytest.raises(WeightsError, match="'facenet'.*facenet-vggface2"):
        load_network("facenet", weights_dir="", allow_random=True, image_size=224)


def test_an_image_too_small_is_refused():
    with pytest.raises(ValueError, match="image_size=8"):
        load_network("vgg19-imagenet", weights_dir="", allow_random=True, image_size=8)


def test_missing_weights_are_an_error_that_says_what_to_run(tmp_path, monkeypatch):
    monkeypatch.setenv("DFREC_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("DFREC_OFFLINE", "1")
    monkeypatch.setenv("DFREC_CACHE", str(tmp_path))
    with pytest.raises(
        WeightsError, match="20180402-114759-vggface2.pt is not in.*dfrec weights fetch facenet-vggface2"
    ):
        load_network("facenet-vggface2", weights_dir="", allow_random=False, image_size=224)


def test_a_damaged_file_is_refused_even_where_a_random_one_would_do(tmp_path):
    (tmp_path / "068.ckpt").write_bytes(b"no network")
    with pytest.raises(WeightsError, match="068.ckpt"):
        load_network("mobilefacenet-xiaoccer", weights_dir=str(tmp_path), allow_random=True, image_size=112)
