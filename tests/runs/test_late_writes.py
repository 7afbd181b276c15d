"""A save that fails is told once; what else nobody catches is told as it was."""

import asyncio
import gc
import logging
import sys
from pathlib import Path
from typing import Any

import orbax.checkpoint as ocp
import pytest
import tensorstore

from dfrec_jax.runs import late_writes

OF_A_SAVE = str(Path(ocp.__file__).with_name("serialization.py"))


@pytest.fixture
def reported(monkeypatch):
    """What reaches the hook that was there before."""
    found = []
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: found.append(unraisable.exc_value))
    late_writes.hush()
    late_writes.hush()  # of a second writer
    return found


def _closed_loop():
    loop = asyncio.new_event_loop()
    loop.close()
    return loop


def test_a_write_that_ends_after_its_loop_was_closed_is_not_told(reported):
    promise, future = tensorstore.Promise.new()
    loop = asyncio.new_event_loop()

    async def write():
        await future

    task: Any = loop.create_task(write())
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    promise.set_result(1)  # tensorstore calls the loop back
    assert reported == [] and not task.done()
    task._log_destroy_pending = False  # it is ours, and would be told


class _CallsAClosedLoop:
    def __del__(self):
        _closed_loop().call_soon_threadsafe(print)


class _Fails:
    def __del__(self):
        raise RuntimeError("Event loop is closed")


@pytest.mark.parametrize("kind", [_CallsAClosedLoop, _Fails])
def test_what_python_code_leaves_uncaught_is_told(reported, kind):
    kind()
    assert [str(error) for error in reported] == ["Event loop is closed"]


def _fail_unseen(file):
    """A task of a coroutine of `file` that fails, and that nobody asks."""
    names = {}
    exec(compile("async def write():\n    raise ValueError('the disk is full')\n", file, "exec"), names)

    async def start():
        task = asyncio.ensure_future(names["write"]())
        await asyncio.sleep(0)
        del task

    asyncio.run(start())
    gc.collect()


@pytest.mark.parametrize(("file", "is_told"), [(OF_A_SAVE, False), ("/home/somebody/writing.py", True)])
def test_an_array_that_nobody_asks_for_is_told_where_it_is_not_of_a_save(reported, caplog, file, is_told):
    with caplog.at_level(logging.ERROR, logger="asyncio"):
        _fail_unseen(file)
    assert [record.name for record in caplog.records] == ["asyncio"] * is_told
