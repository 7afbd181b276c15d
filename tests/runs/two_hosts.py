"""One of two processes that begin trainings in one workdir: `two_hosts.py PORT NUMBER WORKDIR`; prints what it met."""

import json
import os
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from dfrec_jax.runs import checkpoint, training_run
from tests import tiny
from tests.runs.made_up import abstract, truncate

port, number, workdir = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
jax.distributed.initialize(f"localhost:{port}", num_processes=2, process_id=number, initialization_timeout=60)
mesh = Mesh(jax.devices(), ("data",))


def split(value):
    rows = NamedSharding(mesh, PartitionSpec("data"))
    array = jax.make_array_from_callback((4, 8), rows, lambda index: jnp.full((4, 8), float(value))[index])
    return {"variables": {"kernel": array}, "training": {"moment": array}}


def begin(save=(), seed=0, start_over=False):
    config = tiny.config()
    config.train.num_steps, config.seed = 9, seed
    opening = (workdir, config, "idsim", abstract(split(0)), lambda meta: None)
    try:
        with training_run.opened(*opening, start_over=start_over) as (writer, found):
            for step in save:
                writer.save(step, split(step), {"position": step})
        value = found and float(found.items["variables"]["kernel"].addressable_shards[0].data[0, 0])
        return found and [found.step, value]
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    finally:
        multihost_utils.sync_global_devices("begun")


met = [begin(save=(1, 2, 3))]
if number == 0:
    truncate(workdir / "checkpoints" / "3")
met.append(begin())
met.append(begin(seed=1))
if number == 1:  # the memory of one host alone is full
    restore = checkpoint.ocp.StandardCheckpointHandler.restore

    def full(*_, **__):
        raise MemoryError("no room")

    checkpoint.ocp.StandardCheckpointHandler.restore = full
met.append(begin())
if number == 1:
    checkpoint.ocp.StandardCheckpointHandler.restore = restore
met.append(begin(save=(3,)))
met.append(begin())
met.append(sorted(os.listdir(workdir)))
print(json.dumps(met))
jax.distributed.shutdown()
