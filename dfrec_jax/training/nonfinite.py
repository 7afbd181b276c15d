"""Steps whose loss or gradients are not finite: the run stops, or leaves out a few of them and counts them."""

import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from clu.metrics import Collection
from jaxtyping import Array, Bool

from dfrec_jax.training import step_metrics
from dfrec_jax.training.state import TrainState
from dfrec_jax.training.step import Batch, TrainStep

SKIPPED = "skipped_steps"  # in the log and in the meta of a checkpoint: how many were left out since the run began
_IN_A_ROW = "skipped_in_a_row"


class NonFiniteLossError(RuntimeError):
    """A loss term became NaN or infinite; the message names the step and the term."""


class Flagged(NamedTuple):
    """What the host gets of one step.

    Attributes:
      metrics: of the step.
      is_finite: whether all of them are, the norm of the gradients too. The host waits for this one number of each
        step, and not for each of its metrics.
    """

    metrics: Collection
    is_finite: Bool[Array, ""]


FlaggedStep = Callable[[TrainState, Any, Batch], tuple[TrainState, Flagged]]


def flagging(step: TrainStep) -> FlaggedStep:
    """The same step, which says whether its metrics are finite."""

    def flagged(state: TrainState, constants: Any, batch: Batch) -> tuple[TrainState, Flagged]:
        after, metrics = step(state, constants, batch)
        are_finite = [jnp.all(jnp.isfinite(value)) for value in metrics.compute().values()]
        return after, Flagged(metrics, jnp.all(jnp.array(are_finite)))

    return flagged


def leaving_out(step: TrainStep) -> FlaggedStep:
    """`flagging`, and a step of which any metric is not finite changes nothing but the number of steps.

    The draws of the next step are those of an undisturbed run.
    """
    flagged = flagging(step)

    def guarded(state: TrainState, constants: Any, batch: Batch) -> tuple[TrainState, Flagged]:
        after, of_step = flagged(state, constants, batch)
        kept = jax.tree.map(lambda new, old: jnp.where(of_step.is_finite, new, old), after, state)
        return kept.replace(step=after.step), of_step

    return guarded


class NonFiniteSteps:
    """Looks at the metrics of each step once, in order; the same on every host."""

    def __init__(self, allowed: int, meta: dict[str, Any], *, is_shown: bool):
        """Goes on from what a checkpoint says.

        Args:
          allowed: `train.skip_nonfinite`: how many in a row are left out; 0: the first is an error.
          meta: of the checkpoint that the run was restored from; empty for a fresh start.
          is_shown: whether this host says which are left out.
        """
        self._allowed, self._is_shown, self._checked = allowed, is_shown, -1
        self._skipped, self._in_a_row = int(meta.get(SKIPPED, 0)), int(meta.get(_IN_A_ROW, 0))

    def check(self, step: int, of_step: Flagged) -> None:
        """Raises NonFiniteLossError where the run cannot go on after `step`."""
        if step <= self._checked:
            return
        self._checked = step
        if of_step.is_finite:
            self._in_a_row = 0
            return
        bad = [name for name, value in step_metrics.computed(of_step.metrics).items() if not np.isfinite(value)]
        words = f"{', '.join(bad)} not finite"
        if self._in_a_row >= self._allowed:
            before = f", as in the {self._in_a_row} steps before (train.skip_nonfinite)" if self._allowed else ""
            or_skip = "" if self._allowed else ", or leave such steps out with train.skip_nonfinite"
            raise NonFiniteLossError(
                f"step {step}: {words}{before}; the last checkpoint is from before. Lower optimizer.learning_rate, set "
                f"optimizer.clip_norm, or use compute_dtype='float32'{or_skip}"
            )
        self._skipped, self._in_a_row = self._skipped + 1, self._in_a_row + 1
        if self._is_shown:
            print(f"step {step} is left out: {words} ({self._skipped} of this run so far)", file=sys.stderr)

    def logged(self, values: dict[str, float]) -> dict[str, float]:
        """What the log gets of a step: numbers alone, and, where steps may be left out, how many were."""
        if not self._allowed:
            return values
        return {name: value for name, value in values.items() if np.isfinite(value)} | {SKIPPED: float(self._skipped)}

    def meta(self) -> dict[str, int]:
        """What a checkpoint has to say of it."""
        return {SKIPPED: self._skipped, _IN_A_ROW: self._in_a_row} if self._allowed else {}
