"""The evaluation that belongs to what a workdir trained."""

import os

from dfrec_jax.config.defaults import task_of
from dfrec_jax.evaluation import attributes, recovery
from dfrec_jax.evaluation.protocol import AS_TRAINED, Protocol
from dfrec_jax.runs import stored_config


def evaluate(workdir: str | os.PathLike[str], protocol: Protocol = AS_TRAINED) -> str:
    """Measures one checkpoint on a test split and returns the table; see the evaluation of each task.

    Raises:
      CheckpointError: where `workdir` is not the folder of a run.
      ConfigError: as the evaluation of the task.
    """
    task = task_of(stored_config.load(workdir))
    return {"dfrec": recovery.evaluate, "attributes": attributes.evaluate}[task](workdir, protocol)
