"""Means that clu adds up."""

import math

import numpy as np
from clu import metrics
from flax import struct

from dfrec_jax.metrics.mean import Mean


@struct.dataclass
class Values(metrics.Collection):
    mean: Mean.from_output("values")


def test_rows_that_fill_up_a_batch_count_for_nothing_however_it_is_split():
    values, is_valid = np.float32([1.0, 2.0, 6.0, np.nan, 7.0]), np.array([True, True, True, False, False])
    found = Values.empty()
    for rows in (slice(0, 2), slice(2, 5)):
        found = found.merge(Values.single_from_model_output(values=values[rows], mask=is_valid[rows]))
    assert found.compute() == {"mean": 3.0}
    assert math.isnan(Values.empty().compute()["mean"])


def test_sums_are_of_float64():
    whole = Mean.from_model_output(np.ones(1, np.float32)).merge(Mean(np.float64(2**53 - 2), 2**24))
    assert whole.total == 2**53 - 1
