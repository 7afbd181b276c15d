"""No two streams of a step, nor a stream and a count, come from one key."""

import itertools

import jax
import numpy as np
import pytest

from dfrec_jax.training.streams import STREAMS, stream


def test_streams_are_apart_from_each_other_and_from_counts_and_splits():
    key = jax.random.key(3)
    keys = {name: stream(key, name) for name in STREAMS}
    keys |= {f"fold {number}": jax.random.fold_in(key, number) for number in range(8)}
    drawn = {name: jax.random.key_data(one).tolist() for name, one in keys.items()}
    for (one, first), (other, second) in itertools.combinations(drawn.items(), 2):
        assert first != second, f"{one} and {other}"
    # Why names are needed: what splitting gives is what counting gives.
    split = jax.random.key_data(jax.random.split(key, 8))
    np.testing.assert_array_equal(split[5], drawn["fold 5"])


def test_a_stream_that_is_not_in_the_table_is_refused():
    with pytest.raises(ValueError, match="'noise': no stream; they are"):
        stream(jax.random.key(0), "noise")


def test_no_two_keys_of_a_run_meet():
    """Of the first steps: masks, dropout, known maps of each, and of examples, all as they are drawn from."""
    run = jax.random.key(0)
    used = {f"example {i}": jax.random.split(jax.random.fold_in(stream(run, "examples"), i)) for i in range(16)}
    for step in range(4):
        key = jax.random.fold_in(stream(run, "steps"), step)
        used[f"masks {step}"] = jax.random.split(stream(key, "masks"), 8)
        used |= {f"{name} {step}": stream(key, name)[None] for name in ("dropout", "known maps")}
    drawn = [tuple(data) for keys in used.values() for data in jax.random.key_data(keys).tolist()]
    assert len(drawn) == len(set(drawn))
