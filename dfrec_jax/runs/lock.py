"""One training at a time in a workdir."""

import os
from contextlib import AbstractContextManager
from pathlib import Path

from dfrec_jax.files import held_folder
from dfrec_jax.runs.errors import CheckpointError

NAME = "training.lock"


def held(workdir: str | os.PathLike[str]) -> AbstractContextManager[None]:
    """Keeps other trainings out of `workdir` until the block, or the process, ends (`held_folder.held`).

    Raises:
      CheckpointError: where another training is at work there, or the file cannot be written.
    """
    return held_folder.held(Path(workdir) / NAME, "training", "--workdir", workdir, CheckpointError)
