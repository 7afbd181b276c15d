"""A run that is killed at the worst moments and started again equals one that was not, to the last bit.

The short form cuts a run of one layer back to its first checkpoint; the long ones kill train.py.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dfrec_jax.data import pipeline
from dfrec_jax.runs import goodput, trained
from dfrec_jax.runs.checkpoint import Checkpoints
from dfrec_jax.runs.saving import CheckpointWriter
from dfrec_jax.training import loop, state
from dfrec_jax.training.step import make_train_step
from tests import tiny
from tests.training.tasks.test_initialisation import OneNumber

REPOSITORY = Path(__file__).parents[2]
CONFIG = """
from tests import tiny

def get_config():
    config = tiny.config()
    config.train.num_steps = 6
    config.train.validate_every = 3
    config.checkpoint.every = 2
    return config
"""


class OneLayer(OneNumber):
    """One kernel that learns from drawn faces by a run's own step: it draws, averages and has statistics."""

    def __init__(self, config):
        super().__init__(config, can_start=True)
        self._optimizer = state.make_optimizer(config)

    def init(self):
        def init_variables(key):
            return {"params": {"kernel": 0.1 * jax.random.normal(key, (3, 3))}, "batch_stats": {"mean": jnp.zeros(3)}}

        return state.init_function(init_variables, self._optimizer, self.config)()

    def initialise(self, fresh):
        return fresh

    def make_step(self, num_devices):
        def loss(params, batch_stats, constants, batch, rng):
            seen, wanted = (jnp.mean(batch[name], axis=(1, 2)) for name in ("image", "target"))
            found = (seen * jax.random.bernoulli(rng, 0.8, seen.shape)) @ params["kernel"] + batch_stats["mean"][None]
            statistics = {"mean": 0.9 * batch_stats["mean"] + 0.1 * jnp.mean(seen, axis=0)}
            return jnp.mean(jnp.square(found - wanted)), (statistics, {"loss_found": jnp.mean(found)})

        return make_train_step(loss, self._optimizer, ema=self.config.optimizer.ema)

    def batches(self, start_step):
        return pipeline.batches_of_this_host(self.config, start_step)

    def fingerprint(self):
        return pipeline.fingerprint(self.config)

    def score(self, variables, *_):
        return 0.0


def test_cut_back_to_a_checkpoint_between_two_lines_of_the_log_it_goes_on_to_the_same_bits(tmp_path, monkeypatch):
    config = tiny.config()
    config.optimizer.ema, config.train.num_steps, config.train.log_every, config.checkpoint.every = 0.5, 5, 2, 3
    saved, save = [], CheckpointWriter.save

    def save_and_keep(writer, step, items, meta, score=None):
        items_on_host = items | {"training": items["training"] | {"rng": jax.random.key_data(items["training"]["rng"])}}
        saved.append((step, jax.device_get(items_on_host)))
        save(writer, step, items, meta, score)

    monkeypatch.setattr(CheckpointWriter, "save", save_and_keep)
    assert loop.train(OneLayer(config), tmp_path / "whole")
    shutil.copytree(tmp_path / "whole", tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "checkpoints" / "5")
    assert loop.train(OneLayer(config), tmp_path / "run")
    assert [step for step, _ in saved] == [3, 5, 5]
    assert (tmp_path / "run" / "metrics.jsonl").read_bytes() == (tmp_path / "whole" / "metrics.jsonl").read_bytes()
    before, want, got = (items for _, items in saved)
    assert jax.tree.structure(got) == jax.tree.structure(want)
    assert set(want) == {"variables", "training"} and set(want["training"]) == {"step", "params", "opt_state", "rng"}
    for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(want), strict=True):
        np.testing.assert_array_equal(a, b)
    moved = [(a != b).any() for a, b in zip(jax.tree.leaves(want), jax.tree.leaves(before), strict=True)]
    assert np.mean(moved) > 0.5, "the two steps changed something"


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """Starts train.py on a workdir; programs are compiled once for all of them."""
    folder = tmp_path_factory.mktemp("resume")
    (folder / "config.py").write_text(CONFIG)
    environment = {
        **os.environ,
        "PYTHONPATH": str(REPOSITORY),
        "JAX_PLATFORMS": "cpu",
        "JAX_COMPILATION_CACHE_DIR": str(folder / "programs"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }

    def start_train(workdir, *overrides):
        command = [sys.executable, "train.py", f"--config={folder}/config.py", f"--workdir={workdir}", *overrides]
        return subprocess.Popen(command, cwd=REPOSITORY, env=environment, stderr=subprocess.PIPE, text=True)

    return start_train


@pytest.fixture(scope="module")
def uninterrupted(start, tmp_path_factory):
    workdir = tmp_path_factory.mktemp("uninterrupted") / "run"
    process = start(workdir)
    _, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors
    return workdir


def _kill_when(process, happened):
    while not happened():
        assert process.poll() is None, "the run ended before it could be killed"
        time.sleep(0.0005)
    process.send_signal(signal.SIGKILL)
    process.communicate()


def _newest(workdir):
    return max(Checkpoints(workdir).steps(), default=0)


def _lines(workdir):
    path = workdir / "metrics.jsonl"
    return path.read_text().count("\n") if path.exists() else -1


MOMENTS = {
    "in the first step": lambda workdir: _lines(workdir) == 0,
    "during a save": lambda workdir: any((workdir / "checkpoints").glob("*tmp*")),
    "between a save and the next log": lambda workdir: (workdir / "checkpoints" / "2").exists(),
}


@pytest.mark.slow
@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_and_resumed_equals_uninterrupted(start, uninterrupted, tmp_path, moment):
    workdir = tmp_path / "run"
    _kill_when(process := start(workdir), lambda: MOMENTS[moment](workdir))
    assert process.returncode == -signal.SIGKILL
    assert _lines(workdir) < _lines(uninterrupted)
    process = start(workdir)
    _, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors
    assert ("resuming from step 2" in errors) == (moment == "between a save and the next log")
    _assert_same_run(workdir, uninterrupted)


@pytest.mark.slow
def test_killed_ten_times_at_random_moments_equals_uninterrupted(start, tmp_path):
    steps = "--config.train.num_steps=60"
    _, errors = (process := start(tmp_path / "whole", steps)).communicate(timeout=600)
    assert process.returncode == 0, errors
    workdir, draws, kills = tmp_path / "killed", random.Random(0), []
    for number in range(10):
        process, newest = start(workdir, steps), _newest(workdir)
        if number % 4 == 0:
            time.sleep(draws.uniform(1, 8))  # while it imports, restores, compiles
        else:  # some checkpoints later, anywhere in a step or a save
            further = newest + 2 * draws.randint(0, 3)
            while _newest(workdir) < further or _lines(workdir) < 1:
                assert process.poll() is None
                time.sleep(0.001)
            time.sleep(draws.uniform(0, 0.7))
        assert process.poll() is None, "it ended before it could be killed: give it more steps"
        process.send_signal(signal.SIGKILL)
        process.communicate()
        checkpoints = workdir / "checkpoints"
        kills.append((_lines(workdir), sorted(os.listdir(checkpoints)) if checkpoints.exists() else None))
    print("lines of the log and checkpoints at each kill:", *kills, sep="\n")
    _, errors = (process := start(workdir, steps)).communicate(timeout=600)
    assert process.returncode == 0, errors
    assert not (workdir / "torn_checkpoints").exists()
    _assert_same_run(workdir, tmp_path / "whole", step=60)


@pytest.mark.slow
def test_the_time_of_a_run_that_is_killed_three_times_is_accounted_for(start, tmp_path):
    workdir, steps = tmp_path / "run", "--config.train.num_steps=40"
    down, begun, ended = 0.0, 0.0, 0.0
    for kill_after in (1, 9, 20, None):  # lines of the log: before a checkpoint, and twice after some
        now = time.time()
        begun, down = begun or now, down + (now - ended if ended else 0.0)
        process = start(workdir, steps)
        while kill_after is not None and _lines(workdir) < kill_after:
            assert process.poll() is None
            time.sleep(0.01)
        if kill_after is not None:
            process.send_signal(signal.SIGKILL)
        _, errors = process.communicate(timeout=600)
        assert process.returncode == (0 if kill_after is None else -signal.SIGKILL), errors
        ended = time.time()
        time.sleep(2 if kill_after else 0)
    account, wall = goodput.read(workdir), ended - begun
    print(f"{wall:.2f} s by this clock, {account.total:.2f} s by the account", account)
    assert account.processes == 4 and account.step == 40
    assert abs(account.total - wall) < 0.02 * wall
    assert abs(account.seconds["down"] - down) < 0.02 * wall
    assert account.seconds["lost"] > 0 and account.seconds["stepping"] > 0


@pytest.mark.slow
def test_a_run_that_is_told_to_stop_says_so_and_resumes(start, uninterrupted, tmp_path):
    workdir = tmp_path / "run"
    process = start(workdir)
    while _lines(workdir) < 1:
        assert process.poll() is None
        time.sleep(0.001)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=600)
    assert process.returncode == os.EX_TEMPFAIL, errors
    assert "the same command resumes from there" in errors
    process = start(workdir)
    _, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors
    _assert_same_run(workdir, uninterrupted)


def _assert_same_run(workdir, uninterrupted, step=6):
    assert (workdir / "metrics.jsonl").read_bytes() == (uninterrupted / "metrics.jsonl").read_bytes()
    got, want = trained.load(workdir, "newest"), trained.load(uninterrupted, "newest")
    assert got.step == want.step == step
    for a, b in zip(jax.tree.leaves(got.variables), jax.tree.leaves(want.variables), strict=True):
        np.testing.assert_array_equal(a, b)
