import jax
import jax.numpy as jnp
import pytest

from dfrec_jax.frozen.load import load_network, perceptors
from dfrec_jax.frozen.network import FrozenNetwork
from dfrec_jax.weights.rules import WeightsError

ROLES = {"identity": "facenet-vggface2", "perceptual": "vgg19-imagenet", "attributes": "attributes-resnet50"}


@pytest.fixture
def no_weights(tmp_path, monkeypatch):
    for variable in ("DFREC_WEIGHTS", "DFREC_CACHE"):
        monkeypatch.setenv(variable, str(tmp_path))
    monkeypatch.setenv("DFREC_OFFLINE", "1")


def stand_in(name: str) -> FrozenNetwork:
    return load_network(name, weights_dir="", allow_random=True, image_size=32)


def test_random_stand_ins_play_the_roles_of_the_losses(no_weights):
    networks = perceptors({role: stand_in(name) for role, name in ROLES.items()})
    features = jax.eval_shape(lambda n, x: n(x), networks, jax.ShapeDtypeStruct((2, 32, 32, 3), jnp.float32))
    assert [tap.shape[-1] for tap in features.identity] == [896, 1792, 1792, 512]
    widths = [(32, 64), (16, 128), (8, 256), (4, 512), (2, 512)]
    assert [tap.shape[1:] for tap in features.perceptual] == [(size, size, width) for size, width in widths]
    assert [tap.shape for tap in features.attributes] == [(2, 40)]
    assert networks.identity.is_random and networks.perceptual.is_random and networks.attributes.is_random


def test_a_network_is_not_given_a_role_that_it_cannot_play(no_weights):
    with pytest.raises(WeightsError, match="frozen.identity='squeezenet-imagenet'.*perceptual, not identity"):
        perceptors({"identity": stand_in("squeezenet-imagenet")})


def test_an_unknown_network_is_refused_with_the_known_ones():
    with pytest.raises(WeightsError, match="'facenet'.*facenet-vggface2"):
        load_network("facenet", weights_dir="", allow_random=True, image_size=224)


def test_an_image_too_small_is_refused():
    with pytest.raises(ValueError, match="image_size=8"):
        load_network("vgg19-imagenet", weights_dir="", allow_random=True, image_size=8)


def test_missing_weights_are_an_error_that_says_what_to_run(no_weights):
    with pytest.raises(
        WeightsError, match="20180402-114759-vggface2.pt is not in.*dfrec weights fetch facenet-vggface2"
    ):
        load_network("facenet-vggface2", weights_dir="", allow_random=False, image_size=224)


def test_a_damaged_file_is_refused_even_where_a_random_one_would_do(tmp_path, no_weights):
    (tmp_path / "068.ckpt").write_bytes(b"no network")
    with pytest.raises(WeightsError, match="068.ckpt"):
        load_network("mobilefacenet-xiaoccer", weights_dir=str(tmp_path), allow_random=True, image_size=112)
