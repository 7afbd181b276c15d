"""Saves leave nothing in memory."""

import ctypes
import gc
import platform
import sys
from pathlib import Path

import jax.numpy as jnp
import pytest
import tensorstore

from dfrec_jax.runs import freed_memory
from dfrec_jax.runs.saving import CheckpointWriter

NUM_ARRAYS, SAVES = 64, 4


def _more_blocks(act, times):
    """Blocks of Python's memory by which each call makes the process grow, in the second half of the calls."""
    for _ in range(times):
        act()
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(times):
        act()
    gc.collect()
    return (sys.getallocatedblocks() - before) / times


def test_a_save_leaves_nothing_in_memory(tmp_path):
    arrays = {"variables": {str(number): jnp.full(4, number) for number in range(NUM_ARRAYS)}}
    with CheckpointWriter(tmp_path, keep=1) as writer:
        steps = iter(range(1, 100))

        def save():
            writer.save(next(steps), arrays, {})
            writer.wait()

        assert _more_blocks(save, SAVES) < 2 * NUM_ARRAYS  # else 4 for each array, 250 for metrics


def test_tensorstore_keeps_what_it_says_as_json():
    spec = tensorstore.KvStore.Spec({"driver": "file", "path": "/a/"})
    assert _more_blocks(spec.to_json, 50) > 1, "it lets go: dfrec_jax/runs/freed_memory.py can be deleted"


BLOCK, BLOCKS = 100_000, 1000  # bytes: below what glibc asks the system for by itself


def _resident():
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("RssAnon:")]
    return 1024 * int(line.split()[1])


@pytest.fixture
def scattered():
    """Frees blocks of a heap of which every tenth stays, so that glibc keeps what lies between; what was freed."""
    library = ctypes.CDLL(None)
    library.malloc.restype, library.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
    blocks = [library.malloc(BLOCK) for _ in range(BLOCKS)]
    for block in blocks:
        ctypes.memset(block, 1, BLOCK)
    for number, block in enumerate(blocks):
        if number % 10:
            library.free(block)
    yield BLOCK * BLOCKS * 9 // 10
    for block in blocks[::10]:
        library.free(block)


of_glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library than glibc")


@of_glibc
def test_pages_that_hold_nothing_go_back_to_the_system(scattered):
    before = _resident()
    assert freed_memory.trim_heaps()
    assert before - _resident() > 0.8 * scattered


@of_glibc
def test_they_do_so_after_a_save(tmp_path, request):
    with CheckpointWriter(tmp_path) as writer:
        writer.save(1, {"variables": {"x": jnp.zeros(4)}}, {})
        writer.wait()
        freed = request.getfixturevalue("scattered")
        before = _resident()
        writer.save(2, {"variables": {"x": jnp.zeros(4)}}, {})
        while writer._manager.is_saving_in_progress():
            pass
        assert before - _resident() < 0.2 * freed, "something else gives them back"
        writer.check()
        assert before - _resident() > 0.8 * freed


def test_another_c_library_is_left_alone(monkeypatch):
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    assert not freed_memory.trim_heaps()
