"""A loader that stalls is said, with what it is at."""

import contextlib
import time

import numpy as np

from dfrec_jax.training import loop
from dfrec_jax.training.waiting import Waiting
from tests import tiny
from tests.training.tasks.test_initialisation import OneNumber


def test_it_is_said_when_it_has_become_long_and_at_each_doubling(capsys):
    now = [0.0]
    waiting, said = Waiting(30.0, clock=lambda: now[0]), []

    def lines_at(second):
        now[0] = second
        waiting.say_if_long("host 1 of 2 (b)", lambda: "the loader reads row 3")
        return capsys.readouterr().err

    assert lines_at(100.0) == "", "nothing is waited for"
    with waiting.input(7):
        said += [lines_at(second) for second in (129.0, 131.0, 150.0, 163.0, 200.0)]
    assert said == [
        "",
        "host 1 of 2 (b): step 7 has been waiting for its batch for 31 s; the loader reads row 3\n",
        "",
        "host 1 of 2 (b): step 7 has been waiting for its batch for 63 s; the loader reads row 3\n",
        "",
    ]
    assert lines_at(300.0) == ""
    with waiting.input(8):
        assert lines_at(329.0) == "" and "step 8" in lines_at(331.0)


class Stalling(OneNumber):
    def batches(self, start_step):
        def each():
            for step in range(start_step + 1, 100):
                time.sleep(0.6 if step == 2 else 0)
                yield {"image": np.zeros((8, 1), np.float32)}

        return contextlib.nullcontext(each())


def test_the_loop_says_it(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(loop, "Waiting", lambda: Waiting(0.2))
    loop.train(Stalling(tiny.config(), can_start=True), tmp_path / "run")
    said = [line for line in capsys.readouterr().err.splitlines() if "waiting for its batch" in line]
    assert said and all(line.startswith("step 2 has been waiting for its batch for ") for line in said)
