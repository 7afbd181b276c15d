"""What a run does now and then beside its steps, by the interface of `clu.periodic_actions`: `hook(step)` after each.

clu's own stand in a module that imports TensorFlow and tensorboard. Where both are there a run takes clu's `Profile`,
and otherwise ours, which has its arguments and its calls, and starts the same profiler.
"""

import os
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import jax
from clu import profiler
from ml_collections import ConfigDict

FOLDER = "profile"  # of a run's; TensorBoard and Perfetto read it
FIRST_STEP = 10  # of a process that is in a profile: the first are compiled, and wait for data

Hook = Callable[[int], bool]


class PeriodicAction(ABC):
    """Acts at some steps; called after every one."""

    def __init__(
        self,
        *,
        every_steps: int | None = None,
        every_secs: float | None = None,
        on_steps: Iterable[int] | None = None,
    ):
        """See `clu.periodic_actions.PeriodicAction`.

        Args:
          every_steps: acts where it divides the step.
          every_secs: acts where it has not for so long.
          on_steps: acts at these.
        """
        self._every_steps, self._every_secs, self._on_steps = every_steps, every_secs, frozenset(on_steps or ())
        self._acted_at: tuple[int, float] | None = None
        self._last_step = 0

    def __call__(self, step: int, t: float | None = None) -> bool:
        """Acts if it is time; says whether it did.

        Raises:
          ValueError: for a step that is not the one after the last, where steps count.
        """
        t = time.monotonic() if t is None else t
        if self._acted_at is None:
            self._acted_at = step, t
        elif self._every_steps is not None and step != self._last_step + 1:
            raise ValueError(f"step {step} after step {self._last_step}: it must be called after every step, once")
        self._last_step = step
        if not self._is_time(step, t):
            return False
        self._apply(step, t)
        self._acted_at = step, t
        return True

    def _is_time(self, step: int, t: float) -> bool:
        assert self._acted_at is not None
        by_steps = self._every_steps is not None and step % self._every_steps == 0
        by_time = self._every_secs is not None and t - self._acted_at[1] > self._every_secs
        return by_steps or by_time or step in self._on_steps

    @abstractmethod
    def _apply(self, step: int, t: float) -> None:
        """What it does."""


class Profile(PeriodicAction):
    """Takes a profile of some steps with JAX's profiler."""

    def __init__(
        self,
        *,
        logdir: str | os.PathLike[str],
        num_profile_steps: int | None = 5,
        profile_duration_ms: int | None = 3_000,
        first_profile: int = 10,
        every_steps: int | None = None,
        every_secs: float | None = 3600.0,
    ):
        """See `clu.periodic_actions.Profile`.

        Args:
          logdir: where profiles are written.
          num_profile_steps: of each profile, at least; None or 0: `profile_duration_ms` alone counts.
          profile_duration_ms: of each profile, at least; None or 0: the steps alone count.
          first_profile: the step after which the first begins.
          every_steps: see `PeriodicAction`.
          every_secs: see `PeriodicAction`.

        Raises:
          ValueError: where nothing says how long a profile is.
        """
        if not num_profile_steps and not profile_duration_ms:
            raise ValueError("Profile needs num_profile_steps or profile_duration_ms")
        super().__init__(every_steps=every_steps, every_secs=every_secs, on_steps=(first_profile,))
        self._logdir = os.fspath(logdir)
        self._num_steps, self._duration = num_profile_steps or 0, (profile_duration_ms or 0) / 1e3
        self._is_running = False

    def _is_time(self, step: int, t: float) -> bool:
        if not self._is_running:
            return super()._is_time(step, t)
        assert self._acted_at is not None
        began_step, began = self._acted_at
        if step >= began_step + self._num_steps and t - began >= self._duration:
            self._is_running = False
            profiler.stop()
        return False

    def _apply(self, step: int, t: float) -> None:
        profiler.start(logdir=self._logdir)
        self._is_running = True


@contextmanager
def opened(config: ConfigDict, workdir: Path, start_step: int) -> Iterator[Sequence[Hook]]:
    """The hooks of a process of a run, which begins after `start_step`; a profile that is still taken ends with it."""
    num_steps = config.train.profile_steps
    if not num_steps or jax.process_index() != 0:  # the first host alone writes to the run's folder
        yield ()
        return
    try:
        from clu.periodic_actions import Profile as Taken
    except ImportError:  # it imports TensorFlow
        Taken = Profile
    try:
        yield (
            Taken(
                logdir=workdir / FOLDER,
                num_profile_steps=num_steps,
                profile_duration_ms=None,
                first_profile=start_step + FIRST_STEP - 1,
                every_secs=None,
            ),
        )
    finally:
        try:
            profiler.stop()
        except RuntimeError:
            pass  # it has ended, or was never begun
