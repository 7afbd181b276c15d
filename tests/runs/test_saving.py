"""Writing checkpoints: what is kept, and a save that fails."""

import gc
import itertools
import logging
import os
import resource
import time
from contextlib import contextmanager
from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pytest
from orbax.checkpoint._src.futures import future

from dfrec_jax.runs.checkpoint import Checkpoints
from dfrec_jax.runs.errors import SaveError
from dfrec_jax.runs.saving import NOTHING_SAVED, CheckpointWriter
from tests.runs.made_up import abstract, items


def test_the_best_is_kept_beside_the_newest_also_by_the_next_writer(tmp_path):
    with CheckpointWriter(tmp_path, keep=2) as writer:
        assert writer.best_score() == -np.inf
        for step, score in {1: 0.1, 2: 0.9, 3: 0.2, 4: None}.items():
            writer.save(step, items(step), {}, score)
        assert writer.best_score() == 0.9
    assert Checkpoints(tmp_path).steps() == [4, 3, 2]
    with CheckpointWriter(tmp_path, keep=2) as writer:
        assert writer.best_score() == 0.9
        for step, score in {5: 0.3, 6: 0.95, 7: None, 8: None}.items():
            writer.save(step, items(step), {}, score)
    assert Checkpoints(tmp_path).steps() == [8, 7, 6]


def test_what_an_earlier_training_left_unfinished_is_deleted(tmp_path):
    left = tmp_path / "checkpoints" / "2.orbax-checkpoint-tmp"
    left.mkdir(parents=True)
    (tmp_path / "checkpoints" / "dropped" / "1").mkdir(parents=True)
    with CheckpointWriter(tmp_path) as writer:
        writer.save(2, items(), {})
    assert os.listdir(tmp_path / "checkpoints") == ["2"]


def test_a_mark_says_that_nothing_was_saved_yet(tmp_path):
    with CheckpointWriter(tmp_path) as writer:
        assert (tmp_path / NOTHING_SAVED).exists()
        writer.save(1, items(), {})
        writer.wait()
        assert not (tmp_path / NOTHING_SAVED).exists()
    with CheckpointWriter(tmp_path):
        assert not (tmp_path / NOTHING_SAVED).exists()


@contextmanager
def _files_of_at_most(num_bytes):
    """A quota that needs no privileges: the system refuses to write further."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def _large(value):
    noise = jnp.asarray(np.random.default_rng(0).normal(size=(200, 200)) + value)  # such that it does not compress
    return {"variables": {"kernel": noise}, "training": {"step": jnp.array(0)}}


def test_a_failed_save_is_noticed_at_the_next_step_by_one_error(tmp_path, capfd):
    with pytest.raises(SaveError) as caught, CheckpointWriter(tmp_path) as writer:
        writer.save(1, _large(1.0), {})
        writer.wait()
        capfd.readouterr()
        with _files_of_at_most(20_000):
            writer.save(2, _large(2.0), {})
            for _ in range(1000):  # steps of a training
                writer.check()
                time.sleep(0.01)
    words = str(caught.value)
    assert f"checkpoint 2 could not be saved in {tmp_path / 'checkpoints'}" in words
    assert "the disk is full, or a quota or limit on files is reached" in words
    assert "those before it stay: [1]" in words and "\n" not in words and len(words) < 800
    assert capfd.readouterr().err == ""  # orbax's tracebacks
    assert Checkpoints(tmp_path).steps() == [1]  # nothing half-written is taken for whole
    _, restored = Checkpoints(tmp_path).restore_variables("newest", abstract(_large(1.0)["variables"]))
    np.testing.assert_array_equal(restored["kernel"], _large(1.0)["variables"]["kernel"])
    with CheckpointWriter(tmp_path) as writer:
        writer.save(2, _large(2.0), {})  # the step can be taken again
    assert Checkpoints(tmp_path).steps() == [2, 1]


def test_a_last_save_that_fails_is_an_error_at_the_end(tmp_path):
    with _files_of_at_most(20_000), pytest.raises(SaveError, match="checkpoint 1 .*there is none before it"):
        with CheckpointWriter(tmp_path) as writer:
            writer.save(1, _large(1.0), {})


def test_an_error_of_the_training_is_not_hidden_by_a_failed_save(tmp_path, capfd):
    with _files_of_at_most(20_000), pytest.raises(ZeroDivisionError), CheckpointWriter(tmp_path) as writer:
        writer.save(1, _large(1.0), {})
        raise ZeroDivisionError
    assert "also: checkpoint 1 could not be saved" in capfd.readouterr().err


def test_a_clock_that_is_set_ahead_ends_no_save(tmp_path, monkeypatch):
    hours = itertools.count()
    monkeypatch.setattr(future, "time", SimpleNamespace(time=lambda: 3600.0 * next(hours)))
    with CheckpointWriter(tmp_path) as writer:
        writer.save(1, items(), {})
    assert Checkpoints(tmp_path).steps() == [1] and next(hours) > 2


def test_a_file_system_that_is_full_fails_a_save_and_it_goes_on_when_there_is_room(disk):
    workdir = disk.seen / "run"
    with CheckpointWriter(workdir) as writer:
        writer.save(1, items(1.0), {})
        writer.wait()
    for room in (0, 4096, 16384):
        disk.leave(room)
        with pytest.raises(SaveError, match="checkpoint 2 could not be saved .* the disk is full") as caught:
            with CheckpointWriter(workdir) as writer:
                writer.save(2, _large(2.0), {})
        assert "those before it stay: [1]" in str(caught.value)
        disk.empty()
        assert Checkpoints(workdir).steps() == [1]
    with CheckpointWriter(workdir) as writer:
        writer.save(2, items(2.0), {})
    assert Checkpoints(workdir).steps() == [2, 1]


def test_a_full_disk_is_told_by_one_error_however_many_arrays_meet_it(disk, capfd, caplog):
    many = _large(2.0) | {"variables": {str(number): jnp.full((64, 64), number) for number in range(40)}}
    disk.leave(0)
    with pytest.raises(SaveError, match="the disk is full"), CheckpointWriter(disk.seen / "run") as writer:
        writer.save(1, many, {})
    gc.collect()
    assert capfd.readouterr().err == "" and not [one for one in caplog.records if one.levelno >= logging.ERROR]
