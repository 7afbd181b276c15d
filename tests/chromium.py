"""A headless Chromium that a test drives, over a pipe: no port is opened, and no package is needed for it."""

import itertools
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--window-size=1000,1400", "--remote-debugging-pipe",
)  # fmt: skip
_DOMAINS = ("Page", "DOM", "Runtime", "Network", "Log", "Accessibility")


class Page:
    """One page. `events` are all that Chromium told of it."""

    def __init__(self, reading: int, writing: int):
        """Opens it.

        Args:
          reading: of what Chromium says.
          writing: to it.
        """
        self._reading, self._writing, self._rest = reading, writing, b""
        self._numbers, self._session = itertools.count(1), ""
        self.events: list[dict[str, Any]] = []
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in _DOMAINS:
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """One command of the protocol of its developer tools, and the answer."""
        said: dict[str, Any] = {"id": next(self._numbers), "method": method, "params": params}
        if self._session:
            said["sessionId"] = self._session
        os.write(self._writing, json.dumps(said).encode() + b"\0")
        while True:
            while b"\0" not in self._rest:
                more = os.read(self._reading, 1 << 20)
                assert more, "Chromium has ended"
                self._rest += more
            one, self._rest = self._rest.split(b"\0", 1)
            answer = json.loads(one)
            if answer.get("id") == said["id"]:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def value(self, expression: str) -> Any:
        """Of an expression of JavaScript; a promise is waited for."""
        found = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def wait_for(self, expression: str, seconds: float = 30) -> None:
        """Until it is true."""
        end = time.monotonic() + seconds
        while not self.value(expression):
            assert time.monotonic() < end, f"{expression} did not come to pass"
            time.sleep(0.05)

    def choose(self, selector: str, file: Path) -> None:
        """A file, as somebody would in the field `selector`."""
        root = self.ask("DOM.getDocument")["root"]["nodeId"]
        node = self.ask("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.ask("DOM.setFileInputFiles", nodeId=node, files=[str(file)])

    def press(self, key: str, code: int, text: str = "") -> None:
        """A key, where the focus is."""
        key_of = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        self.ask("Input.dispatchKeyEvent", type="keyDown", text=text, **key_of)
        self.ask("Input.dispatchKeyEvent", type="keyUp", **key_of)


@contextmanager
def page(profile: Path) -> Iterator[Page]:
    """A page of a browser of its own, whose settings lie in `profile`."""
    assert PROGRAM is not None
    (to_it, writing), (reading, from_it) = os.pipe(), os.pipe()

    def take_places() -> None:  # Chromium reads from 3 and writes to 4; either may be one of ours
        ends = os.dup(to_it), os.dup(from_it)
        for end, place in zip(ends, (3, 4), strict=True):
            os.dup2(end, place)

    browser = subprocess.Popen(
        [PROGRAM, *_FLAGS, f"--user-data-dir={profile}", "about:blank"],
        preexec_fn=take_places, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    for end in (to_it, from_it):
        os.close(end)
    try:
        yield Page(reading, writing)
    finally:
        browser.kill()
        browser.wait()
        os.close(writing)
        os.close(reading)
