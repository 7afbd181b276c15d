"""Reading checkpoints: choosing, restoring, and leaving the folder alone, whatever a training does there meanwhile."""

import os

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dfrec_jax.runs.checkpoint import Checkpoints
from dfrec_jax.runs.errors import CheckpointError, TornError
from dfrec_jax.runs.saving import CheckpointWriter
from tests.runs.made_up import abstract, everything_under, items, truncate

VARIABLES = {"variables": abstract(items()["variables"])}


def _save(workdir, *steps, scores=None, keep=3):
    with CheckpointWriter(workdir, keep) as writer:
        for step in steps:
            writer.save(step, items(step), {"position": step}, (scores or {}).get(step))


def test_what_was_saved_comes_back(tmp_path):
    _save(tmp_path, 5)
    step, restored, meta = Checkpoints(tmp_path).restore(5, abstract(items()))
    assert (step, meta) == (5, {"position": 5})
    np.testing.assert_array_equal(restored["variables"]["params"]["kernel"], 5)
    np.testing.assert_array_equal(restored["training"]["opt_state"][0], 1)
    assert jax.random.key_data(restored["training"]["rng"]).tolist() == jax.random.key_data(jax.random.key(0)).tolist()


def test_best_newest_or_a_step(tmp_path):
    _save(tmp_path, 1, 2, 3, 4, 5, scores={1: 0.1, 2: 0.9, 3: 0.2, 5: 0.3}, keep=2)
    checkpoints = Checkpoints(tmp_path)
    assert checkpoints.steps() == [5, 4, 2]
    assert checkpoints.scores() == {2: 0.9, 5: 0.3}
    for which, step in {"best": 2, "newest": 5, "4": 4}.items():
        found, variables = checkpoints.restore_variables(which, VARIABLES["variables"])
        assert found == step
        np.testing.assert_array_equal(variables["params"]["kernel"], step)
    with pytest.raises(CheckpointError, match=r"--checkpoint=3: must be best, newest, or one of .*\[5, 4, 2\]"):
        checkpoints.choose("3")
    (tmp_path / "checkpoints" / "5" / "metrics" / "metrics").write_text("{")
    with pytest.raises(CheckpointError, match=r"5/metrics/metrics is damaged .*delete the file"):
        checkpoints.choose("best")
    assert checkpoints.choose("newest") == 5


def test_a_reader_makes_changes_and_deletes_nothing(tmp_path):
    for workdir in (tmp_path / "absent", tmp_path / "empty", tmp_path / "begun"):
        if workdir.name != "absent":
            workdir.mkdir()
        if workdir.name == "begun":
            _save(workdir, 1)
            (workdir / "checkpoints" / "2.orbax-checkpoint-tmp" / "variables").mkdir(parents=True)
            (workdir / "checkpoints" / "3").write_text("")  # no checkpoint either
        before = everything_under(tmp_path)
        if workdir.name == "begun":
            assert Checkpoints(workdir).restore_variables("1", VARIABLES["variables"])[0] == 1
        else:
            with pytest.raises(CheckpointError, match="holds no checkpoint: train first"):
                Checkpoints(workdir).restore_variables("best", VARIABLES["variables"])
        assert everything_under(tmp_path) == before


def test_reading_beside_a_training_that_saves_harms_neither(tmp_path):
    big = {"variables": {f"kernel_{number}": jnp.zeros((32, 32)) for number in range(4)}, "training": {"step": 0}}
    wanted, seen = abstract(big["variables"]), []
    with CheckpointWriter(tmp_path, keep=1) as writer:
        for step in range(1, 51):
            variables = {name: jnp.full((32, 32), float(step)) for name in wanted}
            writer.save(step, {**big, "variables": variables}, {})
            if step == 1:
                writer.wait()
            step_read, restored = Checkpoints(tmp_path).restore_variables("newest", wanted)
            values = {float(x) for array in jax.tree.leaves(restored) for x in np.unique(array)}
            assert values == {step_read}  # of one save, and whole
            seen.append(step_read)
    assert len(seen) == 50 and seen == sorted(seen)
    assert Checkpoints(tmp_path).steps() == [50]
    assert sorted(os.listdir(tmp_path / "checkpoints")) == ["50"]


def test_a_checkpoint_that_is_dropped_while_it_is_read_is_chosen_anew(tmp_path, monkeypatch):
    _save(tmp_path, 1, 2)
    checkpoints, restore, dropped = Checkpoints(tmp_path), Checkpoints.restore, []

    def drop_first(self, step, wanted):
        if not dropped:
            dropped.append(step)
            os.rename(tmp_path / "checkpoints" / str(step), tmp_path / f"dropped-{step}")
        return restore(self, step, wanted)

    monkeypatch.setattr(Checkpoints, "restore", drop_first)
    assert checkpoints.restore_variables("newest", VARIABLES["variables"])[0] == 1
    assert dropped == [2]
    dropped.clear()
    with pytest.raises(CheckpointError, match="holds no checkpoint"):
        checkpoints.restore_variables("1", VARIABLES["variables"])


def test_a_torn_checkpoint_is_an_error_that_names_the_others(tmp_path):
    _save(tmp_path, 1, 2)
    truncate(tmp_path / "checkpoints" / "2")
    with pytest.raises(TornError, match=r"checkpoints/2/variables is damaged: .*choose another of \[2, 1\] with"):
        Checkpoints(tmp_path).restore_variables("newest", VARIABLES["variables"])
