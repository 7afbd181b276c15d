"""Pictures that wait for the network, one after another, and what became of each; all of it in one temporary folder."""

import queue
import secrets
import shutil
import tempfile
import threading
import traceback
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from dfrec_jax.config.errors import typed
from dfrec_jax.forensics.report import contents as names

MOST_KEPT = 32  # jobs at a time, those that are done among them: whoever wants more forgets some
WAITING, WORKING, DONE, REFUSED = "waiting", "working", "done", "refused"
Recover = Callable[
    [Path, Path, Mapping[str, str]], tuple[Path | None, str]
]  # folder of the result, or why there is none


class Full(ValueError):
    """There are as many jobs as are kept."""


@dataclass
class Job:
    """One picture. `folder` is its own; `result` is in it, once it is done."""

    folder: Path
    name: str
    case: Mapping[str, str]
    state: str = WAITING
    words: str = "waiting for the network"
    result: Path | None = None
    files: tuple[str, ...] = ()
    about: dict[str, Any] = field(default_factory=dict)


class Jobs:
    """The jobs, their folder, and the one thread that works.

    Attributes:
      folder: all that is kept is in it; `close` removes it.
      readiness: what the page says of the network.
      failure: why there is none; None while it is prepared, and where it is ready.
    """

    def __init__(self, prepare: Callable[[Callable[[str], None]], Recover]):
        """Makes the folder; `start` begins.

        Args:
          prepare: gives what recovers a picture, and says in words what it is at.
        """
        self.folder = Path(tempfile.mkdtemp(prefix="dfrec-serve-"))
        self.readiness = "starting"
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()
        self._waiting: queue.Queue[str | None] = queue.Queue()
        self.failure: Exception | None = None
        self._prepare, self._on_failure = prepare, _nothing
        self._worker = threading.Thread(target=self._work, daemon=True)

    def start(self, on_failure: Callable[[], object] | None = None) -> None:
        """Begins to prepare, in the thread that works; calls `on_failure` where that fails."""
        self._on_failure = on_failure or _nothing
        self._worker.start()

    def add(self, name: str, data: bytes, case: Mapping[str, str]) -> str:
        """Takes a picture and returns the name of its job. Raises Full where there are too many."""
        number = secrets.token_hex(8)
        with self._lock:
            if len(self._jobs) >= MOST_KEPT:
                raise Full(f"{MOST_KEPT} pictures are kept already: forget one first")
            job = Job(self.folder / number, safe_name(name), case)
            self._jobs[number] = job
        job.folder.mkdir()
        (job.folder / "in").mkdir()
        (job.folder / "in" / job.name).write_bytes(data)
        self._waiting.put(number)
        return number

    def get(self, number: str) -> Job | None:
        """A job by its name."""
        with self._lock:
            return self._jobs.get(number)

    def file(self, number: str, name: str) -> Path | None:
        """A file of a result, by its path in the folder: one of those that are listed, and nothing else."""
        job = self.get(number)
        if job is None or job.result is None or name not in job.files:
            return None
        return job.result / name

    def forget(self, number: str) -> bool:
        """Removes a job and its files; False while it is worked on, or where there is none."""
        with self._lock:
            job = self._jobs.get(number)
            if job is None or job.state == WORKING:
                return False
            del self._jobs[number]
        shutil.rmtree(job.folder, ignore_errors=True)
        return True

    def close(self, patience: float = 5.0) -> bool:
        """Removes all that is kept. True where the thread has ended; else whoever calls must end the program."""
        with self._lock:
            self._jobs.clear()
        self._waiting.put(None)
        if self._worker.ident is not None:  # it was started
            self._worker.join(patience)
        while self.folder.exists():
            shutil.rmtree(self.folder, ignore_errors=True)
        return not self._worker.is_alive()

    def _work(self) -> None:
        def say(words: str) -> None:
            self.readiness = words

        try:
            recover = self._prepare(say)
        except Exception as error:  # of any kind: whoever started the program is to see it
            self.failure, self.readiness = error, f"cannot be used ({typed(error)})"
            self._on_failure()
            return
        self.readiness = "ready"
        while (number := self._waiting.get()) is not None:
            job = self.get(number)
            if job is not None:
                self._do(job, recover)

    def _do(self, job: Job, recover: Recover) -> None:
        with self._lock:  # or it could be forgotten between the two
            job.state, job.words = WORKING, "looking for the face, recovering, writing the report"
        try:
            job.result, refusal = recover(job.folder / "in" / job.name, job.folder / "out", job.case)
            if job.result is None:
                job.state, job.words = REFUSED, refusal
                return
            job.files = tuple(
                path.relative_to(job.result).as_posix() for path in sorted(job.result.rglob("*")) if path.is_file()
            )
            job.about = names.result_of(job.result)
            job.state, job.words = DONE, "done"
        except Exception as error:  # one bad picture must not end the others
            traceback.print_exc()
            job.state, job.words = REFUSED, f"it could not be recovered ({type(error).__name__}: {error})"


def _nothing() -> None:
    pass


def safe_name(name: str) -> str:
    """The last part of a name that somebody sends, without what cannot be seen, and not too long for a file system."""
    last = PurePosixPath(name.replace("\\", "/")).name
    seen = "".join(letter for letter in last if unicodedata.category(letter)[0] != "C").lstrip(".")
    while len(seen.encode()) > 120:
        seen = seen[1:]
    return seen or "picture"
