"""The hosts of a run call each other's names: who is missing at the start is named, and so is who is gone later.

JAX itself ends a process with a trace of C++ where a host is missing or lost, and names none. Here each host holds one
connection to the first, made at the coordinator's port before JAX takes it over. A process that dies closes its
connection, whatever killed it; a machine that vanishes falls silent. The first host says who it was to all, and every
process ends with that line: by status 75 where a host was lost, since the same command goes on from the last
checkpoint; by the status that it names where a host failed, which the same command would do again.
"""

import json
import os
import selectors
import socket
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from dfrec_jax.files import json_text

SILENT_SECONDS = 60.0  # after which a host that says nothing counts as lost
ENDING_SECONDS = 5.0  # for an error that meets all hosts to reach this one too, and for a verdict to reach the others
_LONGEST_LINE = 1 << 16


class Place(NamedTuple):
    """Which host this is: `coordinator` is HOST:PORT of the first, hosts are numbered from 0."""

    coordinator: str
    num_hosts: int
    host: int


class Line:
    """One connection, of JSON objects, one a line."""

    def __init__(self, connection: socket.socket):
        self.socket, self._buffer = connection, b""
        self.heard = time.monotonic()

    def send(self, **words: Any) -> None:
        """Where the other end is gone the reading side finds out."""
        try:
            self.socket.sendall(json.dumps(words).encode() + b"\n")
        except OSError:
            pass

    def receive(self) -> list[dict[str, Any]] | None:
        """What has come; None at its end. Waits where nothing has."""
        try:
            received = self.socket.recv(4096)
        except TimeoutError:
            return []
        except OSError:
            return None
        if not received:
            return None
        self.heard = time.monotonic()
        *lines, self._buffer = (self._buffer + received).split(b"\n")
        try:
            said = [json_text.parsed(line) for line in lines]
        except ValueError:
            return None
        if len(self._buffer) > _LONGEST_LINE or not all(isinstance(words, dict) for words in said):
            return None
        return said


class RollCall:
    """The connections of one host, to the first or from all others, and the names of the machines."""

    def __init__(self, place: Place, names: list[str], lines: Mapping[int, Line], silent_seconds: float):
        """Is made by `muster.muster`."""
        self.place, self.names = place, names
        self._lines, self._silent = dict(lines), silent_seconds
        self._every = min(silent_seconds / 4, 5.0)  # that it says that it is there
        self._done: set[int] = set()  # whose work is at its end
        self._is_ending, self._is_alone = threading.Event(), threading.Event()
        self._lock = threading.Lock()

    def watch(self) -> None:
        """From now on this process ends when another host is lost, with status 75, or has failed, with its status."""
        threading.Thread(target=self._watch, daemon=True).start()

    def end(self, error: str = "", status: int = os.EX_TEMPFAIL) -> None:
        """Says that this host's work is at its end, or by what error it ends, which then ends the others by `status`.

        With an error the first host waits for a moment until the others have ended: JAX lives in it.
        """
        self._is_ending.set()
        words: dict[str, Any] = {"end": error[:1000], "status": status}
        if error and self.place.host == 0:
            words = {"verdict": f"{self._called(0)} ended: {error[:1000]}", "status": status, "grace": ENDING_SECONDS}
        self._tell(**words)
        if error and self.place.host == 0:
            self._is_alone.wait(2 * ENDING_SECONDS)

    def _tell(self, **words: Any) -> None:
        with self._lock:
            for line in self._lines.values():
                line.send(**words)

    def close(self) -> None:
        """Hangs up; a process that ends need not."""
        for line in self._lines.values():
            line.socket.close()

    def _called(self, host: int) -> str:
        return f"host {host} of {self.place.num_hosts} ({self.names[host]})"

    def _watch(self) -> None:
        with selectors.DefaultSelector() as chosen:
            for host, line in self._lines.items():
                line.socket.settimeout(self._every)
                line.heard = time.monotonic()
                chosen.register(line.socket, selectors.EVENT_READ, host)
            beaten = -self._every
            while chosen.get_map():
                if time.monotonic() - beaten >= self._every:
                    beaten = time.monotonic()
                    self._tell()
                for key, _ in chosen.select(self._every / 2):
                    if self._is_over(key.data):
                        chosen.unregister(key.fileobj)
                for key in list(chosen.get_map().values()):
                    silent = time.monotonic() - self._lines[key.data].heard
                    if silent > self._silent and key.data not in self._done:
                        self._lost(f"{self._called(key.data)} is lost: nothing was heard of it for {silent:.0f} s")
        self._is_alone.set()

    def _is_over(self, host: int) -> bool:
        """Hears what a host has to say; whether nothing more is to be heard of it."""
        said = self._lines[host].receive()
        if said is None:
            if host not in self._done:
                self._lost(f"{self._called(host)} is lost: its process ended without a word (killed? out of memory?)")
            return True
        for words in said:
            status = int(words.get("status", os.EX_TEMPFAIL))
            if verdict := words.get("verdict"):
                self._lost(str(verdict), float(words.get("grace", 0.0)), status)
            elif "end" in words:
                self._done.add(host)
                if words["end"]:
                    self._lost(f"{self._called(host)} ended: {words['end']}", ENDING_SECONDS, status)
        return False

    def _lost(self, verdict: str, grace: float = 0.0, status: int = os.EX_TEMPFAIL) -> None:
        """Ends this process, unless within `grace` seconds it ends by itself: an error may meet all hosts at once."""
        deadline = time.monotonic() + grace
        while not self._is_ending.wait(min(self._every, max(deadline - time.monotonic(), 0))):
            if time.monotonic() >= deadline:
                break
            self._tell()  # or this host would fall silent
        else:
            return
        if self.place.host == 0:
            self._tell(verdict=verdict, status=status)
        command = "The same command" if status == os.EX_TEMPFAIL else "Once that is mended, the same command"
        print(
            f"error: {verdict}; this is {self._called(self.place.host)}, which ends too. {command}, on as many hosts "
            "or others, goes on from the last checkpoint",
            file=sys.stderr,
            flush=True,
        )
        if self.place.host == 0:
            time.sleep(min(ENDING_SECONDS, self._silent) / 5)  # JAX would end the others in its own way once this ends
        os._exit(status)
