"""A validation that a stop interrupts is done by the next start, and the run is the one that was not stopped."""

import contextlib
import json

import numpy as np
import pytest

from dfrec_jax.runs import ending
from dfrec_jax.runs.checkpoint import Checkpoints
from dfrec_jax.training import loop, stopping
from tests import tiny
from tests.training.tasks.test_initialisation import OneNumber

SCORES = {2: 0.1, 4: 0.5, 6: 0.4, 8: 0.3}


class Stopped(OneNumber):
    """Told to stop as it comes for the batch of a step, in the middle of a validation, or as it draws samples."""

    def __init__(self, config, stop, at=None):
        super().__init__(config, can_start=True)
        self._stop, self._at, self.drawn = stop, at, []

    def initialise(self, fresh):
        return fresh

    def _happens(self, what):
        self._stop.is_set |= self._at == what

    def batches(self, start_step):
        def each():
            for step in range(start_step + 1, 100):
                self._happens(("step", step))
                yield {"image": np.zeros((8, 1), np.float32)}

        return contextlib.nullcontext(each())

    def score(self, variables, is_told_to_stop=stopping.never):
        step = int(super().score(variables))
        for batch in range(3):
            if is_told_to_stop():
                return None
            if batch == 1:
                self._happens(("validation", step))
        return SCORES[step]

    def sample_grid(self, variables):
        self.drawn.append(int(super().score(variables)))
        return super().sample_grid(variables)


@pytest.fixture
def train(tmp_path, monkeypatch):
    def run(folder, at=None, patience=0):
        stop = stopping.Stop()
        monkeypatch.setattr(stopping, "stop_signal", lambda: contextlib.nullcontext(stop))
        config = tiny.config()
        config.train.num_steps, config.train.validate_every, config.train.samples_every = 8, 2, 4
        config.checkpoint.every, config.checkpoint.keep, config.train.patience = 100, 1, patience
        return loop.train(Stopped(config, stop, at), tmp_path / folder)

    return run


def _left(workdir):
    kept = Checkpoints(workdir, "score")
    metas = {step: kept.meta(step) for step in kept.steps()}
    samples = sorted(path.name for path in (workdir / "samples").iterdir())
    return (workdir / "metrics.jsonl").read_text(), samples, kept.scores(), metas


MOMENTS = [("step", 2), ("step", 4), ("step", 8), ("validation", 2), ("validation", 4), ("validation", 8)]


@pytest.mark.parametrize("at", MOMENTS)
def test_what_was_due_is_done_by_the_next_start(train, tmp_path, capsys, at):
    assert train("whole") and not train("run", at)
    workdir, step = tmp_path / "run", at[1]
    kept = Checkpoints(workdir, "score")
    assert kept.steps()[0] == step and kept.meta(step)[ending.PENDING] and step not in kept.scores()
    assert not ending.is_at_its_end(workdir, tiny.config())
    assert f"stopped after step {step}" in capsys.readouterr().err
    assert train("run")
    assert _left(workdir) == _left(tmp_path / "whole")
    assert kept.choose("best") == 4 and "nothing is left" not in capsys.readouterr().err
    assert train("run") and "nothing is left" in capsys.readouterr().err


def test_a_stop_between_validations_owes_nothing(train, tmp_path):
    assert train("whole") and not train("run", ("step", 3))
    assert ending.PENDING not in Checkpoints(tmp_path / "run").meta(3)
    assert train("run") and _left(tmp_path / "run") == _left(tmp_path / "whole")


def test_it_can_be_interrupted_again_and_counts_for_patience(train, tmp_path):
    assert train("whole", patience=1) and not train("run", ("validation", 6), patience=1)
    assert not train("run", ("validation", 6), patience=1)
    assert train("run", patience=1)
    assert Checkpoints(tmp_path / "run").steps()[0] == 6, "it ends there, as the one that was not stopped"
    assert _left(tmp_path / "run")[0] == _left(tmp_path / "whole")[0]


def test_killed_while_the_score_is_added_it_is_added_again(train, tmp_path, monkeypatch):
    assert train("whole") and not train("run", ("validation", 4))
    from dfrec_jax.runs import saving

    write, written = saving.whole.write_text, []

    def killed_at_the_second(path, text):
        if "checkpoints" in str(path):
            written.append(path)
        if len(written) == 2:
            raise KeyboardInterrupt
        write(path, text)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(saving.whole, "write_text", killed_at_the_second)
        train("run")
    assert json.loads(written[0].read_text()) == {"score": 0.5}
    assert train("run") and _left(tmp_path / "run") == _left(tmp_path / "whole")
