"""`train.patience`: a run whose validation rises no more ends, at the same step however often it was resumed."""

import contextlib

import numpy as np
import pytest

from dfrec_jax.runs import ending
from dfrec_jax.runs.checkpoint import Checkpoints
from dfrec_jax.training import loop
from tests import tiny
from tests.training.tasks.test_initialisation import OneNumber

SCORES = {2: 0.1, 4: 0.5, 6: 0.4, 8: 0.5, 10: 0.3, 12: 0.6}  # by step; 0.5 once more is no rise


class Scored(OneNumber):
    """Validation scores as they are listed above; its data end before step `dies_at`, as a kill would end them."""

    dies_at = 1000

    def initialise(self, fresh):
        return fresh

    def batches(self, start_step):
        picture = {"image": np.zeros((8, 1), np.float32)}
        return contextlib.nullcontext(iter([picture] * (self.dies_at - 1 - start_step)))

    def score(self, variables, *_):
        return SCORES[int(super().score(variables))]


@pytest.fixture
def train(tmp_path):
    def run(patience, dies_at=1000, folder="run"):
        config = tiny.config()
        config.train.patience, config.train.num_steps, config.train.validate_every = patience, 12, 2
        config.checkpoint.every = 5
        task = Scored(config, can_start=True)
        task.dies_at = dies_at
        done = loop.train(task, tmp_path / folder)
        return done, Checkpoints(tmp_path / folder, "score"), ending.is_at_its_end(tmp_path / folder, config)

    return run


def test_a_run_ends_where_the_score_has_not_risen_for_so_long(train, tmp_path, capsys):
    done, kept, is_at_its_end = train(patience=2)
    assert done and is_at_its_end and kept.steps()[0] == 8 and kept.choose("best") in (4, 8)
    assert kept.scores()[4] == 0.5, "the best is kept"
    said = capsys.readouterr().err
    assert "ended after step 8 of 12: score of the validation split has not risen for 2 validations" in said
    assert '"validations_since_best": 2.0' in (tmp_path / "run" / "metrics.jsonl").read_text()


def test_a_resumed_run_ends_at_the_same_step(train, tmp_path, capsys):
    for step in (3, 6, 8):  # after 4, the best, a checkpoint is at 5: the validation of 6 is done twice
        with pytest.raises(StopIteration):
            train(patience=2, dies_at=step)
    done, kept, is_at_its_end = train(patience=2)
    assert done and is_at_its_end and kept.steps()[0] == 8
    capsys.readouterr()
    assert train(patience=2)[0], "nothing is left to do"
    assert "ended after step 8" in capsys.readouterr().err and kept.steps()[0] == 8


def test_more_patience_goes_on_and_without_it_every_step_is_taken(train, capsys):
    train(patience=2)
    done, kept, _ = train(patience=4)
    assert done and kept.steps()[0] == 12 and kept.choose("best") == 12
    done, kept, is_at_its_end = train(patience=0, folder="other")
    assert done and is_at_its_end and kept.steps()[0] == 12
    assert "ended after" not in capsys.readouterr().err.split("resuming")[-1]


def test_by_default_nothing_of_it_is_logged(train, tmp_path):
    assert tiny.config().train.patience == 0
    train(patience=0)
    assert ending.WAITED not in (tmp_path / "run" / "metrics.jsonl").read_text()
