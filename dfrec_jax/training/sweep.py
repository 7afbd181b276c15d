"""The trainings of a sweep, one after another: which are done, which go on, which begin, which fail."""

import json
import sys
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import jax
from ml_collections import ConfigDict

from dfrec_jax.config import tasks
from dfrec_jax.config.errors import ConfigError
from dfrec_jax.runs import ending, stored_config
from dfrec_jax.runs.errors import CheckpointError, SaveError
from dfrec_jax.training import run
from dfrec_jax.training.nonfinite import NonFiniteLossError
from dfrec_jax.weights.rules import WeightsError

# What is said in one line; anything else that ends a run keeps its traceback.
_EXPLAINED = (CheckpointError, ConfigError, NonFiniteLossError, OSError, SaveError, WeightsError)


class Planned(NamedTuple):
    """A run of a sweep and how far it is.

    Attributes:
      name: its own.
      workdir: `<out>/<name>`.
      config: resolved and valid.
      step: of its newest checkpoint; 0 where it has not begun.
      is_at_its_end: whether nothing is left to train.
    """

    name: str
    workdir: Path
    config: ConfigDict
    step: int
    is_at_its_end: bool

    def state(self) -> str:
        """How far it is, in words."""
        last = self.config.train.num_steps
        if self.is_at_its_end:
            return f"finished at step {self.step}"
        return f"goes on from step {self.step} of {last}" if self.step else f"to train, {last} steps"


class Outcome(NamedTuple):
    """The runs that are at their end, why others are not, and whether the sweep was told to stop."""

    finished: tuple[Planned, ...]
    failed: Mapping[str, str]
    is_stopped: bool


def plan(configs: Mapping[str, ConfigDict], out: str | Path) -> list[Planned]:
    """Looks at every run's config and folder, by files alone: no device is touched, and nothing is written.

    Args:
      configs: by the names of the runs.
      out: the folder of the sweep.

    Raises:
      ConfigError: for a config that cannot be run, two runs that are the same, and a folder that holds other runs.
    """
    out = Path(out)
    if out.exists() and not out.is_dir():
        raise ConfigError(f"--out={out}: is a file; name a folder")
    if (out / "config.json").exists():
        raise ConfigError(f"--out={out}: is the workdir of a single training; name a folder for the sweep's runs")
    planned, seen = [], {}
    for name, config in configs.items():
        try:
            resolved = tasks.resolved(config)
            tasks.validate(resolved)
        except ConfigError as error:
            raise ConfigError(f"{name}: {error}") from error
        key = json.dumps({**json.loads(resolved.to_json()), "name": ""}, sort_keys=True)
        if key in seen:
            raise ConfigError(f"{seen[key]} and {name} would be the same run, to the last field; leave one of them out")
        seen[key] = name
        planned.append(_looked_at(name, out / name, resolved, out))
    return planned


def _looked_at(name: str, workdir: Path, config: ConfigDict, out: Path) -> Planned:
    if (workdir / "config.json").exists():
        try:
            stored_config.check_same_run(workdir, config)
        except ConfigError as error:
            raise ConfigError(f"--out={out} holds another sweep: {error}") from error
        except CheckpointError:
            pass  # a damaged run stops no other: its training says what is wrong with it
    step = ending.step_of(workdir)
    if step > config.train.num_steps:
        raise ConfigError(
            f"--out={out} holds another sweep: {workdir} is at step {step}, beyond train.num_steps="
            f"{config.train.num_steps}; use another --out, or ask for more steps"
        )
    return Planned(name, workdir, config, step, ending.is_at_its_end(workdir, config))


def train(planned: Sequence[Planned]) -> Outcome:
    """Trains what is not at its end, in order. A run that fails is named and the next one begins."""
    finished, failed = [], {}
    for number, one in enumerate(planned, 1):
        print(f"[{number}/{len(planned)}] {one.name}: {one.state()}", file=sys.stderr, flush=True)
        if not one.is_at_its_end:
            try:
                if not run.train(one.config, one.workdir):
                    return Outcome(tuple(finished), failed, is_stopped=True)
            except Exception as error:  # of a machine that fails in any way: the other runs are not to suffer
                failed[one.name] = _words_of(error)
                print(f"{one.name} failed: {failed[one.name]}", file=sys.stderr, flush=True)
                continue
            finally:
                jax.clear_caches()  # the next run has programs of its own
        finished.append(one)
    return Outcome(tuple(finished), failed, is_stopped=False)


def _words_of(error: Exception) -> str:
    if not isinstance(error, _EXPLAINED):
        traceback.print_exception(error)
        return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
    return str(error)
