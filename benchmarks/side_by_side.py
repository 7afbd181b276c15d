"""Sides of a comparison, each in a process of its own, timed by turns: a busy machine slows them alike.

A side is a command that calls `serve`: it builds and warms up, says that it is ready, and then runs once for every line
that it is sent. No two sides run at a time, and what one does to its memory, threads or caches reaches no other.
"""

import contextlib
import json
import math
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple


class Timing(NamedTuple):
    """Of one side: what it said when it was ready, and the seconds of each of its turns, as the side returned them."""

    said: dict[str, Any]
    seconds: list[Any]

    @property
    def median(self) -> float:
        """Seconds of a turn."""
        return statistics.median(self.seconds)

    @property
    def spread(self) -> str:
        """The fastest and the slowest turn in milliseconds."""
        return f"{1e3 * min(self.seconds):.4g} to {1e3 * max(self.seconds):.4g}"


def by_turns(commands: dict[str, Sequence[str]], repeats: int, seconds: float = math.inf) -> dict[str, Timing]:
    """Starts each side, one after another, and gives each `repeats` turns in alternation.

    After `seconds` no side gets another turn, but each has had as many as the others, and one at least.

    Raises:
      SystemExit: with a side's status, where one of them fails.
    """
    begun = time.monotonic()
    with contextlib.ExitStack() as stack:
        sides = {name: stack.enter_context(_started(name, command)) for name, command in commands.items()}
        said = {name: _answer(name, side) for name, side in sides.items()}  # one warms up at a time
        taken: dict[str, list[Any]] = {name: [] for name in sides}
        for turn in range(repeats):
            if turn and time.monotonic() - begun > seconds:
                break
            for name, side in sides.items():
                answer = _answer(name, side)
                taken[name].append(answer.pop("seconds"))
                said[name] |= answer
    return {name: Timing(said[name], taken[name]) for name in sides}


def serve(build: Callable[[], tuple[Callable[[], Any], dict[str, Any]]]) -> None:
    """A side's whole work: `build` returns what a turn runs, warm, and what there is to say of it.

    A turn returns its seconds (`seconds_of`), or those of each thing that it did, by name.

    What libraries print goes to the error stream. The highest memory of the process is said with each turn.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    sys.stdin.readline()
    run, said = build()
    print(json.dumps(said), file=answers, flush=True)
    for _ in sys.stdin:
        print(json.dumps({"seconds": run(), "host_peak": host_peak()}), file=answers, flush=True)


def seconds_of(run: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """Of one run by a clock; `time.process_time` is that of all threads, which a busy machine distorts less."""
    begun = clock()
    run()
    return clock() - begun


def each_of(
    found: dict[str, Callable[[], object]], clock: Callable[[], float] = time.perf_counter
) -> Callable[[], dict[str, float]]:
    """A turn that runs each of them by itself, warm, as often as 20 ms hold it, and returns the seconds of one run."""
    number = {}
    for name, run in found.items():
        run()
        number[name] = max(1, round(0.02 / max(seconds_of(run), 1e-6)))

    def turn() -> dict[str, float]:
        seconds = {}
        for name, run in found.items():
            several = lambda run=run, name=name: [run() for _ in range(number[name])]  # noqa: E731
            seconds[name] = seconds_of(several, clock) / number[name]
        return seconds

    return turn


def host_peak() -> int:
    """The most bytes of memory that this process has had."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def processor() -> str:
    """The processor and how many cores of it this process may use."""
    name = platform.processor() or platform.machine()
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line for line in lines if line.startswith("model name")).partition(":")[2].strip()
    widest = ""
    with contextlib.suppress(OSError, StopIteration):
        flags = next(line for line in lines if line.startswith("flags")).split()
        widest = next((f", {flag}" for flag in ("avx512f", "avx2", "avx") if flag in flags), "")
    return f"{name}{widest}, {len(os.sched_getaffinity(0))} cores"


@contextlib.contextmanager
def _started(name: str, command: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    print(f"{name}: {' '.join(command)}", file=sys.stderr)
    side = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield side
    finally:
        side.terminate()
        side.wait()


def _answer(name: str, side: subprocess.Popen[str]) -> dict[str, Any]:
    """What the side says when it has been sent a line; the first line has it build."""
    assert side.stdin is not None and side.stdout is not None
    side.stdin.write("\n")
    side.stdin.flush()
    line = side.stdout.readline()
    if not line:
        sys.exit(f"{name} ended with status {side.wait()}: what it said stands above")
    return json.loads(line)
