import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dfrec_jax.baselines.dfi import Dfi
from tests import stand_in

NETWORK = Dfi(features=(2,), bottleneck=8, identity_width=5)
IMAGE = jnp.asarray(np.random.default_rng(0).random((2, 8, 8, 3), np.float32))


@pytest.fixture(scope="module")
def variables():
    return stand_in.variables(NETWORK, IMAGE, train=False)


def test_the_picture_and_both_identities(variables):
    found = jax.jit(lambda image: NETWORK.apply(variables, image, train=False))(IMAGE)
    assert found.target_face.shape == IMAGE.shape and 0 < found.target_face.min() and found.target_face.max() < 1
    assert found.target_features.shape == found.source_features.shape == (2, 4)
    assert found.target_embedding.shape == found.source_embedding.shape == (2, 5)


def test_the_picture_is_drawn_from_the_half_of_the_target_alone(variables):
    parts = ("target_face", "target_embedding", "source_embedding")

    @jax.jit
    def gradients(last):  # by what the last layer of the bottleneck adds
        def means(last):
            params = {**variables["params"], "unet": {**variables["params"]["unet"]}}
            params["unet"]["bottleneck"] = {**params["unet"]["bottleneck"], "norm_1": last}
            found = NETWORK.apply({**variables, "params": params}, IMAGE, train=False)
            return jnp.stack([jnp.mean(getattr(found, part)) for part in parts])

        return jax.jacrev(means)(last)

    halves = np.split(np.asarray(gradients(variables["params"]["unet"]["bottleneck"]["norm_1"])["bias"]), 2, axis=1)
    target, source = (dict(zip(parts, np.any(half != 0, axis=1), strict=True)) for half in halves)
    assert target == {"target_face": True, "target_embedding": True, "source_embedding": False}
    assert source == {"target_face": False, "target_embedding": False, "source_embedding": True}
