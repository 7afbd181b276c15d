"""What a training takes hold of before its first step: lock, config, the checkpoint to go on from, the writer."""

import itertools
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import jax
from ml_collections import ConfigDict

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.runs import ending, hosts, lock, packed, stored_config
from dfrec_jax.runs.checkpoint import Checkpoints, Items, Restored
from dfrec_jax.runs.errors import CheckpointError, TornError
from dfrec_jax.runs.saving import NOTHING_SAVED, CheckpointWriter

METRICS = "metrics.jsonl"  # of the log of a run (training/log.py)
TORN = "torn_checkpoints"


@contextmanager
def opened(
    workdir: str | os.PathLike[str],
    config: ConfigDict,
    score_name: str,
    abstract_items: Items,
    check_meta: Callable[[dict[str, Any]], None],
    *,
    start_over: bool = False,
) -> Iterator[tuple[CheckpointWriter, Restored | None]]:
    """The writer of a training in `workdir`, and the checkpoint that it goes on from; None for a fresh start.

    On several hosts the first decides, and all restore the same step. Nothing of the workdir is changed before all is
    found in order, but that torn checkpoints are moved to `torn_checkpoints/`. Of the config, `checkpoint.keep` and
    `train.num_steps` are read.

    Args:
      workdir: of the run; made where it is not there.
      config: resolved and valid.
      score_name: of the validation score, which the best checkpoint is kept by.
      abstract_items: shapes, dtypes and shardings of what to restore.
      check_meta: refuses a checkpoint by what was saved beside its arrays.
      start_over: whether to begin at step 0 where there was a run and no checkpoint is left of it.

    Raises:
      CheckpointError: where another training is at work there, checkpoints were lost, none can be read, or the newest
        holds another tree or cannot be read for a reason that is not in its files.
      ConfigError: where the run was begun with another config, or is further than `train.num_steps`.
      SaveError: at the end of the block, where the last save failed.
    """
    workdir = Path(workdir)
    with ExitStack() as stack:

        def enter() -> None:
            stack.enter_context(lock.held(workdir))
            check_start(workdir, config, score_name, start_over=start_over)

        hosts.first_decides(enter)
        found = _restore_newest(workdir, Checkpoints(workdir, score_name), abstract_items)
        if found is not None:
            check_meta(found.meta)
            _check_steps(workdir, found, config.train.num_steps)
        hosts.first_decides(lambda: stored_config.save(workdir, config))
        yield stack.enter_context(CheckpointWriter(workdir, config.checkpoint.keep, score_name)), found


def check_start(
    workdir: str | os.PathLike[str], config: ConfigDict, score_name: str, *, start_over: bool = False
) -> None:
    """Refuses a workdir from which a training of `config` cannot begin or go on, by its files; restores nothing.

    `opened` looks again under the lock; a program may look before it takes hold of devices and of other hosts.

    Raises:
      CheckpointError: where checkpoints or `config.json` were lost, there is nothing to start over, or a packed network
        is there.
      ConfigError: where the run was begun with another config.
    """
    workdir, checkpoints = Path(workdir), Checkpoints(workdir, score_name)
    if packed.is_packed(workdir):
        raise CheckpointError(
            f"--workdir={workdir}: holds a packed network, which no training goes on in; train elsewhere, and start "
            f"from it by --config.train.initialise={workdir}"
        )
    if steps := checkpoints.steps():
        if start_over:
            raise CheckpointError(
                f"--start_over: {workdir} has the checkpoints {steps}, from which training goes on; leave it out, or "
                "use another --workdir"
            )
        if not (workdir / "config.json").exists():
            raise CheckpointError(
                f"--workdir={workdir}: there are the checkpoints {steps} and no config.json; put it back (`config` in "
                f"{workdir / 'checkpoints' / str(steps[0]) / 'meta' / 'metadata'} is a copy)"
            )
        checkpoints.scores()  # of which the writer keeps the best
        stored_config.check_same_run(workdir, config)
        return
    torn, log = workdir / TORN, workdir / METRICS
    signs = [f"{TORN}/ with {sorted(os.listdir(torn))}"] if torn.is_dir() and os.listdir(torn) else []
    if log.is_file() and log.stat().st_size and not (workdir / NOTHING_SAVED).exists():
        signs.append(f"the {METRICS} of a run")
    if signs and not start_over:
        raise CheckpointError(
            f"--workdir={workdir}: there is {' and '.join(signs)}, but no checkpoint to go on from. Put one back into "
            f"{workdir / 'checkpoints'}, or begin again at step 0 with --start_over, which keeps the old log in a "
            "folder of its own, or use another --workdir"
        )


def _check_steps(workdir: Path, found: Restored, num_steps: int) -> None:
    step = found.step
    if step > num_steps:
        raise ConfigError(
            f"train.num_steps={num_steps}: {workdir} is at step {step} already; ask for more steps than that, or use "
            "another --workdir"
        )
    if step == num_steps and not found.meta.get(ending.PENDING) and jax.process_index() == 0:
        print(f"{workdir} is at step {step} already: nothing is left to do", file=sys.stderr)


_WHOLE, _TORN, _FAILED = 0, 1, 2


def _restore_newest(workdir: Path, checkpoints: Checkpoints, abstract_items: Items) -> Restored | None:
    """The newest checkpoint that is whole, the same on all hosts; torn ones are moved aside, never deleted.

    Raises:
      CheckpointError: where none is whole, or a whole one could not be restored.
    """
    moved = []
    while (step := hosts.first_decides(lambda: next(iter(checkpoints.steps()), None))) is not None:
        restored = error = None
        try:
            restored = checkpoints.restore(step, abstract_items)
        except CheckpointError as failed:
            error = failed
        outcome = _WHOLE if error is None else _TORN if isinstance(error, TornError) else _FAILED
        worst = hosts.greatest(outcome)
        if worst == _WHOLE:
            return restored
        if worst == _FAILED:
            raise error or CheckpointError(f"checkpoint {step} of {workdir} could not be restored on another host")
        moved.append(step)
        hosts.first_decides(lambda step=step, error=error: _set_aside(workdir, step, error))
    if moved:
        raise CheckpointError(f"none of the checkpoints of {workdir} can be read: {moved} are in {workdir / TORN}")
    return None


def _set_aside(workdir: Path, step: int, error: CheckpointError | None) -> None:
    if error is None:
        raise CheckpointError(
            f"checkpoint {step} of {workdir} is torn as another host sees it, and whole as this one does: nothing was "
            "changed; see that all hosts share the file system"
        )
    aside = workdir / TORN
    aside.mkdir(exist_ok=True)
    target = next(path for number in itertools.count() if not (path := aside / f"{step}-{number}").exists())
    os.replace(workdir / "checkpoints" / str(step), target)
    print(f"{error}; moved to {target}, trying the one before", file=sys.stderr)
