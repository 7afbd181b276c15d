"""From a config to a run of the loop."""

from collections.abc import Callable
from pathlib import Path

from ml_collections import ConfigDict

from dfrec_jax.config.defaults import task_of
from dfrec_jax.training import loop
from dfrec_jax.training.attributes import AttributesTask
from dfrec_jax.training.dfrec import DfrecTask
from dfrec_jax.training.task import Task

TASKS: dict[str, Callable[[ConfigDict], Task]] = {"dfrec": DfrecTask, "attributes": AttributesTask}


def train(config: ConfigDict, workdir: str | Path, *, start_over: bool = False) -> bool:
    """Trains as `config` says and leaves everything under `workdir`; resumes where checkpoints are there.

    Returns:
      Whether every step was taken; see `loop.train`.

    Raises:
      ConfigError: for a config that cannot be run, or one that is not the workdir's; before anything is written.
      CheckpointError: for a workdir that cannot be gone on with, or a save that failed.
      WeightsError: for frozen weights that are not at hand.
      NonFiniteLossError: at the first loss that is not finite.
    """
    return loop.train(TASKS[task_of(config)](config), workdir, start_over=start_over)
