"""Processes that do tasks side by side, led from one thread, so that no lock is held when Ctrl-C comes."""

import contextlib
import multiprocessing
import signal
import traceback
from collections.abc import Callable, Iterable, Iterator
from multiprocessing import connection, resource_tracker
from multiprocessing.process import BaseProcess
from typing import Any

Do = Callable[[Any], None]


class WorkerKilled(Exception):
    """A process ended without a word."""


def run(make_do: Callable[[], Do], tasks: Iterable[Any], processes: int, on_done: Callable[[], None]) -> None:
    """Does every task, in whatever order.

    Args:
      make_do: called once in each process, makes what does a task there; sent there by pickling, as tasks are.
      tasks: what to do; None is no task.
      processes: how many work side by side.
      on_done: called here after each task.

    Raises:
      WorkerKilled: where a process was killed.
      Exception: what a task raised, with the traceback of its process as a note.
    Whatever is raised, Ctrl-C's KeyboardInterrupt too, the processes are killed first, in the midst of their tasks.
    """
    context = multiprocessing.get_context("spawn")  # JAX has threads, which do not survive a fork
    resource_tracker.ensure_running()  # it unblocks SIGINT when it starts
    waiting = iter(tasks)
    crew: dict[connection.Connection, BaseProcess] = {}
    try:
        for _ in range(processes):
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs, make_do), daemon=True)
            with _sigint_blocked():
                process.start()
                crew[ours] = process
            theirs.close()
        while crew:
            for worker in connection.wait(list(crew)):
                _lead(worker, waiting, crew, on_done)  # pyright: ignore[reportArgumentType]
    finally:
        for worker, process in crew.items():
            process.kill()
            process.join()
            worker.close()


def _lead(
    worker: connection.Connection,
    waiting: Iterator[Any],
    crew: dict[connection.Connection, BaseProcess],
    on_done: Callable[[], None],
) -> None:
    """Hears what a worker has to say, and gives it its next task, or sends it home."""
    with _alive():
        said = worker.recv()
    if isinstance(said, Exception):
        raise said
    if said == "done":
        on_done()
    task = next(waiting, None)
    with _alive():
        worker.send(task)
    if task is None:
        crew.pop(worker).join()
        worker.close()


@contextlib.contextmanager
def _alive() -> Iterator[None]:
    """A worker that is spoken to and gone was killed."""
    try:
        yield
    except (EOFError, ConnectionError) as error:
        raise WorkerKilled from error


def _serve(leader: connection.Connection, make_do: Callable[[], Do]) -> None:
    try:
        do, said = make_do(), "ready"
        while (task := _next_task(leader, said)) is not None:
            do(task)
            said = "done"
    except Exception as error:
        error.add_note(traceback.format_exc())
        leader.send(error)


def _next_task(leader: connection.Connection, said: str) -> Any:
    """Says something, and hears what is next: None where that is nothing, or the leader is gone."""
    try:
        leader.send(said)
        return leader.recv()
    except (EOFError, ConnectionError):
        return None


@contextlib.contextmanager
def _sigint_blocked() -> Iterator[None]:
    """Processes started within never see Ctrl-C, which a terminal sends to all: their leader does, and kills them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
