"""The device mesh and which array is split over which of its axes; models know nothing of it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec
from ml_collections import ConfigDict

from dfrec_jax.config.errors import ConfigError

AXES = ("data", "fsdp")
MIN_SHARDED_SIZE = 4096  # smaller arrays are not worth the gather


def make_mesh(mesh: ConfigDict) -> Mesh:
    """A (`data`, `fsdp`) mesh over all devices of all hosts; one device is a mesh of one.

    Raises:
      ConfigError: as `device_order`.
    """
    return Mesh(device_order(jax.devices(), mesh), AXES, axis_types=(AxisType.Auto,) * 2)


def device_order(devices: Sequence[Any], mesh: ConfigDict) -> np.ndarray:
    """The devices as they stand in the mesh, [data, fsdp]: host after host by process, each host's by id.

    The rows of a batch are split over both axes in this order, so that every host's devices hold one block of rows,
    the one that `pipeline.TrainBatches` gives to that process. `jax.make_mesh` orders by topology instead, in which the
    hosts of a TPU slice interleave, and refuses devices of several slices. Here a group along `fsdp` lies inside a host
    where it fits there, so that parameters are gathered over the fastest links and between hosts only gradients are
    summed; a larger one takes hosts that are neighbours by process, of two slices where a slice has too few.

    Args:
      devices: of all hosts; only their `process_index` and `id` are read.
      mesh: `config.mesh`.

    Raises:
      ConfigError: where `mesh.data` x `mesh.fsdp` is not the number of devices, hosts have unlike numbers of devices,
        or a group along `fsdp` would share hosts unevenly with others.
    """
    data = len(devices) // mesh.fsdp if mesh.data == -1 else mesh.data
    if data * mesh.fsdp != len(devices):
        raise ConfigError(
            f"mesh.data={mesh.data} and mesh.fsdp={mesh.fsdp}: their product must be the number of devices, "
            f"{len(devices)}"
        )
    on_host = Counter(device.process_index for device in devices)
    if len(set(on_host.values())) > 1:
        raise ConfigError(f"hosts have unlike numbers of devices, {dict(sorted(on_host.items()))}: give each as many")
    a_host = on_host[devices[0].process_index]
    if a_host % mesh.fsdp and mesh.fsdp % a_host:
        raise ConfigError(
            f"mesh.fsdp={mesh.fsdp} with {a_host} devices a host: must divide that number, or be a multiple of it"
        )
    ordered = np.empty(len(devices), object)
    ordered[:] = sorted(devices, key=lambda device: (device.process_index, device.id))
    return ordered.reshape(data, mesh.fsdp)


def check_batch_size(batch_size: int, mesh: Mesh, field: str = "train.batch_size", parts: int = 1) -> None:
    """Raises ConfigError unless each device gets equally many examples of each of the `parts` of the global batch."""
    if batch_size % (mesh.size * parts):
        of_parts = f" times train.accumulate={parts}" if parts > 1 else ""
        raise ConfigError(
            f"{field}={batch_size}: must be a multiple of the number of devices, {mesh.size}{of_parts}; "
            f"use {max(batch_size // (mesh.size * parts), 1) * mesh.size * parts}"
        )


def replicated(mesh: Mesh) -> NamedSharding:
    """Every device holds the whole array."""
    return NamedSharding(mesh, PartitionSpec())


def batch_sharding(mesh: Mesh) -> NamedSharding:
    """The examples of a batch are split over both axes."""
    return NamedSharding(mesh, PartitionSpec(AXES))


def parameter_spec(shape: tuple[int, ...], fsdp: int) -> PartitionSpec:
    """Splits the largest axis that `fsdp` divides; arrays that are small, or have no such axis, stay whole."""
    if fsdp > 1 and np.prod(shape, dtype=np.int64) >= MIN_SHARDED_SIZE:
        for axis in sorted(range(len(shape)), key=lambda axis: -shape[axis]):
            if shape[axis] % fsdp == 0:
                return PartitionSpec(*("fsdp" if i == axis else None for i in range(len(shape))))
    return PartitionSpec()


def state_sharding(mesh: Mesh, abstract_state: Any) -> Any:
    """The sharding of each leaf of the training state, from its shape alone."""
    fsdp = mesh.shape["fsdp"]
    return jax.tree.map(lambda leaf: NamedSharding(mesh, parameter_spec(leaf.shape, fsdp)), abstract_state)


def to_global(mesh: Mesh, batch: Mapping[str, np.ndarray]) -> dict[str, jax.Array]:
    """This host's rows of a batch become its shards of the global batch on the devices."""
    sharding = batch_sharding(mesh)
    return {name: jax.make_array_from_process_local_data(sharding, rows) for name, rows in batch.items()}
