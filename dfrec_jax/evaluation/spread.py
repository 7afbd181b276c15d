"""Evaluation over all devices of all hosts: the rows of a batch are split over them, networks are whole on each.

Each host reads its own rows (`pipeline.eval_batches`), and its devices work on them. What is brought to a host is what
it asks for: numbers of every row, on every host, and pictures where they are kept.
"""

import functools
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

AXIS = "rows"


class Spread(NamedTuple):
    """The devices that share the rows of a batch, host after host, each host with one block of rows."""

    mesh: Mesh

    @property
    def split(self) -> NamedSharding:
        """Rows are split over the devices."""
        return NamedSharding(self.mesh, PartitionSpec(AXIS))

    @property
    def whole(self) -> NamedSharding:
        """Every device holds everything."""
        return NamedSharding(self.mesh, PartitionSpec())

    def rows(self, own: Any) -> Any:
        """This host's rows, arrays in any tree, as its part of the whole batch on the devices."""
        return jax.tree.map(lambda rows: jax.make_array_from_process_local_data(self.split, np.asarray(rows)), own)

    def everywhere(self, variables: Any) -> Any:
        """The same arrays on every device; those that stand in the tree twice are placed once."""
        leaves, tree = jax.tree.flatten(variables)
        distinct = {id(leaf): leaf for leaf in leaves}
        placed = {number: jax.device_put(np.asarray(leaf), self.whole) for number, leaf in distinct.items()}
        return tree.unflatten(placed[id(leaf)] for leaf in leaves)

    def fetch(self, rows: Any) -> Any:
        """Every row of arrays on the devices, as NumPy arrays on every host."""
        if jax.process_count() > 1:
            rows = jax.jit(lambda tree: tree, out_shardings=self.whole)(rows)
        return jax.tree.map(np.asarray, jax.device_get(rows))

    def own(self, rows: jax.Array) -> np.ndarray:
        """This host's rows of an array on the devices."""
        shards = sorted(rows.addressable_shards, key=lambda shard: shard.index[0].start or 0)
        return np.concatenate([np.asarray(shard.data) for shard in shards])


@functools.cache
def over_all_devices(batch_size: int) -> Spread:
    """As many devices of each host as share its rows of a batch equally; says so where some stay idle.

    Args:
      batch_size: of all hosts together, which divide it (`pipeline.eval_batches` sees to that).
    """
    devices = sorted(jax.devices(), key=lambda device: (device.process_index, device.id))
    share = batch_size // jax.process_count()
    num_used = max(n for n in range(1, len(jax.local_devices()) + 1) if share % n == 0)
    if num_used < len(jax.local_devices()) and is_first_host():
        print(
            f"note: {num_used} of {len(jax.local_devices())} devices share the {share} rows of a batch equally, the "
            "others stay idle (data.eval_batch_size)",
            file=sys.stderr,
        )
    of_host: dict[int, list[Any]] = {}
    for device in devices:
        of_host.setdefault(device.process_index, []).append(device)
    used = [device for on_one in of_host.values() for device in on_one[:num_used]]
    return Spread(Mesh(np.array(used), (AXIS,), axis_types=(AxisType.Auto,)))


def together(own: Any) -> Any:
    """NumPy arrays of this host's rows, in any tree -> of every row, on every host."""
    if jax.process_count() == 1:
        return own
    return jax.tree.map(np.asarray, multihost_utils.process_allgather(own, tiled=True))


def own_of(rows: np.ndarray) -> np.ndarray:
    """This host's rows of an array of all."""
    share = len(rows) // jax.process_count()
    return rows[jax.process_index() * share :][:share]


def on_all_hosts(is_so: bool) -> bool:
    """Whether something is so on each host; asked by all of them at the same moment."""
    return bool(np.all(together(np.array([is_so]))))


def is_first_host() -> bool:
    """Whether this is the one host that writes and speaks."""
    return jax.process_index() == 0


def hosts() -> Mapping[str, int]:
    """Which host this is and how many there are, as the readers of batches take it."""
    return {"process_index": jax.process_index(), "process_count": jax.process_count()}
