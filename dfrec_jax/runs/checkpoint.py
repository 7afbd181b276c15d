"""The checkpoints of a workdir as they lie on disk. Nothing here makes, changes or deletes a file.

A training may write to the same folder meanwhile (`runs/saving.py`): what it has not finished has no number for a name,
and what it drops is renamed before it is deleted, so that a folder with a number for a name is whole, or was damaged.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import orbax.checkpoint as ocp

from dfrec_jax.config.errors import Option
from dfrec_jax.files import json_text
from dfrec_jax.runs import damage
from dfrec_jax.runs.errors import CheckpointError

Items = Mapping[str, Any]


class Restored(NamedTuple):
    """One checkpoint: `meta` is what was saved beside the arrays (position in the data, config)."""

    step: int
    items: dict[str, Any]
    meta: dict[str, Any]


class Checkpoints:
    """The checkpoints of one workdir, read anew at each call; the best is that of the highest validation score."""

    def __init__(self, workdir: str | os.PathLike[str], score_name: str = "idsim"):
        self._folder = Path(workdir).absolute() / "checkpoints"
        self._score_name = score_name

    def steps(self) -> list[int]:
        """The saved steps, newest first."""
        try:
            names = os.listdir(self._folder)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise CheckpointError(f"{self._folder} cannot be listed: {error}") from error
        return sorted((int(name) for name in names if name.isdecimal()), reverse=True)

    def scores(self) -> dict[int, float]:
        """The validation score of each saved step at which it was measured.

        Raises:
          CheckpointError: for a score that cannot be read.
        """
        scores = {}
        for step in self.steps():
            path = self._folder / str(step) / "metrics" / "metrics"
            try:
                metrics = json_text.parsed(path.read_text())
                if metrics:
                    scores[step] = float(metrics[self._score_name])
            except FileNotFoundError:
                pass  # not measured; or dropped by the training since it was listed
            except (OSError, ValueError, KeyError, TypeError) as error:
                raise CheckpointError(
                    f"{path} is damaged ({error!r}): delete the file, and the checkpoint counts as one without a score"
                ) from error
        return scores

    def meta(self, step: int) -> dict[str, Any]:
        """What was saved beside the arrays of `step`. Raises CheckpointError where it cannot be read."""
        path = self._folder / str(step) / "meta" / "metadata"
        try:
            return dict(json_text.parsed(path.read_text()))
        except (OSError, ValueError, TypeError) as error:
            raise CheckpointError(f"{path} cannot be read ({error!r})") from error

    def choose(self, which: str) -> int:
        """The step that `which` means: `best` by score (the newest where none was measured), `newest`, or a step.

        Raises:
          CheckpointError: where it is not there.
        """
        steps = self.steps()
        if not steps:
            raise CheckpointError(
                f"{self._folder} holds no checkpoint: train first, or name another ", Option("workdir")
            )
        if which == "best" and (scores := self.scores()):
            return max(scores, key=lambda step: (scores[step], step))
        if which in ("best", "newest"):
            return steps[0]
        if not which.isdecimal() or int(which) not in steps:
            raise CheckpointError(
                Option("checkpoint", which, "which"), f": must be best, newest, or one of the saved steps {steps}"
            )
        return int(which)

    def restore_variables(self, which: str, abstract_variables: Any) -> tuple[int, Any]:
        """Step and variables of one checkpoint, for evaluation and recovery.

        Args:
          which: as for `choose`; chosen again where the training drops the chosen one while it is read.
          abstract_variables: shapes, dtypes and shardings of the variables.

        Raises:
          CheckpointError: where the checkpoint is not there, cannot be read, or is of another network.
        """
        while True:
            step = self.choose(which)
            try:
                return step, self.restore(step, {"variables": abstract_variables}).items["variables"]
            except CheckpointError as error:
                if step in (left := self.steps()):
                    choice = f"; choose another of {left} with ", Option("checkpoint", argument="which")
                    raise type(error)(*error.args, *(choice if len(left) > 1 else ())) from error

    def restore(self, step: int, abstract_items: Items) -> Restored:
        """The checkpoint of `step`.

        Args:
          step: a saved step.
          abstract_items: shapes, dtypes and shardings of each item that is wanted.

        Raises:
          TornError: where files of it are missing, cut short or scrambled.
          CheckpointError: where it holds another tree than is wanted, or cannot be read for another reason (memory, a
            device, a file system that does not answer).
        """
        folder: Any = self._folder / str(step)  # orbax asks for a class of paths of its own, and takes any
        try:
            items = {
                # By the handler itself: orbax's checkpointers wait for all hosts after a restore, for ever where one
                # host could not read its share.
                name: ocp.StandardCheckpointHandler().restore(folder / name, args=ocp.args.StandardRestore(item))
                for name, item in abstract_items.items()
            }
            return Restored(step, items, json_text.parsed((folder / "meta" / "metadata").read_text()))
        except Exception as error:  # tensorstore, orbax, json and the devices each raise their own
            raise damage.explain(folder, abstract_items, error) from error
