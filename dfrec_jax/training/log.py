"""What a run writes of itself: metrics.jsonl, TensorBoard files, pictures, and the line on the screen."""

import contextlib
import itertools
import os
import sys
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
from PIL import Image

from dfrec_jax.files import json_text, whole
from dfrec_jax.pictures import grid
from dfrec_jax.runs import compiling
from dfrec_jax.runs.training_run import METRICS
from dfrec_jax.training import writers

_OF_VALIDATION = '"validation_'
SAMPLES, TENSORBOARD, EARLIER = "samples", "tensorboard", "earlier_logs"


def cut_after(path: str | os.PathLike[str], step: int, *, is_owed: bool = False) -> None:
    """Drops the lines of a JSON-lines file that lie after `step`, and what is no line of a run's; atomic.

    Where the validation of `step` is still owed, a line of it goes too: of a start that was killed as it did it.
    A kill leaves a torn last line, a power cut perhaps bytes that are no text.
    """
    path = Path(path)
    if not path.exists():
        return
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
    kept = [line for line in lines if _step_of(line, step + 1) <= step - (is_owed and _OF_VALIDATION in line)]
    whole.write_text(path, "".join(kept))


def set_aside(workdir: str | os.PathLike[str]) -> Path | None:
    """Moves what an earlier start logged to `earlier_logs/<number>`; returns that folder, or None where nothing was.

    `timing.jsonl` stays: the time of that start was the run's too.
    """
    workdir = Path(workdir)
    if not (workdir / METRICS).exists() or not (workdir / METRICS).stat().st_size:
        return None
    folder = next(path for number in itertools.count(1) if not (path := workdir / EARLIER / str(number)).exists())
    folder.mkdir(parents=True)
    for name in (METRICS, SAMPLES, TENSORBOARD):
        if (workdir / name).exists():
            os.replace(workdir / name, folder / name)
    return folder


def _step_of(line: str, otherwise: int) -> int:
    try:
        return int(json_text.parsed(line)["step"]) if line.endswith("\n") else otherwise
    except (KeyError, TypeError, ValueError):
        return otherwise


class RunLog:
    """The files of one run. Only the first process writes; on the others every call does nothing.

    `metrics.jsonl` holds what the computation determines, so that a resumed run repeats it to the last bit;
    what the clock determines stands in `timing.jsonl` (training/ledger.py).
    """

    def __init__(self, workdir: str | os.PathLike[str], start_step: int, *, is_writer: bool, is_owed: bool = False):
        self._workdir = Path(workdir)
        self._is_writer = is_writer
        if not is_writer:
            return
        self._workdir.mkdir(parents=True, exist_ok=True)
        if start_step == 0 and (kept := set_aside(self._workdir)):
            print(f"starting at step 0; the log of an earlier start is kept in {kept}", file=sys.stderr)
        cut_after(self._workdir / METRICS, start_step, is_owed=is_owed)
        for_tensorboard = writers.for_tensorboard(self._workdir / TENSORBOARD, start_step)
        self._writer = writers.Several([writers.JsonLines(self._workdir / METRICS), for_tensorboard])

    def __enter__(self) -> "RunLog":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._is_writer:
            with contextlib.suppress(*[OSError] if kind else []):  # a full disk is said once, by what met it first
                self._writer.close()

    def scalars(self, step: int, values: Mapping[str, float | np.floating]) -> None:
        """One line of metrics.jsonl, and the same values for TensorBoard."""
        if self._is_writer:
            self._writer.write_scalars(step, values)

    def picture(self, step: int, picture: Image.Image) -> None:
        """A picture grid, as `samples/<step>.png` and for TensorBoard."""
        if self._is_writer:
            grid.save(picture, self._workdir / SAMPLES / f"{step:07d}.png")
            self._writer.write_images(step, {"samples": np.asarray(picture)[None]})


class Progress:
    """The line that says how far a run is: step, loss terms, images per second, time left."""

    def __init__(self, start_step: int, num_steps: int, batch_size: int, *, is_shown: bool):
        self._start_step, self._num_steps, self._batch_size = start_step, num_steps, batch_size
        self._is_shown = is_shown
        self._last_step, self._last_time = start_step, time.monotonic()

    def compiling(self, step: int) -> AbstractContextManager[None]:
        """Around a step: says of the first one, which XLA compiles before it runs, that and for how long."""
        is_said = self._is_shown and step == self._start_step + 1
        return compiling.said("the step (a small config: about a minute on two cores)", is_said)

    def rates(self, step: int) -> dict[str, float]:
        """Images per second since the last call, and the seconds left at that rate."""
        now = time.monotonic()
        seconds = max(now - self._last_time, 1e-9)
        rate = (step - self._last_step) * self._batch_size / seconds
        self._last_step, self._last_time = step, now
        left = (self._num_steps - step) * self._batch_size / rate if rate > 0 else float("nan")
        return {"images_per_second": rate, "seconds_left": left}

    def show(self, step: int, metrics: Mapping[str, float], rates: Mapping[str, float]) -> None:
        """Prints one line; the loss terms by their short names."""
        if not self._is_shown:
            return
        terms = "  ".join(
            f"{name.removeprefix('loss_')} {value:.3f}" for name, value in metrics.items() if name.startswith("loss")
        )
        left = compiling.duration(rates["seconds_left"])
        print(
            f"step {step}/{self._num_steps}  {terms}  {rates['images_per_second']:.1f} images/s  {left} left",
            file=sys.stderr,
            flush=True,
        )
