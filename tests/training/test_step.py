"""The step on one device and on meshes: by hand, and sharded against whole."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from dfrec_jax.models import dfrec
from dfrec_jax.training import sharding, state
from dfrec_jax.training.step import compile_step, make_loss, make_train_step, to_float
from tests import tiny

MESHES = [(8, 1), (1, 8), (4, 2), (2, 4)]


@pytest.fixture(scope="module")
def config():
    config = tiny.config()
    config.optimizer.ema = 0.5
    return config


@pytest.fixture(scope="module")
def one_device(config):
    """Loss, gradients and the state after one SGD step, all on one device."""
    model, optimizer = dfrec.build(config), optax.sgd(0.1)
    before = state.init_function(model, optimizer, config)
    fresh = jax.jit(before)()
    rng = jax.random.fold_in(fresh.rng, fresh.step)
    loss = jax.value_and_grad(make_loss(model, config), has_aux=True)
    (value, _), gradients = jax.jit(loss)(fresh.params, fresh.batch_stats, tiny.perceptors(), to_float(tiny.batch()), rng)
    after, metrics = jax.jit(make_train_step(model, optimizer, config))(fresh, tiny.perceptors(), tiny.batch())
    return value, gradients, after, metrics, fresh


def test_one_sgd_step_by_hand(one_device):
    loss, gradients, after, metrics, fresh = one_device


    def leaf(tree):
        return np.asarray(tree["sirm"]["to_rgb"]["bias"])

    before, gradient = leaf(fresh.params), leaf(gradients)
    assert np.abs(gradient).max() > 0
    np.testing.assert_allclose(leaf(after.params), before - 0.1 * gradient, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(leaf(after.ema), 0.5 * before + 0.5 * leaf(after.params), rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(metrics["loss"], loss, rtol=1e-6)
    assert after.step == 1


def _assert_close(got, want, **tolerance):
    assert jax.tree.structure(got) == jax.tree.structure(want)
    for (path, a), b in zip(jax.tree_util.tree_leaves_with_path(got), jax.tree.leaves(want), strict=True):
        np.testing.assert_allclose(a, b, err_msg=str(path), **tolerance)


@pytest.mark.parametrize(("data", "fsdp"), MESHES)
def test_sharded_step_equals_the_single_device_step(config, one_device, data, fsdp):
    loss, _, want, _, _ = one_device
    config.mesh.data, config.mesh.fsdp = data, fsdp
    mesh = sharding.make_mesh(config.mesh)
    model, optimizer = dfrec.build(config), optax.sgd(0.1)
    sharded, shardings = state.create(model, optimizer, config, mesh)
    compiled = compile_step(make_train_step(model, optimizer, config), shardings, mesh)
    perceptors = jax.device_put(tiny.perceptors(), sharding.replicated(mesh))
    batch = sharding.to_global(mesh, tiny.batch())
    assert batch["image"].addressable_shards[0].data.shape == (1, tiny.SIZE, tiny.SIZE, 3)

    got, metrics = compiled(sharded, perceptors, batch)
    np.testing.assert_allclose(metrics["loss"], loss, rtol=1e-5)
    _assert_close(got.params, want.params, rtol=1e-5, atol=1e-5)
    _assert_close(got.batch_stats, want.batch_stats, rtol=1e-4, atol=1e-5)
    large = [leaf for leaf in jax.tree.leaves(got.params) if not leaf.sharding.is_fully_replicated]
    assert bool(large) == (fsdp > 1)
    for leaf in large:
        assert leaf.addressable_shards[0].data.size * fsdp == leaf.size
    compiled(got, perceptors, batch)  # the state it returns goes in again without another compilation
    assert compiled._cache_size() == 1


def test_gradients_on_a_mesh_equal_the_single_devices(config, one_device):
    _, want, _, _, fresh = one_device
    config.mesh.data, config.mesh.fsdp = 4, 2
    mesh = sharding.make_mesh(config.mesh)
    loss = jax.grad(make_loss(dfrec.build(config), config), has_aux=True)
    params = jax.device_put(fresh.params, sharding.state_sharding(mesh, fresh.params))
    batch = to_float(sharding.to_global(mesh, tiny.batch()))
    got, _ = jax.jit(loss)(params, fresh.batch_stats, tiny.perceptors(), batch, jax.random.fold_in(fresh.rng, 0))
    scale = max(float(jnp.abs(leaf).max()) for leaf in jax.tree.leaves(want))
    _assert_close(got, want, rtol=1e-5, atol=1e-5 * scale)


def test_a_recovered_face_that_equals_its_reference_has_finite_gradients(config):
    """The square root of Eq. 2-9 at zero: every term sees a perfect recovery of a black picture."""
    from dfrec_jax.losses import terms

    zeros, weight = jnp.zeros((2, 3, 4)), jnp.ones(2)
    for reduction in ("norm", "root_mean_square"):
        for term in (
            lambda x, r=reduction: terms.multi_layer_distance((x,), (zeros,), weight, r),
            lambda x, r=reduction: terms.patch_loss(x, zeros, weight, r),
        ):
            assert np.isfinite(jax.grad(term)(zeros)).all()
