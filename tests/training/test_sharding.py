"""The order of devices in the mesh: every host's rows on that host's devices, whatever the topology says."""

from typing import NamedTuple

import jax
import numpy as np
import pytest
from ml_collections import ConfigDict

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.training import sharding


class Device(NamedTuple):
    """As much of a device as its order depends on, and what it must not depend on."""

    id: int
    process_index: int
    coords: tuple[int, int] = (0, 0)
    slice_index: int = 0


def _interleaved():
    """A v5e 4x4 as it comes: row by row of the torus, each host a square of two by two."""
    return [
        Device(4 * (2 * (y // 2) + x // 2) + 2 * (y % 2) + x % 2, 2 * (y // 2) + x // 2, (x, y))
        for y in range(4)
        for x in range(4)
    ]


def _slices():
    return [Device(100 * host + place, host, slice_index=host) for host in (2, 0, 1) for place in (3, 1, 0, 2)]


def _mesh(data, fsdp):
    return ConfigDict({"data": data, "fsdp": fsdp})


@pytest.mark.parametrize("fsdp", [1, 2, 4, 8])
@pytest.mark.parametrize("devices", [_interleaved(), _slices()[:8]], ids=["interleaved", "slices"])
def test_each_host_holds_one_block_of_rows_in_the_order_of_processes(devices, fsdp):
    assert [d.process_index for d in devices] != sorted(d.process_index for d in devices), "else nothing is tested"
    order = sharding.device_order(devices, _mesh(-1, fsdp))
    assert order.shape == (len(devices) // fsdp, fsdp)
    flat = order.reshape(-1)  # the order in which the rows of a batch are split
    assert [device.process_index for device in flat] == sorted(device.process_index for device in devices)
    for host in {device.process_index for device in devices}:
        ids = [device.id for device in flat if device.process_index == host]
        assert ids == sorted(ids)
    if fsdp <= 4:
        assert all(len({device.process_index for device in group}) == 1 for group in order), "a group leaves its host"


def test_the_mesh_of_the_devices_at_hand():
    mesh = sharding.make_mesh(_mesh(-1, 2))
    assert mesh.shape == {"data": 4, "fsdp": 2}
    assert mesh.devices.reshape(-1).tolist() == jax.devices()
    rows = sharding.to_global(mesh, {"image": np.arange(16)})["image"]
    for number, shard in enumerate(sorted(rows.addressable_shards, key=lambda shard: shard.device.id)):
        assert np.asarray(shard.data).tolist() == [2 * number, 2 * number + 1]


@pytest.mark.parametrize(
    ("devices", "data", "fsdp", "message"),
    [
        (_interleaved(), 3, 2, "mesh.data=3 and mesh.fsdp=2: their product must be the number of devices, 16"),
        (_slices(), -1, 3, "mesh.fsdp=3 with 4 devices a host: must divide that number, or be a multiple of it"),
        (_slices()[:-1], -1, 1, "hosts have unlike numbers of devices, {0: 4, 1: 3, 2: 4}"),
    ],
)
def test_what_cannot_be_laid_out_is_refused(devices, data, fsdp, message):
    with pytest.raises(ConfigError) as refused:
        sharding.device_order(devices, _mesh(data, fsdp))
    assert message in str(refused.value)


def test_batches_that_devices_cannot_share_are_refused_by_their_field():
    mesh = sharding.make_mesh(_mesh(-1, 1))
    sharding.check_batch_size(16, mesh)
    with pytest.raises(ConfigError, match="data.eval_batch_size=12: must be a multiple of .* 8; use 8"):
        sharding.check_batch_size(12, mesh, "data.eval_batch_size")
