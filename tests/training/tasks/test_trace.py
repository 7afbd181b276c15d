"""The trace head learns to find the hidden person, from a start that takes the visible one away, and is found again."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dfrec_jax import perceptors
from dfrec_jax.config import trace
from dfrec_jax.models import residual
from dfrec_jax.runs import stored_config, trace_head
from dfrec_jax.runs.errors import CheckpointError
from dfrec_jax.runs.saving import CheckpointWriter
from dfrec_jax.training import sharding
from dfrec_jax.training.tasks import trace as tasks_trace
from dfrec_jax.training.tasks.trace import TraceTask, margin_softmax
from dfrec_jax.training.tasks.trace_people import NOBODY
from tests import tiny


@pytest.fixture
def config(make_config):
    config = trace.trace()
    config.image_size = 48
    config.data.dir = make_config().data.dir
    config.data.num_threads, config.data.prefetch = 2, 8
    config.frozen.identity = "tiny"
    config.trace.width, config.trace.depth, config.trace.hidden = 4, 1, 8
    config.train.batch_size, config.train.num_steps = 4, 2
    config.data.eval_batch_size, config.data.validation_examples = 8, 8  # one for each device
    return config


@pytest.fixture(autouse=True)
def _tiny(monkeypatch):
    monkeypatch.setattr(perceptors, "load_network", lambda name, config: tiny.network(name))


def test_the_margin_makes_it_harder_by_hand():
    alike, place = jnp.array([[0.5, 0.2], [0.1, 0.4]]), jnp.array([0, 0])
    found = margin_softmax(alike, place, scale=10.0, margin=0.1)
    np.testing.assert_allclose(found, np.log1p(np.exp([2.0 - 4.0, 4.0 - 0.0])), rtol=1e-5)


def test_the_visible_person_is_told_with_noise_or_not_at_all():
    visible = residual.unit(jnp.asarray(np.random.default_rng(0).normal(size=(400, 16)), jnp.float32))
    visible = visible.at[:100].set(0.0)
    told = tasks_trace.told_visible(jax.random.key(0), visible, (0.5, 0.8), 0.25)
    is_told = np.linalg.norm(told, axis=1) > 0
    assert not is_told[:100].any() and 0.65 < is_told[100:].mean() < 0.85
    cosine = np.sum(told * visible, axis=1)[is_told]
    assert 0.5 - 1e-3 <= cosine.min() < 0.55 and 0.75 < cosine.max() <= 0.8 + 1e-3


def test_it_learns_is_validated_and_is_found_again(config, tmp_path):
    task = TraceTask(config)
    with task.batches(0) as batches:
        batch = next(batches)
    state = jax.jit(task.init)()
    loss = jax.jit(jax.value_and_grad(tasks_trace.make_loss(task._module, task.config), has_aux=True))
    given = {}, task.constants, _pictures(batch), jax.random.key(0)
    (before, (_, metrics)), gradient = loss(state.params, *given)
    assert metrics["rank_1"] == metrics["rank_1_start"] and metrics["without_others"] == 0, "people have four pictures"
    params = jax.tree.map(lambda value, slope: value - 0.01 * jnp.sign(slope), state.params, gradient)
    (after, _), _ = loss(params, *given)
    assert np.isfinite(before) and after < before
    variables = {"params": params, "batch_stats": {}}
    validator = task.make_validator(sharding.make_mesh(config.mesh))
    score = validator.score(variables)
    assert score is not None and 0 <= score <= 1
    with CheckpointWriter(tmp_path, score_name=task.score_name) as checkpoints:
        checkpoints.save(0, {"variables": variables}, {}, score)
    stored_config.save(tmp_path, task.config)
    restored = trace_head.load(tmp_path, tiny.network())
    jax.tree.map(np.testing.assert_array_equal, restored.variables, variables)
    with pytest.raises(CheckpointError, match="stands on tiny, and the gallery was made with other.*--recogniser tiny"):
        trace_head.load(tmp_path, tiny.network("other"))


def test_an_unknown_landmark_or_target_counts_for_nothing_and_harms_nobody(config):
    task = TraceTask(config)
    with task.batches(0) as batches:
        batch = _pictures(next(batches))
    batch["landmarks"] = batch["landmarks"].at[0].set(jnp.nan)
    batch["has_source"] = batch["has_source"].at[1].set(False)
    batch["has_target"] = batch["has_target"].at[2].set(False)
    known = jax.jit(tasks_trace.seen)(task.constants, batch)
    np.testing.assert_array_equal(np.asarray(known.place) == NOBODY, [True, False, True, False])
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(known))
    np.testing.assert_array_equal(np.linalg.norm(known.visible, axis=1) > 0, [True, False, True, True])


def _pictures(batch):
    batch = {name: jnp.asarray(value) for name, value in batch.items()}
    return batch | {name: jnp.asarray(batch[name], jnp.float32) / 255 for name in ("image", "source", "target")}
