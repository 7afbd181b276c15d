"""Processes side by side: every task once, errors as they were, and none left whatever happens."""

import functools
import multiprocessing
import os
import signal
from pathlib import Path

import pytest

from dfrec_jax.preparation import process_pool


def doer(folder: Path):
    """Writes each task's name; some names are orders."""

    def do(task: str) -> None:
        if task == "fail":
            raise EOFError("this task's own")
        if task == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        (folder / task).write_text(str(os.getpid()))

    return do


def failing_start():
    raise OSError("no tools")


def run(make_do, tasks, processes=2):
    done = []
    process_pool.run(make_do, tasks, processes, lambda: done.append(None))
    return len(done)


@pytest.fixture
def writer(tmp_path):
    return functools.partial(doer, tmp_path)


@pytest.fixture(autouse=True)
def _none_is_left():
    yield
    assert not multiprocessing.active_children()


def test_every_task_is_done_once(writer, tmp_path):
    names = [str(number) for number in range(20)]
    assert run(writer, iter(names)) == 20
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
    assert os.getpid() not in {int(path.read_text()) for path in tmp_path.iterdir()}


def test_fewer_tasks_than_processes(writer):
    assert run(writer, ["only"], processes=3) == 1


def test_what_a_task_raises_is_raised_with_its_traceback(writer):
    with pytest.raises(EOFError, match="this task's own") as caught:
        run(writer, ["a", "fail", *"bcdef"])
    assert "in do" in "".join(caught.value.__notes__)


def test_what_the_start_raises_is_raised():
    with pytest.raises(OSError, match="no tools"):
        run(failing_start, ["a"])


def test_a_killed_process_is_said(writer):
    with pytest.raises(process_pool.WorkerKilled):
        run(writer, ["a", "die", *"bcdef"])


def test_ctrl_c_between_two_tasks_kills_the_others(writer, tmp_path):
    def interrupt():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        process_pool.run(writer, map(str, range(1000)), 2, interrupt)
    assert len(list(tmp_path.iterdir())) < 1000
