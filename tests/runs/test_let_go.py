"""Saves leave nothing in memory."""

import gc
import sys

import jax.numpy as jnp
import tensorstore

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
    assert _more_blocks(spec.to_json, 50) > 1, "it lets go: dfrec_jax/runs/let_go.py can be deleted"
