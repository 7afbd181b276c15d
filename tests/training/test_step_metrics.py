"""Metrics of training steps: a clu collection, made in the step and merged between two lines of the log."""

import contextlib
import json
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from clu import metrics

from dfrec_jax.training import loop, sharding, step_metrics
from tests import tiny
from tests.training.tasks.test_initialisation import OneNumber


@pytest.fixture(scope="module")
def mesh():
    return jax.sharding.Mesh(np.array(jax.devices()[:2]).reshape(2, 1), sharding.AXES)


def test_the_collection_of_an_interval_has_the_numbers_of_its_last_step_to_the_bit(mesh):
    step, merge = jax.jit(lambda x: step_metrics.of_step({"loss_b": x / 3, "loss": x})), step_metrics.make_merge(mesh)
    merged = None
    for number in (3.0, math.nan, 0.1):
        of_step = step(jnp.float32(number))
        merged = merge(merged, of_step)
        assert isinstance(merged, metrics.Collection) and isinstance(merged, type(of_step))
    assert step._cache_size() == 1, "the same names are the same class"
    last = np.float32(0.1)
    found = step_metrics.computed(merged)
    assert list(found) == ["loss", "loss_b"] and found["loss"] == float(last)
    assert found["loss_b"] == pytest.approx(last / 3, rel=1e-6)


def test_what_adds_up_is_added_up(mesh):
    """Steps of another's may hold any metric of clu."""
    merge, merged = step_metrics.make_merge(mesh), None
    collection = metrics.Collection.create(loss=metrics.Average.from_output("loss"))
    for number in (1.0, 2.0, 6.0):
        merged = merge(merged, collection.single_from_model_output(loss=jnp.float32(number)))
    assert merged is not None and step_metrics.computed(merged) == {"loss": 3.0}


class Numbered(OneNumber):
    """Its loss is the number of the step."""

    def make_step(self, num_devices):
        def step(now, constants, batch):
            return now.replace(step=now.step + 1), step_metrics.of_step({"loss": jnp.mean(batch["image"])})

        return step

    def initialise(self, fresh):
        return fresh

    def batches(self, start_step):
        return contextlib.nullcontext({"image": np.full((8, 1), n, np.float32)} for n in range(start_step + 1, 100))


def test_a_line_of_the_log_is_of_its_step_and_the_host_asks_for_no_other(tmp_path, monkeypatch):
    config, asked = tiny.config(), []
    config.train.num_steps, config.train.log_every, config.checkpoint.every = 8, 3, 2
    compute = step_metrics.computed
    monkeypatch.setattr(step_metrics, "computed", lambda merged: asked.append(1) or compute(merged))
    loop.train(Numbered(config, can_start=True), tmp_path / "run")
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [(line["step"], line["loss"]) for line in lines if "loss" in line] == [(3, 3.0), (6, 6.0), (8, 8.0)]
    assert len(asked) == 3
