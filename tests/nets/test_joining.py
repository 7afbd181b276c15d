"""Rows of several batches as one: their order, and that no device sends any of its own."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dfrec_jax.nets.joining import join, part_of
from tests.collectives import sent_by


@pytest.mark.parametrize("lengths", [(4, 4), (4, 2), (6, 4, 2), (3,), (5, 3)])
def test_each_part_comes_back_in_its_order(lengths):
    parts = [100 * place + jnp.arange(2.0 * length).reshape(length, 2) for place, length in enumerate(lengths)]
    joined = join(parts)
    assert joined.shape == (sum(lengths), 2)
    for place, part in enumerate(parts):
        np.testing.assert_array_equal(part_of(joined, lengths, place), part)


def test_groups_of_rows_stand_one_after_another():
    joined = join([jnp.arange(4), 10 + jnp.arange(2)])
    np.testing.assert_array_equal(joined, [0, 1, 10, 2, 3, 11])


@pytest.mark.parametrize("lengths", [(16, 16), (16, 8)])
def test_no_row_leaves_its_device(lengths):
    """As it would where one batch stands behind the other, which is looked at beside it."""
    mesh = jax.make_mesh((8,), ("rows",), axis_types=(jax.sharding.AxisType.Auto,))
    rows = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("rows"))
    shapes = [jax.ShapeDtypeStruct((length, 3), jnp.float32, sharding=rows) for length in lengths]

    def in_groups(*parts):
        joined = jnp.tanh(join(parts))
        return [part_of(joined, lengths, place) for place in range(len(lengths))]

    def one_after_another(*parts):
        joined = jnp.tanh(jnp.concatenate(parts))
        return jnp.split(joined, np.cumsum(lengths)[:-1])

    sent = lambda run: sent_by(jax.jit(run, out_shardings=rows).lower(*shapes).compile())  # noqa: E731
    assert sent(in_groups) == {}
    assert sum(sent(one_after_another).values()) > 0
