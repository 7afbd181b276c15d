"""`train.py --dry_run`: what a config takes of each device's memory, and the floor of its time, by arithmetic alone."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
from ml_collections import ConfigDict

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.frozen.network import ROLES, Perceptors
from dfrec_jax.training import abstract_step, sharding
from dfrec_jax.training.device_limits import Device
from dfrec_jax.training.program_cost import HELD_ON_CPU, Cost, cost_of

UNITS = {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
ON_CPU = "held on a CPU"  # the kind of memory


class Fit(NamedTuple):
    """Bytes on one device, and seconds of one step.

    Attributes:
      memory: bytes by kind.
      collectives: bytes that a device sends in a step, by what they are.
      cost: of one device's share of the step.
      rows: of the batch on one device.
    """

    memory: dict[str, int]
    collectives: dict[str, int]
    cost: Cost
    rows: int

    @property
    def arguments(self) -> int:
        """Bytes of what the step takes: all that lies in memory between two steps, and the batch."""
        return sum(size for name, size in self.memory.items() if name not in ("activations", "temporaries", ON_CPU))

    @property
    def temporaries(self) -> int:
        """Bytes that are there during a step alone."""
        return self.memory["activations"] + self.memory["temporaries"] + self.memory.get(ON_CPU, 0)

    @property
    def total(self) -> int:
        """All bytes at the peak."""
        return self.arguments + self.temporaries


def measured(config: ConfigDict, num_devices: int, *, is_cpu: bool = False) -> Fit:
    """Memory, collectives and work of a step of `config` on each of so many devices.

    The step is traced for one device's rows. A parameter that is split is whole from where it is first read on. With
    `is_cpu` that counts as well, as a kind of its own, which XLA's programs for CPUs hold and others compute again.

    Raises:
      ConfigError: for devices that mesh and batch cannot be spread over, and another task than DFREC.
    """
    rows, data = rows_of(config, num_devices)
    parts = abstract_step.of_config(config)
    memory, collectives = at_rest(parts, config, rows, data)
    count = _counting(parts, config, rows)
    cost = count()
    memory |= {"activations": cost.kept, "temporaries": cost.passing}
    if is_cpu:
        of_cpu = count(held=HELD_ON_CPU)
        memory[ON_CPU] = of_cpu.kept + of_cpu.passing - cost.kept - cost.passing
    return Fit(memory, collectives, cost, rows)


def rows_of(config: ConfigDict, num_devices: int) -> tuple[int, int]:
    """The rows of a batch on each device, and the devices along `data`. Raises ConfigError where they do not share."""
    mesh, train = config.mesh, config.train
    data = num_devices // mesh.fsdp if mesh.data == -1 else mesh.data
    if data * mesh.fsdp != num_devices:
        raise ConfigError(
            f"mesh.data={mesh.data} and mesh.fsdp={mesh.fsdp}: their product must be --devices={num_devices}"
        )
    least = num_devices * train.accumulate
    if train.batch_size % least:
        of_parts = f" times train.accumulate={train.accumulate}" if train.accumulate > 1 else ""
        raise ConfigError(
            f"train.batch_size={train.batch_size}: must be a multiple of --devices={num_devices}{of_parts}; use "
            f"{-(-train.batch_size // least) * least}"
        )
    return train.batch_size // num_devices, data


def at_rest(
    parts: abstract_step.AbstractStep, config: ConfigDict, rows: int, data: int
) -> tuple[dict[str, int], dict[str, int]]:
    """Bytes on a device of what a step takes, and the bytes that it sends in one."""
    state, fsdp = parts.state, config.mesh.fsdp
    memory = {
        "parameters": _bytes(state.params, fsdp),
        "batch statistics": _bytes(state.batch_stats, fsdp),
        "optimiser": _bytes(state.opt_state, fsdp),
        "averages": _bytes(state.ema, fsdp),
        "frozen networks": sum(_bytes(variables, 1) for variables in _distinct(parts.constants)),
        "batch": _bytes(abstract_step.batch_of(config, rows), 1),
    }
    return memory, _collectives(state, data, fsdp)


def _counting(parts: abstract_step.AbstractStep, config: ConfigDict, rows: int) -> Callable[..., Cost]:
    """`cost_of` of one device's share of the step, which is traced once; it takes `held`."""
    state, batch = parts.state, abstract_step.batch_of(config, rows)
    closed, (state_after, metrics) = jax.make_jaxpr(parts.step, return_shape=True)(state, parts.constants, batch)
    begin = len(jax.tree.leaves(state.step))
    leaves = jax.tree.leaves(state.params)
    late = [begin + place for place, leaf in enumerate(leaves) if _share(leaf, config.mesh.fsdp) < 1]
    leaves_of_metrics = [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(metrics)]
    place_of_loss = len(jax.tree.leaves(state_after)) + leaves_of_metrics.index(".loss.total")
    return partial(cost_of, closed, lambda outputs: outputs[place_of_loss], late)


def seconds_of(fit: Fit, device: Device) -> tuple[float, float, float]:
    """Floors of a step's seconds: of arithmetic, of memory, and the sum of the greater of both over all that is done,
    with what is sent to other devices after it."""
    peak = lambda width: device.peak.get(width, device.peak[4])  # noqa: E731
    arithmetic = sum(count / peak(width) for width, count in fit.cost.products.items())
    both = sum(max(count / peak(width), moved / device.bandwidth) for count, width, moved in fit.cost.work)
    sent = sum(fit.collectives.values()) / device.link
    return arithmetic, fit.cost.moved / device.bandwidth, both + sent


def advice(config: ConfigDict, fit: Fit, num_devices: int, memory: int) -> list[str]:
    """Which fields to change where `fit` is more than `memory` bytes, the greatest help first; none where it fits."""
    if fit.total <= memory:
        return []
    found = []
    room = memory - fit.arguments
    if room > 0:
        rows = math.floor(fit.rows * room / max(fit.temporaries, 1))
        if rows:
            found.append(f"train.batch_size={rows * num_devices} ({rows} rows a device) should fit")
        if accumulate := _parts_that_fit(config, fit, room):
            found.append(f"train.accumulate={accumulate}: as many parts of the batch one after another should fit")
    if not config.remat:
        found.append("remat=True: the ViT's blocks are computed again in the backward pass")
    if config.compute_dtype == "float32":
        found.append("compute_dtype='bfloat16': half of most activations")
    state = ("parameters", "optimiser", "averages", "batch statistics")
    of_state = sum(fit.memory[name] for name in state)
    for fsdp in (2, 4, 8, 16, 32, 64):
        if (
            num_devices % fsdp == 0
            and fsdp > config.mesh.fsdp
            and fit.total - of_state * (1 - config.mesh.fsdp / fsdp) <= memory
        ):
            found.append(f"mesh.fsdp={fsdp}: large parameters and their optimiser split over {fsdp} devices")
            break
    if config.optimizer.ema:
        found.append("optimizer.ema=0.0: no averages are kept")
    return found or ["no field alone is enough: a smaller tirm.vit or image_size, or a device with more memory"]


def _parts_that_fit(config: ConfigDict, fit: Fit, room: int) -> int | None:
    """The fewest parts of a batch whose temporaries, with a sum of gradients beside them, fit into `room` bytes."""
    rows = fit.rows // config.train.accumulate
    of_sum = 0 if config.train.accumulate > 1 else fit.memory["parameters"]
    return next(
        (
            config.train.accumulate * parts
            for parts in range(2, rows + 1)
            if rows % parts == 0 and fit.temporaries / parts + of_sum <= room
        ),
        None,
    )


def bytes_of(words: str) -> int:
    """Of a size as `80GiB`. Raises ConfigError for anything else."""
    for unit, size in UNITS.items():
        number = words.removesuffix(unit).strip()
        if words.endswith(unit) and number.replace(".", "", 1).isdecimal() and float(number) > 0:
            return round(float(number) * size)
    raise ConfigError(f"--device_memory={words}: must be a number and a unit, as 80GiB; units: {', '.join(UNITS)}")


def _collectives(state: Any, data: int, fsdp: int) -> dict[str, int]:
    """Bytes that a device sends: each sum over n devices sends 2 (n - 1) / n of it, gathering or scattering half."""
    split = sum(_size(leaf) for leaf in jax.tree.leaves(state.params) if _share(leaf, fsdp) < 1)
    whole = sum(_size(leaf) for leaf in jax.tree.leaves(state.params)) - split
    part = lambda devices: (devices - 1) / devices  # noqa: E731
    found = {
        "gradients, summed": round(2 * part(data * fsdp) * whole + 2 * part(data) * split / fsdp),
        "gradients, scattered": round(part(fsdp) * split),
        "parameters, gathered": round(part(fsdp) * split),
        "batch statistics, summed": round(4 * part(data * fsdp) * _bytes(state.batch_stats, 1)),
    }
    return {name: size for name, size in found.items() if size}


def _distinct(constants: Perceptors) -> list[Any]:
    """The variables of each network once, though it may play several roles."""
    networks = [getattr(constants, role) for role in ROLES]
    return list({network.name: network.variables for network in networks if network is not None}.values())


def _share(leaf: Any, fsdp: int) -> float:
    return 1 / fsdp if any(sharding.parameter_spec(leaf.shape, fsdp)) else 1.0


def _size(leaf: Any) -> int:
    return math.prod(leaf.shape) * leaf.dtype.itemsize


def _bytes(tree: Any, fsdp: int) -> int:
    return round(sum(_size(leaf) * _share(leaf, fsdp) for leaf in jax.tree.leaves(tree)))
