"""From a config to a run of the loop."""

from collections.abc import Callable
from pathlib import Path

import jax
from ml_collections import ConfigDict

from dfrec_jax.config import attributes as attribute_rules
from dfrec_jax.config import defaults, rules
from dfrec_jax.config.defaults import task_of
from dfrec_jax.config.errors import ConfigError
from dfrec_jax.training import loop
from dfrec_jax.training.attributes import AttributesTask
from dfrec_jax.training.dfrec import DfrecTask
from dfrec_jax.training.task import Task

CHECKS: dict[str, Callable[[ConfigDict], None]] = {
    "dfrec": lambda config: rules.validate(defaults.resolve(config)),
    "attributes": attribute_rules.validate,
}
TASKS: dict[str, Callable[[ConfigDict], Task]] = {"dfrec": DfrecTask, "attributes": AttributesTask}


def check(config: ConfigDict) -> None:
    """Raises ConfigError for a config that cannot be run; touches no device and no file."""
    CHECKS[task_of(config)](config)


def join_hosts() -> None:
    """Finds the other hosts of the run, as the cluster's environment says; comes before all that asks for a device.

    Raises:
      ConfigError: where this machine belongs to no cluster that JAX knows, or the others are not found.
    """
    try:
        jax.distributed.initialize()
    except (ValueError, RuntimeError) as error:
        raise ConfigError(
            f"--distributed: the other hosts were not found ({str(error).splitlines()[0]}); it needs the environment "
            "of Slurm, Open MPI, Kubernetes or a TPU pod, and is left out on a single host"
        ) from error


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
