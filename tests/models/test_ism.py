import jax
import jax.numpy as jnp
import numpy as np

from dfrec_jax.models.ism import Ism
from tests import stand_in

IMAGE = jnp.asarray(np.random.default_rng(0).random((2, 32, 32, 3), np.float32))
SMALL = Ism(width=0.1, decoder_features=8)


def test_map_is_a_probability_and_the_classifier_sends_no_gradient_to_the_features():
    variables = stand_in.variables(SMALL, IMAGE, train=False)

    def logit_sum(params):
        out = SMALL.apply({**variables, "params": params}, IMAGE, train=False)
        return out.logit.sum(), out

    (_, out), gradient = jax.jit(jax.value_and_grad(logit_sum, has_aux=True))(variables["params"])
    assert out.source_map.shape == (2, 32, 32, 1) and out.logit.shape == (2,)
    assert 0 <= out.source_map.min() < out.source_map.max() <= 1
    np.testing.assert_allclose(out.source_map, jax.nn.sigmoid(out.map_logits), rtol=1e-6)
    assert all((leaf == 0).all() for leaf in jax.tree.leaves([gradient["backbone"], gradient["decoder"]]))
    np.testing.assert_array_equal(gradient["classification_head"]["bias"], [2.0])


def test_without_a_classifier_there_is_no_logit_and_no_head():
    module = Ism(classifier=False, width=0.1, decoder_features=8)
    key = jax.random.key(0)
    out, variables = jax.eval_shape(lambda image: module.init_with_output(key, image, train=False), IMAGE)
    assert out.logit is None and "classification_head" not in variables["params"]


def test_training_uses_the_batch_and_bfloat16_keeps_float32_outputs():
    module = SMALL.clone(dtype=jnp.bfloat16)
    variables = stand_in.variables(module, IMAGE, train=False)

    @jax.jit
    def train(variables, key):
        return module.apply(variables, IMAGE, train=True, rngs={"dropout": key}, mutable=["batch_stats"])

    out, updated = train(variables, jax.random.key(0))
    assert out.source_map.dtype == out.logit.dtype == jnp.float32
    assert all(leaf.dtype == jnp.float32 for leaf in jax.tree.leaves(updated))
    moved = jax.tree.map(lambda new, old: bool((new != old).any()), updated["batch_stats"], variables["batch_stats"])
    assert all(jax.tree.leaves(moved)), "some BatchNorm does not follow the batch"
    assert not np.array_equal(out.source_map, train(variables, jax.random.key(1))[0].source_map)  # dropout is on
