"""The evaluation that belongs to what a workdir trained."""

import os

from dfrec_jax import checkpoint
from dfrec_jax.config import task_of
from dfrec_jax.evaluation import attributes, run

EVALUATIONS = {"dfrec": run.evaluate, "attributes": attributes.evaluate}


def evaluate(workdir: str | os.PathLike[str], *, which: str = "best", seed: int = 0) -> str:
    """Measures one checkpoint on the test split and returns the table; see the evaluation of each task.

    Raises:
      CheckpointError: where `workdir` is not the folder of a run.
    """
    return EVALUATIONS[task_of(checkpoint.load_config(workdir))](workdir, which=which, seed=seed)
