"""From a config to a run of the loop."""

import contextlib
from pathlib import Path

from ml_collections import ConfigDict

from dfrec_jax.config import compared, tasks
from dfrec_jax.config.defaults import task_of
from dfrec_jax.files import addresses
from dfrec_jax.runs import hosts, training_run
from dfrec_jax.training import loop, memory
from dfrec_jax.training.ledger import Ledger
from dfrec_jax.training.tasks.attributes import AttributesTask
from dfrec_jax.training.tasks.autoencoder import AutoencoderTask
from dfrec_jax.training.tasks.compared import ComparedTask
from dfrec_jax.training.tasks.dfrec import DfrecTask
from dfrec_jax.training.tasks.repaint import RepaintTask
from dfrec_jax.training.tasks.trace import TraceTask

TASKS: dict[
    str,
    type[DfrecTask]
    | type[AttributesTask]
    | type[AutoencoderTask]
    | type[ComparedTask]
    | type[RepaintTask]
    | type[TraceTask],
] = {
    "dfrec": DfrecTask,
    "attributes": AttributesTask,
    "autoencoder": AutoencoderTask,
    "trace": TraceTask,
    **dict.fromkeys(compared.METHODS, ComparedTask),
    "repaint": RepaintTask,
}


def check(config: ConfigDict, workdir: str | Path, *, start_over: bool = False) -> None:
    """Refuses what `train` would refuse of a config and a workdir, by their files alone: no device is touched.

    Raises:
      ConfigError: for a config that cannot be run, or one that is not the workdir's.
      CheckpointError: for a workdir that has lost what it would go on from.
      StoreError: for a workdir in an object store.
    """
    addresses.refuse({"--workdir": str(workdir)})
    name = task_of(config)
    resolved = tasks.resolved(config)
    tasks.validate(resolved)
    training_run.check_start(workdir, resolved, TASKS[name].score_name, start_over=start_over)


def train(
    config: ConfigDict,
    workdir: str | Path,
    *,
    start_over: bool = False,
    joining: hosts.Joining | None = None,
    age: float = 0.0,
) -> bool:
    """Trains as `config` says and leaves everything under `workdir`; resumes where checkpoints are there.

    Args:
      config: of `configs/`, its fields perhaps overridden.
      workdir: of the run.
      start_over: whether to begin at step 0 where a run has lost its checkpoints.
      joining: how the other hosts are found, where this is one of several; when config and workdir are in order.
      age: seconds that this process has spent on its start; of `ledger.process_age`.

    Returns:
      Whether every step was taken; see `loop.train`.

    Raises:
      ConfigError: for a config that cannot be run, or one that is not the workdir's; before a device is touched.
      CheckpointError: for a workdir that cannot be gone on with, or a save that failed.
      WeightsError: for frozen weights that are not at hand.
      NonFiniteLossError: at the first loss that is not finite.
    """
    ledger = Ledger(age)
    check(config, workdir, start_over=start_over)
    with hosts.together(joining, config.to_json()) if joining else contextlib.nullcontext():
        memory.keep_freed()
        return loop.train(TASKS[task_of(config)](config), workdir, start_over=start_over, ledger=ledger)
