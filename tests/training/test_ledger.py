"""Every second of a training is accounted for, over kills and restarts."""

import contextlib
import io
import json
import shutil
import time

import numpy as np
import pytest

from dfrec_jax.runs import goodput
from dfrec_jax.training import loop
from dfrec_jax.training.ledger import Ledger, process_age
from tests import tiny
from tests.training.tasks.test_initialisation import OneNumber


class Clock:
    """Stands still until it is told to go on."""

    now = 1000.0

    def __call__(self):
        return self.now

    def pass_by(self, seconds):
        self.now += seconds


class Killed(BaseException):
    pass


class Timed(OneNumber):
    """A task whose batches take 1 s, whose samples 4 s and whose validation takes 8 s of a clock."""

    def __init__(self, config, clock, kill_at, copy_log):
        super().__init__(config, can_start=True)
        self._clock, self._kill_at, self._copy_log = clock, kill_at, copy_log

    def initialise(self, fresh):
        self._clock.pass_by(16.0)
        return fresh

    def batches(self, start_step):
        def each():
            for step in range(start_step + 1, 1000):
                self._clock.pass_by(1.0)
                if step == self._kill_at:
                    self._copy_log()
                    raise Killed
                yield {"image": np.zeros((8, 1), np.float32)}

        return contextlib.nullcontext(each())

    def sample_grid(self, variables):
        self._clock.pass_by(4.0)
        return super().sample_grid(variables)

    def score(self, variables, *_):
        self._clock.pass_by(8.0)
        return super().score(variables)


def test_a_run_that_is_killed_three_times(tmp_path, monkeypatch):
    clock, config, workdir = Clock(), tiny.config(), tmp_path / "run"
    config.train.num_steps, config.train.validate_every, config.checkpoint.every = 9, 9, 3
    config.train.samples_every = 3

    def run(kill_at=0):
        def copy_log():  # what lies there at a kill: an end that is no line, and nothing of the time since the last
            shutil.copy(workdir / "timing.jsonl", tmp_path / "at the kill")
            with (tmp_path / "at the kill").open("a") as file:
                file.write('{"step": 3, "tim')

        killing = Timed(config, clock, kill_at, copy_log)
        with contextlib.suppress(Killed):
            done = loop.train(killing, workdir, ledger=Ledger(2.0, clock=clock, wall=clock))
            assert done == (not kill_at)
            return
        shutil.copy(tmp_path / "at the kill", workdir / "timing.jsonl")

    clock.pass_by(2.0)
    for kill_at in (2, 5, 6):  # before any checkpoint; after that of step 3, twice
        run(kill_at)
        clock.pass_by(100.0)
    run()
    ended = clock.now
    clock.pass_by(1e6)
    run()  # nothing is left to do
    account = goodput.read(workdir)
    assert account is not None and account.processes == 4 and account.step == 9
    # Since the clock stands still in the steps, those take no time.
    assert account.seconds["stepping"] == account.seconds["compiling"] == 0
    assert account.seconds["input"] == 9 and account.seconds["validating"] == 8 and account.seconds["sampling"] == 12
    assert account.seconds["starting"] == 4 * 2 + 2 * 16, "four were told of 2 s, and two began anew"
    assert account.total == account.clock == ended - 1000.0


def test_a_process_says_how_far_it_is_while_it_does_one_long_thing(tmp_path):
    clock = Clock()
    ledger, path = Ledger(clock=clock, wall=clock), tmp_path / "timing.jsonl"
    with ledger.opened(path, 0, is_writer=True), ledger.doing("compiling"):
        for seconds in (60.0, 0.25, 30.0):  # a two-hundredth of its age is more than the second
            clock.pass_by(seconds)
            time.sleep(0.3)
        lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["seconds"] for line in lines] == [{}, {"compiling": 60.0}, {"compiling": 30.25}]
    assert lines[0]["from"] == 0 and "from" not in lines[1]


def test_a_torn_line_of_a_killed_process_does_not_spoil_the_next(tmp_path):
    path = tmp_path / "timing.jsonl"
    path.write_text('{"step": 3, "tim')
    clock = Clock()
    with Ledger(5.0, clock=clock, wall=clock).opened(path, 0, is_writer=True):
        pass
    account = goodput.read(tmp_path)
    assert account is not None and account.seconds["starting"] == account.total == 5


class FullDisk(io.BytesIO):
    name, room = "timing.jsonl", 10

    def write(self, line):
        return super().write(line[: self.room])


def test_on_a_full_disk_nothing_is_forgotten():
    clock = Clock()
    ledger = Ledger(5.0, clock=clock, wall=clock)
    ledger._file = file = FullDisk()
    with pytest.raises(OSError, match="No space left on device"):
        ledger.write()
    file.room = 1000
    ledger.write()
    assert json.loads(file.getvalue().splitlines()[-1])["seconds"] == {"starting": 5.0}


def test_a_clock_of_the_day_that_is_set_changes_no_duration(tmp_path):
    clock, jumps = Clock(), iter([0.0, 3600.0, -86400.0, 7.0, -3600.0] * 9)
    for _ in range(2):  # two processes
        ledger = Ledger(clock=clock, wall=lambda: clock() + next(jumps))
        with ledger.opened(tmp_path / "timing.jsonl", 0, is_writer=True):
            for kind, seconds in (("stepping", 30.0), ("saving", 5.0), ("input", 1.0)):
                with ledger.doing(kind):
                    clock.pass_by(seconds)
                ledger.write()
    account = goodput.read(tmp_path)
    assert account is not None and account.processes == 2
    assert (account.seconds["saving"], account.seconds["input"]) == (10, 2)
    assert account.total - account.seconds["down"] == 72


def test_the_age_of_this_process():
    before = process_age()
    time.sleep(0.05)
    assert before > 0.5 and process_age() > before
