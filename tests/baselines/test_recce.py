import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dfrec_jax.baselines import recce
from dfrec_jax.baselines.published import variable_shapes
from dfrec_jax.weights.coverage import coverage
from tests import stand_in

IMAGE = jnp.asarray(np.random.default_rng(0).random((2, 32, 32, 3), np.float32)) * 2 - 1
NARROW = recce.Recce(width=1 / 64)


@pytest.fixture(scope="module")
def variables():
    return stand_in.variables(NARROW, IMAGE, train=False)


def test_in_training_statistics_move_and_the_streams_decide(variables):
    @jax.jit
    def train(seed):
        rngs = dict(zip(("noise", "dropout"), jax.random.split(jax.random.key(seed)), strict=True))
        return NARROW.apply(variables, IMAGE, train=True, rngs=rngs, mutable=["batch_stats"])

    output, moved = train(0)
    assert output.logit.shape == (2,) and output.reconstruction.shape == IMAGE.shape
    assert [pooled.shape for pooled in output.pooled] == [(2, 11), (2, 4), (2, 2)]  # 728, 256 and 128 channels by 64
    assert jnp.abs(output.reconstruction).max() <= 1
    assert all(
        jax.tree.leaves(jax.tree.map(lambda a, b: bool((a != b).any()), moved["batch_stats"], variables["batch_stats"]))
    )
    np.testing.assert_array_equal(train(0)[0].logit, output.logit)
    assert (train(1)[0].logit != output.logit).all()


def test_recovered_faces_are_pictures(variables):
    recovered = jax.jit(lambda images: recce.recover(NARROW, variables, images))((IMAGE + 1) / 2)
    assert recovered.shape == IMAGE.shape and 0 <= recovered.min() and recovered.max() <= 1


def test_half_of_the_examples_get_a_little_noise():
    images = jnp.full((64, 4, 4, 3), 0.1).at[:, 0].set(1.0)
    noise = np.asarray(recce.noisy(images, jax.random.key(0)) - images)
    is_noisy = (noise != 0).any((1, 2, 3))
    assert 16 < is_noisy.sum() < 48
    assert noise[is_noisy, 1:].std() == pytest.approx(1e-6, rel=0.1)
    assert (noise[:, 0] <= 0).all()  # no brighter than white


def test_the_rules_cover_the_published_network(fixtures):
    names = json.loads((fixtures / "parity" / "recce_xception.json").read_text())["tensors"]
    counters = [name.replace("running_var", "num_batches_tracked") for name in names if "running_var" in name]
    shapes = variable_shapes(recce.Recce(), jax.ShapeDtypeStruct((1, 299, 299, 3), jnp.float32))
    found = coverage({name: np.empty(0) for name in (*names, *counters)}, recce.RULES, shapes)
    assert not found.unmatched and not found.unfilled and sum(found.dropped.values()) == len(counters) + 2
