"""Checkpoints by orbax: state, position in the data and config in one; save, restore, fall back."""

import json
import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
import orbax.checkpoint as ocp
from ml_collections import ConfigDict
from orbax.checkpoint.checkpoint_managers import preservation_policy

from dfrec_jax.config import defaults
from dfrec_jax.config.errors import ConfigError

# Fields in which a resumed run may differ from the one that it continues: none changes what a step computes, but that
# a cosine schedule bends where train.num_steps changes.
FREE_FIELDS = (
    "name",
    "train.num_steps",
    "train.log_every",
    "train.samples_every",
    "checkpoint.every",
    "checkpoint.keep",
    "mesh.data",
    "mesh.fsdp",
    "remat",
    "data.dir",
    "data.num_threads",
    "data.prefetch",
    "data.eval_batch_size",
    "frozen.weights_dir",
)


Items = Mapping[str, Any]


class CheckpointError(ValueError):
    """A workdir without what was asked of it; the message names the folder and the fix."""


class Checkpoints:
    """The checkpoints of one workdir, newest first; the one of best validation score is kept beside the newest.

    Saving is asynchronous; `close` (or leaving the `with` block) waits for what is under way.
    """

    def __init__(self, workdir: str | os.PathLike[str], keep: int = 3, score_name: str = "idsim"):
        self._folder = Path(workdir).absolute() / "checkpoints"  # orbax fails late, in a thread, on a relative path
        self._score_name = score_name
        policies = [
            preservation_policy.LatestN(n=keep),
            preservation_policy.BestN(
                get_metric_fn=lambda metrics: metrics[score_name], n=1, keep_checkpoints_without_metrics=False
            ),
        ]
        options = ocp.CheckpointManagerOptions(
            best_fn=policies[1].get_metric_fn,  # without it orbax writes no metrics file
            preservation_policy=preservation_policy.AnyPreservationPolicy(policies),
            cleanup_tmp_directories=True,
        )
        self._manager = ocp.CheckpointManager(self._folder, options=options)

    def __enter__(self) -> "Checkpoints":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Waits for the save under way."""
        self._manager.close()

    def wait(self) -> None:
        """Waits until the last save is on disk."""
        self._manager.wait_until_finished()

    def steps(self) -> list[int]:
        """The saved steps, newest first."""
        return sorted(self._manager.all_steps(), reverse=True)

    def reached_preemption(self, step: int) -> bool:
        """Whether some host was told to stop (several hosts; a single one has its own signal handler)."""
        return jax.process_count() > 1 and self._manager.reached_preemption(step)

    def save(self, step: int, items: Items, meta: dict[str, Any], score: float | None = None) -> None:
        """Saves the two `items` and the JSON-able `meta` (data position, config).

        Args:
          step: optimiser steps taken.
          items: `variables` is what evaluation applies (params and batch_stats), `training` is all else that a resumed
            run needs; an imported network has no `training`.
          meta: whatever must come back with them.
          score: of the validation at this step, where it was measured; higher is better.
        """
        args = ocp.args.Composite(
            meta=ocp.args.JsonSave(meta), **{name: ocp.args.StandardSave(item) for name, item in items.items()}
        )
        self._manager.save(step, args=args, metrics=None if score is None else {self._score_name: score}, force=True)

    def best_score(self) -> float:
        """The best validation score among the saved checkpoints; minus infinity where none was measured."""
        return max(self._scores().values(), default=-math.inf)

    def restore_newest(
        self, abstract_items: Items, on_torn: Callable[[int, Exception], None]
    ) -> tuple[int, Items, dict[str, Any]] | None:
        """Step, items and meta of the newest readable checkpoint; None in a workdir without any.

        A checkpoint that cannot be read is reported to `on_torn` and moved to `torn_checkpoints/`, never deleted.

        Raises:
          CheckpointError: where there are checkpoints and none can be read.
        """
        steps = self.steps()
        for step in steps:
            try:
                restored = self._restore(step, abstract_items)
            except Exception as error:  # tensorstore, orbax and json each raise their own
                on_torn(step, error)
                self._set_aside(step)
            else:
                meta = restored.pop("meta")
                return step, restored, meta
        if steps:
            raise CheckpointError(f"none of the checkpoints of {self._folder} can be read: steps {steps}")
        return None

    def restore_variables(self, which: str, abstract_variables: Any) -> tuple[int, Any]:
        """Step and variables of one checkpoint, for evaluation and recovery.

        Args:
          which: `best` by validation score (the newest where none was measured), `newest`, or a step.
          abstract_variables: shapes, dtypes and shardings of the variables.

        Raises:
          CheckpointError: where the checkpoint is not there or cannot be read.
        """
        step = self._choose(which)
        try:
            return step, self._restore(step, {"variables": abstract_variables})["variables"]
        except Exception as error:
            raise CheckpointError(
                f"checkpoint {step} of {self._folder} cannot be read ({type(error).__name__}: {str(error)[:200]}); "
                f"choose another of {self.steps()} with --checkpoint"
            ) from error

    def _choose(self, which: str) -> int:
        steps, scores = self.steps(), self._scores()
        if not steps:
            raise CheckpointError(f"{self._folder} holds no checkpoint: train first, or name another --workdir")
        if which == "best" and scores:
            return max(scores, key=lambda step: (scores[step], step))
        if which in ("best", "newest"):
            return steps[0]
        if not which.isdecimal() or int(which) not in steps:
            raise CheckpointError(f"--checkpoint={which}: must be best, newest, or one of the saved steps {steps}")
        return int(which)

    def _restore(self, step: int, abstract_items: Items) -> dict[str, Any]:
        args = {name: ocp.args.StandardRestore(item) for name, item in abstract_items.items()}
        restored = self._manager.restore(step, args=ocp.args.Composite(meta=ocp.args.JsonRestore(), **args))
        return dict(restored.items())

    def _scores(self) -> dict[int, float]:
        metrics = {step: self._manager.metrics(step) for step in self.steps()}
        return {step: values[self._score_name] for step, values in metrics.items() if values}

    def _set_aside(self, step: int) -> None:
        if jax.process_index() == 0:
            aside = self._folder.parent / "torn_checkpoints"
            aside.mkdir(exist_ok=True)
            number = sum(1 for _ in aside.glob(f"{step}*"))
            os.replace(self._folder / str(step), aside / f"{step}-{number}")
        self._manager.reload()


def save_config(workdir: str | os.PathLike[str], config: ConfigDict, *, is_begun: bool) -> None:
    """Writes `config.json`, whole or not at all.

    Args:
      workdir: folder of the run.
      config: a resolved config.
      is_begun: whether the run has checkpoints, which then must have been made with the same config.

    Raises:
      ConfigError: where the run was begun with a config that differs in a field that changes what is computed.
    """
    path = Path(workdir) / "config.json"
    if is_begun and path.exists():
        _check_same_run(load_config(workdir), config, path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(json.loads(config.to_json()), indent=2) + "\n")
    os.replace(temporary, path)


def load_config(workdir: str | os.PathLike[str]) -> ConfigDict:
    """The config that a run was started with; fields that DFREC has got since have their defaults.

    Raises:
      CheckpointError: where `workdir` is not the folder of a run.
    """
    path = Path(workdir) / "config.json"
    if not path.is_file():
        raise CheckpointError(f"--workdir={workdir}: there is no config.json in it; name the folder of a training run")
    try:
        config = ConfigDict(json.loads(path.read_text()))
    except json.JSONDecodeError as error:
        raise CheckpointError(f"{path} is not JSON ({error}); restore it from a copy") from error
    return defaults.with_added_fields(config) if defaults.task_of(config) == "dfrec" else config


def _check_same_run(old: ConfigDict, new: ConfigDict, path: Path) -> None:
    before, after = _flatten(json.loads(old.to_json())), _flatten(json.loads(new.to_json()))
    changed = [
        f"{field}: {before.get(field)!r} -> {after.get(field)!r}"
        for field in sorted(before.keys() | after.keys())
        if before.get(field) != after.get(field) and field not in FREE_FIELDS
    ]
    if changed:
        raise ConfigError(
            f"{path} belongs to a run with another config ({'; '.join(changed)}): use another --workdir, or set "
            "these back"
        )


def _flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in tree.items():
        flat |= _flatten(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    return flat
