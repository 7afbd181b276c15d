"""Where the time of a run went, over all its restarts: `timing.jsonl` of a workdir, read.

Each line is written by `training/ledger.py` and closes the time since the line before it:

    {"step": 50, "time": 1764393573.1, "seconds": {"stepping": 3.2, "input": 0.1}, ...}

`step` is the one under way, `time` the clock's at the end of the line; the first line of each process has `from`, the
step that it went on from. Between two processes there is a gap of nobody's, `down`. What a process did of steps that a
later one did again is `lost`, whatever it was. Lines of versions before have no `seconds` and count for nothing.
"""

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

TIMING = "timing.jsonl"
KINDS = {
    "stepping": "steps that count",
    "input": "waiting for input",
    "compiling": "compiling the step, with its first run",
    "starting": "starting up, restoring",
    "validating": "validating, with its compilation",
    "sampling": "drawing samples",
    "saving": "saving",
    "lost": "lost to a restart: done again, or never finished",
    "down": "between two processes",
}


class Account(NamedTuple):
    """The seconds of a run.

    Attributes:
      seconds: of each of `KINDS`.
      processes: how many have worked on the run.
      clock: seconds from the first process's start to the last line, by the clock of the day; all `seconds` together
        but for what that clock was set meanwhile.
      step: the last one that was under way.
    """

    seconds: dict[str, float]
    processes: int
    clock: float
    step: int

    @property
    def total(self) -> float:
        """All seconds."""
        return math.fsum(self.seconds.values())

    @property
    def goodput(self) -> float:
        """The share of steps that count, from 0 to 1; 0 where no time has passed."""
        return self.seconds["stepping"] / self.total if self.total else 0.0


class _Line(NamedTuple):
    step: int
    time: float
    seconds: dict[str, float]
    begins_from: int | None


def read(workdir: str | os.PathLike[str]) -> Account | None:
    """The account of a workdir's run; None where its time was not kept. Torn lines are passed over.

    Raises:
      OSError: for a file that is there and cannot be read.
    """
    path = Path(workdir) / TIMING
    if not path.exists():
        return None
    lines = [_parsed(line) for line in path.read_text(encoding="utf-8", errors="replace").splitlines()]
    return _account([line for line in lines if line is not None])


def _account(lines: list[_Line]) -> Account | None:
    starts = [place for place, line in enumerate(lines) if line.begins_from is not None]
    if not starts:
        return None
    lines, starts = lines[starts[0] :], [place - starts[0] for place in starts]
    seconds = dict.fromkeys(KINDS, 0.0)
    again = math.inf  # steps after this one are done again by a later process
    for place in range(len(lines) - 1, -1, -1):
        line = lines[place]
        for kind, value in line.seconds.items():
            seconds["lost" if line.step > again else kind] += value
        if line.begins_from is not None:
            again = min(again, line.begins_from)
            if place:
                seconds["down"] += max(_began(line) - lines[place - 1].time, 0.0)
    return Account(seconds, len(starts), lines[-1].time - _began(lines[0]), lines[-1].step)


def _began(line: _Line) -> float:
    return line.time - sum(line.seconds.values())


def _parsed(text: str) -> _Line | None:
    try:
        record: Any = json.loads(text)
        seconds = {kind: _finite(value) for kind, value in _mapping(record["seconds"]).items() if kind in KINDS}
        begins_from = record.get("from")
        return _Line(
            int(record["step"]), _finite(record["time"]), seconds, None if begins_from is None else int(begins_from)
        )
    except (AttributeError, KeyError, OverflowError, RecursionError, TypeError, ValueError):
        return None


def _mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise TypeError(f"{value!r} is no mapping")
    return value


def _finite(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{value!r} is no number of seconds")
    return number
