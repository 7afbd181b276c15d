"""A loss or gradients that are not finite stop a run, or leave a step out that is counted."""

import contextlib
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dfrec_jax.config import rules
from dfrec_jax.config.errors import ConfigError
from dfrec_jax.runs.checkpoint import Checkpoints
from dfrec_jax.training import loop
from dfrec_jax.training.nonfinite import NonFiniteLossError, leaving_out
from dfrec_jax.training.step_metrics import of_step
from tests import tiny
from tests.training.tasks.test_initialisation import OneNumber


class Spoiled(OneNumber):
    """Its gradient is not a number at the listed steps, and its parameter would not be one since."""

    bad: tuple[int, ...] = ()

    def initialise(self, fresh):
        return fresh

    def make_step(self, num_devices):
        def step(now, constants, batch):
            gradient = jnp.mean(batch["image"])
            after = now.replace(step=now.step + 1, params={"x": now.params["x"] + 1 + gradient})
            return after, of_step({"loss": now.params["x"], "gradient_norm": gradient})

        return step

    def batches(self, start_step):
        values = (np.nan if step in self.bad else 0.0 for step in range(start_step + 1, 100))
        return contextlib.nullcontext({"image": np.full((8, 1), value, np.float32)} for value in values)


@pytest.fixture
def train(tmp_path):
    def run(bad, skip_nonfinite, num_steps=9, folder="run"):
        config = tiny.config()
        config.train.num_steps, config.train.skip_nonfinite, config.checkpoint.every = num_steps, skip_nonfinite, 3
        task = Spoiled(config, can_start=True)
        task.bad = bad
        loop.train(task, tmp_path / folder)
        variables = {"params": {"x": jnp.zeros(())}, "batch_stats": {"n": jnp.zeros(())}}
        step, restored = Checkpoints(tmp_path / folder).restore_variables("newest", variables)
        lines = (tmp_path / folder / "metrics.jsonl").read_text().splitlines()
        records = [json.loads(line, parse_constant=pytest.fail) for line in lines]
        return step, float(restored["params"]["x"]), [record for record in records if "loss" in record]

    return run


def test_by_default_the_first_stops_the_run_with_a_checkpoint_from_before(train, tmp_path):
    with pytest.raises(NonFiniteLossError, match="step 5: gradient_norm not finite; .*train.skip_nonfinite$"):
        train(bad=(5,), skip_nonfinite=0)
    assert Checkpoints(tmp_path / "run").steps() == [3]
    _, _, records = train(bad=(), skip_nonfinite=0)
    assert all("skipped_steps" not in record for record in records)


def test_a_few_are_left_out_and_counted_in_the_log(train, capsys):
    step, value, records = train(bad=(2, 5, 6), skip_nonfinite=2)
    assert (step, value) == (9, 6), "three of nine steps changed nothing"
    assert [record["skipped_steps"] for record in records] == [0, 1, 1, 1, 2, 3, 3, 3, 3]
    assert "gradient_norm" not in records[4] and records[5]["loss"] == 3
    said = capsys.readouterr().err
    assert "step 6 is left out: gradient_norm not finite (3 of this run so far)" in said and said.count("left out") == 3


def test_more_in_a_row_than_allowed_stop_the_run(train):
    with pytest.raises(NonFiniteLossError, match="step 6: .*as in the 2 steps before .train.skip_nonfinite"):
        train(bad=(2, 4, 5, 6), skip_nonfinite=2)


def test_a_resumed_run_counts_on(train):
    train(bad=(2, 3), skip_nonfinite=3, num_steps=3)
    with pytest.raises(NonFiniteLossError, match="step 5: .*as in the 3 steps before"):
        train(bad=(4, 5), skip_nonfinite=3)
    _, value, records = train(bad=(4,), skip_nonfinite=3, folder="other")
    again = train(bad=(4,), skip_nonfinite=3, folder="run")
    assert value == 8 and again[1] == 6 and again[2][-1]["skipped_steps"] == 3


def test_a_step_that_is_left_out_changes_nothing_but_the_number_of_steps():
    config = tiny.config()
    task = Spoiled(config, can_start=True)
    before = task.init()
    step = jax.jit(leaving_out(task.make_step(1)))
    after, flagged = step(before, (), {"image": jnp.full((8, 1), jnp.inf)})
    assert int(after.step) == 1 and float(after.params["x"]) == 0 and not flagged.is_finite
    assert not np.isfinite(flagged.metrics.compute()["gradient_norm"])
    assert jax.random.key_data(after.rng).tolist() == jax.random.key_data(before.rng).tolist()
    assert float(step(after, (), {"image": jnp.zeros((8, 1))})[0].params["x"]) == 1


def test_the_field_is_checked():
    config = tiny.config()
    config.train.skip_nonfinite = -1
    with pytest.raises(ConfigError, match="train.skip_nonfinite=-1: must be 0"):
        rules.validate(config)
