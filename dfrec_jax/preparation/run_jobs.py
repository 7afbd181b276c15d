"""Doing the jobs: in this process, in many, or on an Apache Beam runner."""

import errno
import functools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from dfrec_jax.preparation import process_pool
from dfrec_jax.preparation.cut_records import Options
from dfrec_jax.preparation.face_crops import FaceTools
from dfrec_jax.preparation.job_to_records import records_of
from dfrec_jax.preparation.plan import Job, Plan, PreparationError, Rejected, Remark
from dfrec_jax.preparation.unfinished import Unfinished, write_said
from dfrec_jax.records import schema

MakeTools = Callable[[], FaceTools]
MOST_RECORDS_A_JOB = 2**20  # for keys that keep the order of the jobs
DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def run(plan: Plan, unfinished: Unfinished, make_tools: MakeTools, options: Options, processes: int) -> None:
    """Does every job of the plan that is not done, and reports on standard error.

    Args:
      plan: what to do.
      unfinished: where to.
      make_tools: builds the networks, once in each process; sent to other processes by pickling.
      options: of the crops.
      processes: 1: this one.

    Raises:
      PreparationError: where the disk is full, or a process was killed; what is done stays done.
      KeyboardInterrupt: on Ctrl-C, after the processes are killed; what is done stays done.
    """
    waiting = [number for number in range(len(plan.jobs)) if not unfinished.is_done(number)]
    progress = _Progress(len(plan.jobs), len(plan.jobs) - len(waiting))
    if not waiting:
        return
    make_do = functools.partial(_make_do, unfinished, make_tools, options)
    tasks = [(plan.jobs[number], number) for number in waiting]
    try:
        if processes == 1 or len(tasks) == 1:
            do = make_do()
            for task in tasks:
                do(task)
                progress.step()
        else:
            process_pool.run(make_do, tasks, min(processes, len(tasks)), progress.step)
    except OSError as error:
        if error.errno in DISK_FULL:
            raise PreparationError(
                f"the disk is full ({unfinished.folder}): {progress.done} of {len(plan.jobs)} jobs are done and kept; "
                "make room and run the same command again"
            ) from error
        raise
    except process_pool.WorkerKilled as error:
        raise PreparationError(
            f"a process was killed, perhaps for its memory: {progress.done} of {len(plan.jobs)} jobs are done and "
            "kept; run the same command again, with fewer --processes"
        ) from error


def _do(job: Job, number: int, unfinished: Unfinished, tools: FaceTools, options: Options) -> None:
    said: list[Rejected | Remark] = []

    def kept() -> Iterator[schema.Record]:
        for result in records_of(job, tools, options):
            if isinstance(result, Rejected | Remark):
                said.append(result)
            else:
                yield result

    serialised = list(schema.serialise(kept()))
    unfinished.write(number, serialised, said)


def _make_do(unfinished: Unfinished, make_tools: MakeTools, options: Options) -> process_pool.Do:
    tools = make_tools()

    def do(task: tuple[Job, int]) -> None:
        _do(*task, unfinished, tools, options)

    return do


class _Progress:
    """Says how far it is: on a terminal in one line, elsewhere every tenth."""

    def __init__(self, total: int, done: int):
        self.total, self.done = total, done
        self._said = done * 10 // max(total, 1)
        if done:
            print(f"{done} of {total} jobs were done before", file=sys.stderr)

    def step(self) -> None:
        self.done += 1
        tenth = self.done * 10 // self.total
        if sys.stderr.isatty():
            print(f"\r{self.done} of {self.total} jobs", end="\n" if self.done == self.total else "", file=sys.stderr)
        elif tenth > self._said:
            self._said = tenth
            print(f"{self.done} of {self.total} jobs", file=sys.stderr)


def beam_records(jobs: list[tuple[int, Job]], folder: Path, make_tools: MakeTools, options: Options) -> Any:
    """The records of `jobs` as a Beam transform of (key, record) pairs, for a TFDS builder.

    Refusals and remarks go to files in `folder`, which all workers must reach.

    Raises:
      PreparationError: where Apache Beam is not installed.
    """
    beam = import_beam()
    made = functools.partial(_beam_do, str(folder), make_tools, options)
    return beam.Create(jobs) | beam.Reshuffle() | beam.FlatMap(made)


def import_beam() -> Any:
    """The apache_beam module. Raises PreparationError where it is not installed."""
    try:
        import apache_beam  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise PreparationError("--beam needs Apache Beam: pip install 'dfrec-jax[beam]'") from error
    return apache_beam


@functools.cache
def _tools(make_tools: MakeTools) -> FaceTools:
    return make_tools()


def _beam_do(folder: str, make_tools: MakeTools, options: Options, numbered: tuple[int, Job]) -> list[tuple[int, Any]]:
    number, job = numbered
    results = list(records_of(job, _tools(make_tools), options))
    write_said(Path(folder), number, [result for result in results if isinstance(result, Rejected | Remark)])
    kept = [result for result in results if not isinstance(result, Rejected | Remark)]
    return [(number * MOST_RECORDS_A_JOB + place, record) for place, record in enumerate(kept)]
