"""The evaluation that belongs to what a workdir trained."""

import os

from dfrec_jax.config.defaults import task_of
from dfrec_jax.config.errors import ConfigError
from dfrec_jax.evaluation import attributes, run
from dfrec_jax.runs import checkpoint


def evaluate(
    workdir: str | os.PathLike[str],
    *,
    which: str = "best",
    seed: int = 0,
    protocol: run.Protocol = run.AS_TRAINED,
) -> str:
    """Measures one checkpoint on a test split and returns the table; see the evaluation of each task.

    Raises:
      CheckpointError: where `workdir` is not the folder of a run.
      ConfigError: for a protocol of DFREC's where the workdir holds a classifier.
    """
    if task_of(checkpoint.load_config(workdir)) == "dfrec":
        return run.evaluate(workdir, which=which, seed=seed, protocol=protocol)
    if protocol != run.AS_TRAINED:
        raise ConfigError(f"{protocol}: {workdir} holds a classifier, which is measured on its own test split only")
    return attributes.evaluate(workdir, which=which, seed=seed)
