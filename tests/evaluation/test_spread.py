"""Rows over devices: each has its share, all come back in order, and what is the same everywhere is placed once."""

import jax
import numpy as np
import pytest

from dfrec_jax.evaluation import spread


def test_rows_are_split_over_all_devices_and_come_back_in_order():
    devices = spread.over_all_devices(16)
    rows = np.arange(32, dtype=np.float32).reshape(16, 2)
    placed = devices.rows({"image": rows, "generated": None})["image"]
    assert placed.addressable_shards[0].data.shape == (16 // jax.device_count(), 2) and jax.device_count() == 8
    doubled = jax.jit(lambda rows: 2 * rows)(placed)
    assert len(doubled.sharding.device_set) == 8, "the devices that hold the rows work on them"
    np.testing.assert_array_equal(devices.fetch({"a": doubled})["a"], 2 * rows)
    np.testing.assert_array_equal(devices.own(doubled), 2 * rows)


@pytest.mark.parametrize(("batch_size", "num_used"), [(8, 8), (12, 6), (7, 7), (3, 3), (1, 1)])
def test_devices_that_cannot_share_the_rows_stay_idle_and_it_is_said(batch_size, num_used, capsys):
    spread.over_all_devices.cache_clear()  # it is said once
    assert spread.over_all_devices(batch_size).mesh.size == num_used
    said = capsys.readouterr().err
    assert (said == "") == (num_used == 8)
    assert num_used == 8 or f"{num_used} of 8 devices share the {batch_size} rows" in said


def test_one_network_in_two_rows_is_placed_once():
    devices, network = spread.over_all_devices(8), {"kernel": np.ones((4, 4))}
    one, other = devices.everywhere([network, network])
    assert one["kernel"] is other["kernel"] and len(one["kernel"].sharding.device_set) == 8
