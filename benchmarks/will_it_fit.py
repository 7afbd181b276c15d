"""`train.py --dry_run` against XLA: what it counts of a step's memory and traffic, and what the compiled step says.

Run:     python benchmarks/will_it_fit.py [CONFIG] [--set FIELD=VALUE ...] [--devices 1 8] [--fsdp 1] [--rows 8]
                                          [--steps 0]
         CONFIG is a file of `configs/`, with its argument behind a colon; without one, the tests' own, of 32 pixels.
         FIELD=VALUE changes it, as --config.FIELD=VALUE of `train.py`.
Does:    for each number of devices, in a process of its own: counts a step of so many rows a device, as with
         --device=cpu, and compiles it for as many virtual CPU devices; no weights and no data are needed. With --steps
         it then runs the step so many times on one device, on random numbers, and reads the most of this process's
         memory that was resident.
Prints:  MiB on a device: what lies there between steps (arguments) and what comes in a step (temporaries), counted,
         without and with what only CPUs hold, and by `compiled.memory_analysis()`; MB that the compiled program's
         collectives make on a device; of a run, the resident memory of its peak beyond that of the compiled program
         that has no arguments yet.
"""

import argparse
import gc
import multiprocessing
import re
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from dfrec_jax.config import config_files, tasks
from dfrec_jax.runs import freed_memory
from dfrec_jax.training import abstract_step, sharding, will_it_fit
from dfrec_jax.training.step import compile_step

MIB = 2**20


def main() -> None:
    """Prints the table, a line when it is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", nargs="?", default="")
    parser.add_argument("--set", nargs="+", default=[], metavar="FIELD=VALUE")
    parser.add_argument("--devices", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--fsdp", type=int, default=1)
    parser.add_argument("--rows", type=int, default=8, help="of a batch on each device")
    parser.add_argument("--steps", type=int, default=0, help="that are run, on one device")
    arguments = parser.parse_args()
    names = ("devices", "arguments", "by XLA", "temporaries", "CPU's too", "by XLA", "XLA / counted")
    names += ("sent, MB", "all counted", "run")
    print(f"{arguments.config or 'tests'}, {arguments.rows} rows a device, mesh.fsdp={arguments.fsdp}; MiB on a device")
    print("".join(f"{name:>14}" for name in names), flush=True)
    context = multiprocessing.get_context("spawn")
    for count in arguments.devices:
        with ProcessPoolExecutor(1, context) as pool:
            print(pool.submit(line_of, arguments, count).result(), flush=True)


def config_of(arguments: argparse.Namespace, num_devices: int) -> ConfigDict:
    """The resolved config of a file, or that of the tests, with so many rows on each device."""
    if not arguments.config:
        from tests import tiny

        config = tiny.config()
    else:
        config = config_files.config_of("CONFIG", arguments.config)
    for change in arguments.set:
        field, value = config_files.parsed(config, change, "--set")
        config_files.set_field(config, field, value, arguments.config)
    config.train.batch_size, config.mesh.fsdp = arguments.rows * num_devices, arguments.fsdp
    return tasks.resolved(config)


def line_of(arguments: argparse.Namespace, num_devices: int) -> str:
    """A row of the table."""
    jax.config.update("jax_platforms", "cpu")
    jax.config.update("jax_num_cpu_devices", num_devices)
    config = config_of(arguments, num_devices)
    fit = will_it_fit.measured(config, num_devices, is_cpu=True)
    mesh = jax.sharding.Mesh(np.array(jax.devices()).reshape(-1, config.mesh.fsdp), sharding.AXES)
    parts = abstract_step.of_config(config)
    step = compile_step(parts.step, sharding.state_sharding(mesh, parts.state), mesh)
    shapes = parts.state, parts.constants, abstract_step.batch_of(config, config.train.batch_size)
    compiled = step.lower(*shapes).compile()
    found = compiled.memory_analysis()
    cells = [fit.arguments / MIB, found.argument_size_in_bytes / MIB]
    cells += [(fit.temporaries - fit.memory[will_it_fit.ON_CPU]) / MIB, fit.temporaries / MIB]
    cells += [found.temp_size_in_bytes / MIB, found.temp_size_in_bytes / fit.temporaries]
    cells += [sent_by(compiled) / 1e6, fit.total / MIB]
    if arguments.steps and num_devices == 1:
        cells.append(peak_of(compiled, shapes, arguments.steps) / MIB)
    return f"{num_devices:>14}" + "".join(f"{cell:>14.3f}" for cell in cells)


def sent_by(compiled) -> int:
    """Bytes of the results of a compiled program's collective operations on one device."""
    from tests import collectives

    return sum(collectives.sent_by(compiled).values())


def peak_of(compiled, shapes, steps: int) -> int:
    """Bytes of resident memory that steps on random numbers take at most, beyond what is resident before them."""
    gc.collect()  # what the compilation took and no longer needs
    freed_memory.trim_heaps()
    before = resident("VmRSS")
    state, constants, batch = jax.tree.map(drawn, shapes)
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    for _ in range(steps):
        state, metrics = compiled(state, constants, batch)
        jax.block_until_ready((state, metrics))
    return resident("VmHWM") - before


def drawn(leaf) -> jax.Array:
    """Random numbers of a shape; small ones, as weights are."""
    if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        return jax.random.key(0)
    rng = np.random.default_rng(0)
    value = rng.uniform(0, 2, leaf.shape) if np.issubdtype(leaf.dtype, np.integer) else rng.uniform(0, 0.1, leaf.shape)
    return jax.device_put(value.astype(leaf.dtype))


def resident(field: str) -> int:
    """Bytes of a line of /proc/self/status."""
    found = re.search(rf"{field}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


if __name__ == "__main__":
    main()
