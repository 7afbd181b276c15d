"""How a training begins in a workdir: afresh, from a checkpoint, or not at all."""

import json
import os
import shutil

import jax
import numpy as np
import orbax.checkpoint as ocp
import pytest

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.runs import training_run
from dfrec_jax.runs.checkpoint import Checkpoints
from dfrec_jax.runs.errors import CheckpointError
from tests import tiny
from tests.runs.made_up import abstract, everything_under, items, truncate


def _opened(workdir, *, num_steps=9, shape=(4, 8), check=lambda meta: None, start_over=False, seed=0):
    config = tiny.config()
    config.train.num_steps, config.seed = num_steps, seed
    return training_run.opened(workdir, config, "idsim", abstract(items(shape=shape)), check, start_over=start_over)


def _train(workdir, *steps):
    with _opened(workdir) as (writer, found):
        for step in steps:
            writer.save(step, items(step), {"position": step})
    (workdir / "metrics.jsonl").write_text("".join(f'{{"step": {step}}}\n' for step in range(1, steps[-1] + 1)))
    return found


def test_a_run_begins_and_goes_on(tmp_path):
    assert _train(tmp_path / "run", 1, 2) is None
    assert json.loads((tmp_path / "run" / "config.json").read_text())["train"]["num_steps"] == 9
    seen = []
    with _opened(tmp_path / "run", num_steps=12, check=seen.append) as (writer, found):
        assert (found.step, found.meta) == (2, {"position": 2}) == (2, *seen)
        np.testing.assert_array_equal(found.items["variables"]["params"]["kernel"], 2)
        writer.save(3, items(3), {})
    assert json.loads((tmp_path / "run" / "config.json").read_text())["train"]["num_steps"] == 12
    assert Checkpoints(tmp_path / "run").steps() == [3, 2, 1]


def test_a_workdir_of_before_the_lock_and_the_marks_goes_on(tmp_path):
    """As runs were written up to version 0.1.0: a metrics file only where validation was measured, and nothing else."""
    with ocp.CheckpointManager(
        tmp_path / "checkpoints", options=ocp.CheckpointManagerOptions(best_fn=lambda metrics: metrics["idsim"])
    ) as manager:
        for step, metrics in {1: {"idsim": 0.25}, 2: None}.items():
            saved = {name: ocp.args.StandardSave(item) for name, item in items(step).items()}
            meta = ocp.args.JsonSave({"position": step})
            manager.save(step, args=ocp.args.Composite(meta=meta, **saved), metrics=metrics, force=True)
    config = json.loads(tiny.config().to_json())
    config["train"]["num_steps"] = 2
    del config["sirm"]["stem"]
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "metrics.jsonl").write_text('{"step": 1}\n{"step": 2}\n')
    wanted = abstract(items()["variables"])
    assert [Checkpoints(tmp_path).restore_variables(which, wanted)[0] for which in ("best", "newest")] == [1, 2]
    with _opened(tmp_path) as (writer, found):
        assert found.step == 2 and writer.best_score() == 0.25
        for step in (3, 4, 5):
            writer.save(step, items(step), {})
    assert Checkpoints(tmp_path).steps() == [5, 4, 3, 1]


def test_a_second_training_is_kept_out(tmp_path):
    with _opened(tmp_path) as (writer, _):
        writer.save(1, items(), {})
        with pytest.raises(CheckpointError, match="another training is at work there"), _opened(tmp_path):
            pass
        writer.save(2, items(), {})
    assert Checkpoints(tmp_path).steps() == [2, 1]


def test_a_torn_newest_checkpoint_is_moved_aside_and_the_one_before_is_used(tmp_path, capsys):
    _train(tmp_path, 1, 2)
    for number in range(2):
        truncate(tmp_path / "checkpoints" / "2")
        with _opened(tmp_path) as (writer, found):
            assert found.step == 1
            writer.save(2, items(2), {})  # the step can be taken again
        assert (tmp_path / "torn_checkpoints" / f"2-{number}").is_dir()  # and the torn one was not deleted
    assert "checkpoints/2/training is damaged" in (said := capsys.readouterr().err)
    assert "moved to" in said and "trying the one before" in said


def _refused(workdir, error, match, **opening):
    before = everything_under(workdir)
    with pytest.raises(error, match=match), _opened(workdir, **opening):
        raise AssertionError("it began")
    after = everything_under(workdir)
    for lock in (before, after):
        lock.pop(str(workdir / "training.lock"), None)
    assert after == before


def test_refusals_change_nothing(tmp_path):
    _train(tmp_path, 1, 2, 3)
    (tmp_path / "checkpoints" / "4.orbax-checkpoint-tmp").mkdir()  # of a training on a host that has no locks
    _refused(tmp_path, ConfigError, r"seed: 0 -> 1.*use another --workdir", seed=1)
    _refused(tmp_path, ConfigError, r"train.num_steps=2: .* is at step 3 already", num_steps=2)
    _refused(tmp_path, CheckpointError, r"kernel: float32\[4, 8\] in the checkpoint, float32\[4, 9\] now", shape=(4, 9))
    _refused(tmp_path, CheckpointError, r"--start_over: .* has the checkpoints \[3, 2, 1\]", start_over=True)

    def other_data(meta):
        raise ConfigError(f"other data at {meta['position']}")

    _refused(tmp_path, ConfigError, "other data at 3", check=other_data)
    config = (tmp_path / "config.json").read_text()
    (tmp_path / "config.json").unlink()
    _refused(tmp_path, CheckpointError, r"no config.json; put it back .*3/meta/metadata is a copy")
    (tmp_path / "config.json").write_text("[]")
    _refused(tmp_path, CheckpointError, "holds a list, not a config")
    (tmp_path / "config.json").write_text(config)
    with _opened(tmp_path) as (_, found):
        assert found.step == 3


def test_no_training_begins_in_a_packed_network(tmp_path):
    _train(tmp_path / "run", 1)
    (tmp_path / "packed").mkdir()
    (tmp_path / "packed" / "network.json").touch()
    (tmp_path / "packed" / "config.json").write_bytes((tmp_path / "run" / "config.json").read_bytes())
    _refused(tmp_path / "packed", CheckpointError, "holds a packed network.*--config.train.initialise=.*packed")


def test_a_restore_that_fails_on_whole_files_moves_none_aside(tmp_path, monkeypatch):
    _train(tmp_path, 1, 2)

    def fail(*_, **__):
        raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory")

    monkeypatch.setattr("orbax.checkpoint.StandardCheckpointHandler.restore", fail)
    _refused(tmp_path, CheckpointError, "checkpoints/2 is whole, but could not be restored: .*Out of memory")


def test_a_run_at_its_last_step_says_so(tmp_path, capsys):
    _train(tmp_path, 9)
    with _opened(tmp_path) as (_, found):
        assert found.step == 9
    assert "is at step 9 already: nothing is left to do" in capsys.readouterr().err


def test_a_run_that_lost_its_checkpoints_does_not_begin_again_unasked(tmp_path):
    _train(tmp_path, 1, 2)
    for step in (1, 2):
        truncate(tmp_path / "checkpoints" / str(step))
    with (
        pytest.raises(CheckpointError, match=r"none of the checkpoints .* can be read: \[2, 1\] are in"),
        _opened(tmp_path),
    ):
        pass
    assert sorted(os.listdir(tmp_path / "torn_checkpoints")) == ["1-0", "2-0"]
    _refused(tmp_path, CheckpointError, r"torn_checkpoints/ with \['1-0', '2-0'\] and the metrics.jsonl .*--start_over")
    shutil.rmtree(tmp_path / "torn_checkpoints")
    _refused(tmp_path, CheckpointError, r"there is the metrics.jsonl of a run, but no checkpoint .*--start_over")
    with _opened(tmp_path, start_over=True, seed=1) as (writer, found):
        assert found is None
        writer.save(1, items(), {})
    assert Checkpoints(tmp_path).steps() == [1]


def test_a_run_that_was_killed_before_its_first_checkpoint_begins_again(tmp_path):
    with _opened(tmp_path):
        (tmp_path / "metrics.jsonl").write_text('{"step": 1}\n')
    with _opened(tmp_path) as (_, found):
        assert found is None
    (tmp_path / "metrics.jsonl").unlink()
    with _opened(tmp_path) as (_, found):
        assert found is None
