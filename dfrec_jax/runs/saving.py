"""Checkpoints as a training writes them, by orbax: asynchronously, the newest few and the best kept."""

import json
import math
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import jax
import orbax.checkpoint as ocp
from orbax.checkpoint.checkpoint_managers import preservation_policy

from dfrec_jax.files import disk, whole
from dfrec_jax.runs import freed_memory, hosts, late_writes
from dfrec_jax.runs.checkpoint import Checkpoints, Items
from dfrec_jax.runs.errors import SaveError

NOTHING_SAVED = "no_checkpoint_yet"  # a file of a workdir, until there is one: a run killed before then has lost none
# Orbax measures how long a save takes by the clock of the day, and gives it up after 20 minutes: a clock that is set
# ahead meanwhile would end the training. Without it a lost host still ends the others (`runs/roll_call.py`).
_A_CENTURY = 100 * 365 * 86400
_DROPPED = "dropped"  # what is to be deleted is first renamed into it, so that no reader finds half of a checkpoint


class CheckpointWriter:
    """Writes the checkpoints of one workdir; for one process a host, and one training at a time (`runs/lock.py`).

    What an earlier training left unfinished is deleted. Saving is asynchronous; `close` (or leaving the `with` block)
    waits for what is under way.
    """

    def __init__(self, workdir: str | os.PathLike[str], keep: int = 3, score_name: str = "idsim"):
        freed_memory.cache_folder_specs()
        late_writes.hush()
        self._workdir = Path(workdir)
        self._folder = Path(workdir).absolute() / "checkpoints"  # orbax fails late, in a thread, on a relative path
        self._score_name = score_name
        self._nothing_saved = Path(workdir) / NOTHING_SAVED
        saved = Checkpoints(workdir, score_name)
        self._best_score = max(saved.scores().values(), default=-math.inf)
        self._saving: int | None = None  # the step under way

        def score_of(metrics: dict[str, float]) -> float:
            return metrics.get(score_name, -math.inf)

        policies = [
            preservation_policy.LatestN(n=keep),
            preservation_policy.BestN(get_metric_fn=score_of, n=1, keep_checkpoints_without_metrics=False),
        ]
        options = ocp.CheckpointManagerOptions(
            best_fn=score_of,  # without it orbax writes no metrics file
            preservation_policy=preservation_policy.AnyPreservationPolicy(policies),
            cleanup_tmp_directories=True,
            todelete_subdir=_DROPPED,
            async_options=ocp.AsyncOptions(timeout_secs=_A_CENTURY),
        )
        self._manager = ocp.CheckpointManager(self._folder, options=options)
        if saved.steps():
            self._tidy()
        elif jax.process_index() == 0:
            self._nothing_saved.touch()

    def __enter__(self) -> "CheckpointWriter":
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        try:
            self.close()
        except SaveError as failed:
            if error is None:
                raise
            print(f"also: {failed}", file=sys.stderr)  # and the error that ended the block goes on

    def close(self) -> None:
        """Waits for the save under way. Raises SaveError where it failed."""
        with self._naming_the_step():
            self._manager.close()
        self._settle()

    def wait(self) -> None:
        """Waits until the last save is on disk. Raises SaveError where it failed."""
        with self._naming_the_step():
            self._manager.wait_until_finished()
        self._settle()

    def check(self) -> None:
        """Raises SaveError where a save has failed since the last call; does not wait for one that is under way."""
        if self._saving is not None and not self._manager.is_saving_in_progress():
            self.wait()

    def best_score(self, but: int | None = None) -> float:
        """The best validation score among the saved checkpoints, without that of step `but`; minus infinity where none
        was measured."""
        if but is None:
            return self._best_score
        scores = hosts.first_decides(lambda: list(Checkpoints(self._workdir, self._score_name).scores().items()))
        return max((score for step, score in scores if step != but), default=-math.inf)

    def save(self, step: int, items: Items, meta: dict[str, Any], score: float | None = None) -> None:
        """Saves the two `items` and the JSON-able `meta` (data position, config).

        Args:
          step: optimiser steps taken.
          items: `variables` is what evaluation applies (params and batch_stats), `training` is all else that a resumed
            run needs; an imported network has no `training`.
          meta: whatever must come back with them.
          score: of the validation at this step, where it was measured; higher is better.

        Raises:
          SaveError: where this save cannot begin, or the one before it failed.
        """
        self.wait()
        self._saving = step
        args = ocp.args.Composite(
            meta=ocp.args.JsonSave(meta), **{name: ocp.args.StandardSave(item) for name, item in items.items()}
        )
        metrics = {} if score is None else {self._score_name: score}
        with self._naming_the_step():
            self._manager.save(step, args=args, metrics=metrics, force=True)
        if score is not None:
            self._best_score = max(self._best_score, score)

    def add_score(self, step: int, meta: dict[str, Any], score: float) -> None:
        """Gives a checkpoint the score, and the meta, that were still to be measured when it was saved.

        Killed in between, it has the score and the meta of before: it may be measured and added once more.

        Raises:
          SaveError: where they cannot be written, on each host.
        """

        def write() -> None:
            whole.write_text(self._folder / str(step) / "metrics" / "metrics", json.dumps({self._score_name: score}))
            whole.write_text(self._folder / str(step) / "meta" / "metadata", json.dumps(meta))

        self._saving = step
        with self._naming_the_step():
            hosts.first_decides(write)
            self._manager.reload()  # or the manager would drop it as one without a score
        self._saving = None
        self._best_score = max(self._best_score, score)

    def _settle(self) -> None:
        """After a save that is whole."""
        if self._saving is not None:
            self._saving = None
            self._tidy()
            freed_memory.trim_heaps()

    def _tidy(self) -> None:
        if jax.process_index() == 0:
            self._nothing_saved.unlink(missing_ok=True)
            shutil.rmtree(self._folder / _DROPPED, ignore_errors=True)  # what stays is deleted at the next save

    @contextmanager
    def _naming_the_step(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # of the file system, tensorstore, orbax: each raises its own
            step, self._saving = self._saving, None
            cause = "the disk is full, or a quota or limit on files is reached" if disk.is_full(error) else "it failed"
            words = " ".join(str(error).split(" [tensorstore_spec")[0].split())
            steps = [kept for kept in Checkpoints(self._folder.parent).steps() if kept != step]
            rest = f"those before it stay: {steps}" if steps else "there is none before it"
            raise SaveError(
                f"checkpoint {step} could not be saved in {self._folder}: {cause} ({type(error).__name__}: "
                f"{words[:300]}); {rest}. Once that is mended, the same command goes on from the newest"
            ) from error
