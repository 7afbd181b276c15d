"""The evaluation that is asked for: of one run on its own test split, or tables of the paper from several."""

import os

from dfrec_jax.config import compared
from dfrec_jax.config.defaults import task_of
from dfrec_jax.config.errors import ConfigError
from dfrec_jax.evaluation import attributes, recovery, tables_of_runs
from dfrec_jax.evaluation.protocol import AS_TRAINED, Protocol
from dfrec_jax.runs import stored_config


def asked(workdir: str, runs: str, table: str, out: str, protocol: Protocol) -> str:
    """What evaluate.py's flags ask for; returns the tables.

    Raises:
      CheckpointError, WeightsError: as the evaluations.
      ConfigError: as they, and for flags that do not go together.
    """
    if bool(workdir) == bool(runs):
        raise ConfigError("--workdir=W names one run, --runs=A,B,C several: exactly one of the two must be given")
    if table:
        workdirs = [part.strip() for part in runs.split(",")] if runs else [workdir]
        return tables_of_runs.evaluate(workdirs, table, out, protocol)
    for flag, value in (("runs", runs), ("out", out)):
        if value:
            raise ConfigError(f"--{flag}={value}: goes with a table of the paper, --table=1 to 7 or all")
    return evaluate(workdir, protocol)


def evaluate(workdir: str | os.PathLike[str], protocol: Protocol = AS_TRAINED) -> str:
    """Measures one checkpoint on a test split and returns the table; see the evaluation of each task.

    Raises:
      CheckpointError: where `workdir` is not the folder of a run.
      ConfigError: as the evaluation of the task.
    """
    task = task_of(stored_config.load(workdir))
    if task in compared.METHODS:
        raise ConfigError(f"{workdir}: trained {task}, which stands in tables of the paper: --table=1 to 7 or all")
    return {"dfrec": recovery.evaluate, "attributes": attributes.evaluate}[task](workdir, protocol)
