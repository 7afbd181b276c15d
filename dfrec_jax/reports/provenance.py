"""By which command, which code and on what machine a record was made."""

import importlib.metadata
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

PACKAGES = ("jax", "jaxlib", "flax", "numpy")


def made(device: str) -> dict[str, Any]:
    """What stands in a record.

    Args:
      device: in words, of whoever has asked for one: nothing here does.
    """
    program = os.path.basename(sys.argv[0])  # evaluate.py, or dfrec of a sweep
    return {
        "command": shlex.join([*["python"] * program.endswith(".py"), program, *sys.argv[1:]]),
        "commit": commit(Path(__file__).parent),
        "time": now(),
        "device": device,
        "environment": {
            "dfrec-jax": importlib.metadata.version("dfrec-jax"),
            "Python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in PACKAGES},
            "platform": platform.platform(),
        },
    }


def now() -> str:
    """The time, in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def commit(folder: Path) -> str:
    """The commit of the repository that `folder` is in, and whether files differ from it; empty outside of one."""
    revision = _git(folder, "rev-parse", "HEAD")
    if not revision:
        return ""
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return f"{revision}, with changes" if changed else revision


def _git(folder: Path, *words: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def check(said: Mapping[str, Any]) -> None:
    """Raises ValueError for what `made` cannot have written."""
    words = {name: value for name, value in said.items() if name != "environment" and value is not None}
    if wrong := [name for name, value in words.items() if not isinstance(value, str)]:
        raise ValueError(f"{wrong[0]} is {words[wrong[0]]!r:.60}, which is no word")
    if not isinstance(said.get("environment", {}), Mapping):
        raise ValueError(f"environment is {said['environment']!r:.60}, which is no Mapping")
