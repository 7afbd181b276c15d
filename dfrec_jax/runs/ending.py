"""When a training is at its end: at its last step, or where its validation has not risen for too long; by its files."""

import os

from ml_collections import ConfigDict

from dfrec_jax.runs.checkpoint import Checkpoints
from dfrec_jax.runs.errors import CheckpointError

WAITED = "validations_since_best"  # in the meta of a checkpoint: how many validations the best score is old
PENDING = "validation_pending"  # in it: the run was told to stop before the validation that was due at this step


def is_out_of_patience(waited: int, config: ConfigDict) -> bool:
    """Whether `train.patience` ends a run whose best score is `waited` validations old."""
    return 0 < config.train.patience <= waited


def step_of(workdir: str | os.PathLike[str]) -> int:
    """Of the newest checkpoint; 0 where there is none."""
    return next(iter(Checkpoints(workdir).steps()), 0)


def is_at_its_end(workdir: str | os.PathLike[str], config: ConfigDict) -> bool:
    """Whether a training of `config` in `workdir` would find nothing left to do.

    A newest checkpoint whose meta cannot be read is none to go by: the training looks at it, and sets it aside.
    """
    step, checkpoints = step_of(workdir), Checkpoints(workdir)
    if step == 0:
        return False
    try:
        meta = checkpoints.meta(step)
    except CheckpointError:
        return step >= config.train.num_steps
    if meta.get(PENDING):
        return False
    return step >= config.train.num_steps or is_out_of_patience(meta.get(WAITED, 0), config)
