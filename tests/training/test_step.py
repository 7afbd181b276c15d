"""The step on one device and on meshes: by hand, and sharded against whole."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from dfrec_jax.config import rules
from dfrec_jax.examples import fields
from dfrec_jax.models import dfrec
from dfrec_jax.training import sharding, state
from dfrec_jax.training.step import average_decay, compile_step, make_train_step
from dfrec_jax.training.streams import stream
from dfrec_jax.training.tasks.dfrec import init_function, make_loss
from tests import tiny

MESHES = [(2, 4), pytest.param(8, 1, marks=pytest.mark.slow)]  # the first splits along both axes
LEARNING_RATE = 0.1
SGD = optax.chain(optax.trace(decay=0.0), optax.scale(-LEARNING_RATE))  # plain SGD, with the gradient left in its state


@pytest.fixture(scope="module", params=["a SIRM of one level, no ISM", pytest.param("all", marks=pytest.mark.slow)])
def config(request):
    """Compiling the step of all modules takes four times as long as that of the few blocks which `make test` has."""
    config = tiny.config()
    config.optimizer.ema = 0.5
    config.seed = 1
    if request.param != "all":
        config.sirm.features, config.sirm.stem = (8,), 4
        config.ism.enabled, config.loss.segmentation, config.loss.classification = False, 0.0, 0.0
        rules.validate(config)
    return config


@pytest.fixture(scope="module")
def init(config):
    """One function for all meshes: it is then compiled once."""
    return init_function(dfrec.build(config), SGD, config)


def _one_step(config, init, data, fsdp, devices):
    """The state before and after a step, its metrics and the compiled step, on a mesh of some of the devices."""
    mesh = jax.sharding.Mesh(np.array(devices).reshape(data, fsdp), sharding.AXES)
    fresh, shardings = state.create(init, mesh)
    before = jax.device_get(fresh)
    step = make_train_step(make_loss(dfrec.build(config), config), SGD, ema=config.optimizer.ema)
    compiled = compile_step(step, shardings, mesh)
    perceptors = jax.device_put(tiny.perceptors(), sharding.replicated(mesh))
    batch = sharding.to_global(mesh, tiny.batch())
    assert batch["image"].addressable_shards[0].data.shape == (8 // mesh.size, tiny.SIZE, tiny.SIZE, 3)
    after, metrics = compiled(fresh, perceptors, batch)
    return before, after, jax.device_get(metrics).compute(), lambda again: compiled(again, perceptors, batch), compiled


@pytest.fixture(scope="module")
def one_device(config, init):
    before, after, metrics, _, _ = _one_step(config, init, 1, 1, jax.devices()[:1])
    return before, jax.device_get(after), metrics


def test_one_sgd_step_by_hand(config, one_device):
    """The last bias of the source face moves by the slope of the loss, which differences give without autodiff."""
    before, after, metrics = one_device
    loss = jax.jit(make_loss(dfrec.build(config), config))
    rng = jax.random.fold_in(stream(before.rng, "steps"), 0)

    def loss_at(bias):
        params = {**before.params, "sirm": {**before.params["sirm"], "to_rgb": {**to_rgb, "bias": bias}}}
        return float(loss(params, before.batch_stats, tiny.perceptors(), fields.to_float(tiny.batch()), rng)[0])

    to_rgb = before.params["sirm"]["to_rgb"]
    width = np.zeros_like(to_rgb["bias"])
    width[1] = 0.02
    slope = (loss_at(to_rgb["bias"] + width) - loss_at(to_rgb["bias"] - width)) / 0.04
    moved = after.params["sirm"]["to_rgb"]["bias"][1] - to_rgb["bias"][1]
    assert abs(slope) > 1e-2
    np.testing.assert_allclose(moved, -LEARNING_RATE * slope, rtol=1e-2)
    np.testing.assert_allclose(metrics["loss"], loss_at(to_rgb["bias"]), rtol=1e-5)
    # The first step's decay is a tenth, though 0.5 is asked for; statistics are averaged as parameters are.
    for name, fresh, latest in (
        ("params", before.params, after.params),
        ("batch_stats", before.batch_stats, after.batch_stats),
    ):
        want = jax.tree.map(lambda a, b: 0.1 * a + 0.9 * b, fresh["sirm"], latest["sirm"])
        _assert_close(after.ema[name]["sirm"], want, rtol=1e-5, atol=1e-7)
    assert after.step == 1


def test_the_decay_of_the_averages_rises_to_what_is_asked_for():
    decays = [float(average_decay(0.5, jnp.int32(step))) for step in (0, 1, 7, 8, 1000)]
    np.testing.assert_allclose(decays, [1 / 10, 2 / 11, 8 / 17, 0.5, 0.5], rtol=1e-6)


@pytest.mark.parametrize(("data", "fsdp"), MESHES)
def test_sharded_step_equals_the_single_device_step(config, init, one_device, data, fsdp):
    before, want, want_metrics = one_device
    fresh, got, metrics, step_again, compiled = _one_step(config, init, data, fsdp, jax.devices())
    _assert_close(fresh.params, before.params, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(metrics["loss"], want_metrics["loss"], rtol=1e-5)
    np.testing.assert_allclose(metrics["gradient_norm"], want_metrics["gradient_norm"], rtol=1e-4)
    gradient, want_gradient = got.opt_state[0].trace, want.opt_state[0].trace
    _assert_close(gradient, want_gradient, rtol=1e-5, atol=1e-5)
    difference = optax.tree.norm(jax.tree.map(lambda a, b: np.asarray(a) - b, gradient, want_gradient))
    assert difference < 1e-4 * optax.tree.norm(want_gradient)  # sums in another order came to 2.5e-5
    _assert_close(got.params, want.params, rtol=1e-5, atol=1e-5)
    _assert_close(got.batch_stats, want.batch_stats, rtol=1e-5, atol=1e-5)
    large = [leaf for leaf in jax.tree.leaves(got.params) if not leaf.sharding.is_fully_replicated]
    assert bool(large) == (fsdp > 1)
    for leaf in large:
        assert leaf.addressable_shards[0].data.size * fsdp == leaf.size
    step_again(got)  # the state that it returns goes in again without another compilation
    assert compiled._cache_size() == 1


def _regression(params, batch_stats, constants, batch, rng):
    """Every row has its share in the loss, and the statistics count the parts that they have seen."""
    found = jnp.mean(batch["image"], axis=(1, 2)) @ params["kernel"]
    error = jnp.mean(jnp.square(found - constants))
    return error, ({"seen": batch_stats["seen"] + 1}, {"error": error, "draw": jax.random.uniform(rng)})


@pytest.mark.parametrize("num_devices", [1, 4])
def test_a_batch_in_parts_gives_the_step_of_the_whole_batch(num_devices):
    mesh = jax.sharding.Mesh(np.array(jax.devices()[:num_devices]).reshape(num_devices, 1), sharding.AXES)
    results = []
    for accumulate in (1, 2):
        fresh = state.TrainState(
            jnp.int32(0), {"kernel": jnp.eye(3)}, {"seen": jnp.int32(0)}, SGD.init({"kernel": jnp.eye(3)}), None,
            jax.random.key(0),
        )  # fmt: skip
        step = make_train_step(_regression, SGD, ema=0.0, accumulate=accumulate)
        compiled = compile_step(step, sharding.state_sharding(mesh, fresh), mesh)
        fresh = jax.device_put(fresh, sharding.state_sharding(mesh, fresh))
        results.append(compiled(fresh, jnp.float32([[0.2, 0.5, 0.9]]), sharding.to_global(mesh, tiny.batch())))
    (whole, whole_metrics), (parts, metrics) = [(after, of_step.compute()) for after, of_step in results]
    assert float(jnp.abs(whole.params["kernel"] - jnp.eye(3)).max()) > 1e-3
    np.testing.assert_allclose(parts.params["kernel"], whole.params["kernel"], rtol=1e-5, atol=1e-6)
    for name in ("loss", "error", "gradient_norm"):
        np.testing.assert_allclose(metrics[name], whole_metrics[name], rtol=1e-5)
    assert (int(whole.batch_stats["seen"]), int(parts.batch_stats["seen"])) == (1, 2)
    assert metrics["draw"] != whole_metrics["draw"], "each part has draws of its own"
    assert int(parts.step) == 1


def _assert_close(got, want, **tolerance):
    assert jax.tree.structure(got) == jax.tree.structure(want)
    for (path, a), b in zip(jax.tree_util.tree_leaves_with_path(got), jax.tree.leaves(want), strict=True):
        np.testing.assert_allclose(a, b, err_msg=str(path), **tolerance)
