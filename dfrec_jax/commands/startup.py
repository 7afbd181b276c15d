"""What every program does before its work: paths of the user's home, devices that can be had, quiet libraries, the
compilation cache."""

import contextlib
import hashlib
import logging
import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

# XLA logs its alarm for a compilation of over two minutes as an error, and has no other switch; what goes wrong in it
# reaches us as exceptions. Read when jax is imported, so it stands before that; the user's own value is left.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import filelock  # noqa: E402
import jax  # noqa: E402

from dfrec_jax.config.errors import ConfigError  # noqa: E402
from dfrec_jax.files import cache  # noqa: E402

CACHE_BYTES = 4 << 30
CACHED_SECONDS = 0.1  # what compiles faster is not worth a file
# Of libraries, by logger: notices that tell a user nothing. All else of these loggers is shown.
NOTICES = {"absl": ("Requested `tracked_metric`; did not provide metrics.",)}


def prepare_libraries() -> None:
    """Called once by each program, before it asks for a device.

    Raises:
      ConfigError: for a JAX_PLATFORMS or DFREC_COMPILE_CACHE that no program here can run with.
    """
    check_platforms(os.environ.get("JAX_PLATFORMS", ""))
    hush()
    keep_compiled()


def expand_home(words: Sequence[str]) -> list[str]:
    """The home folder in place of `~` and `~user` where a path begins; a shell leaves that of `--out=~/x` as it is.

    The arguments of every program go through here before they are parsed, so that no flag is forgotten: a word, the
    value in `--flag=value`, and each of several with commas between.
    """
    expanded = []
    for word in words:
        flag, equals, value = word.partition("=") if word.startswith("-") else ("", "", word)
        value = ",".join(os.path.expanduser(part) for part in value.split(","))
        expanded.append(f"{flag}{equals}{value}")
    return expanded


def check_platforms(platforms: str) -> None:
    """Raises ConfigError unless JAX may use the host's processor beside whatever else is named."""
    if platforms and "cpu" not in platforms.split(","):
        raise ConfigError(
            f"JAX_PLATFORMS={platforms}: must name the cpu too, which draws faces and holds what is restored: "
            f"JAX_PLATFORMS={platforms},cpu (`dfrec doctor` shows the devices that JAX finds)"
        )


def hush() -> None:
    """Keeps the NOTICES of libraries off the screen."""
    for name, notices in NOTICES.items():
        logger = logging.getLogger(name)
        if not any(isinstance(known, _Notices) for known in logger.filters):
            logger.addFilter(_Notices(notices))


class _Notices(logging.Filter):
    def __init__(self, beginnings: tuple[str, ...]):
        super().__init__()
        self._beginnings = beginnings

    def filter(self, record: logging.LogRecord) -> bool:
        return not record.getMessage().startswith(self._beginnings)


def keep_compiled() -> None:
    """Turns on JAX's cache of compiled programs in the user's cache folder, so that the next start need not compile.

    DFREC_COMPILE_CACHE=off leaves it off; JAX_COMPILATION_CACHE_DIR, and JAX's other variables, are the user's word.

    Raises:
      ConfigError: for another DFREC_COMPILE_CACHE.
    """
    wanted = os.environ.get("DFREC_COMPILE_CACHE", "on")
    if wanted not in ("on", "off"):
        raise ConfigError(f"DFREC_COMPILE_CACHE={wanted}: must be on or off")
    if wanted == "off" or "JAX_COMPILATION_CACHE_DIR" in os.environ:
        return
    folder = compiled_dir()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(13, "Permission denied", str(folder))
    except OSError as error:
        print(f"note: compiled programs are not kept: {error}", file=sys.stderr)
        return
    _drop_unfinished(folder)
    for name, value in {
        "jax_compilation_cache_dir": str(folder),
        "jax_compilation_cache_max_size": CACHE_BYTES,
        "jax_persistent_cache_min_compile_time_secs": CACHED_SECONDS,
        "jax_persistent_cache_min_entry_size_bytes": -1,  # of any size
    }.items():
        if name.upper() not in os.environ:
            jax.config.update(name, value)


def _drop_unfinished(folder: Path) -> None:
    """Removes entries that a kill or a full disk cut short: those without the note of their last use, which JAX writes
    after them. It would warn of them at each start, and not replace them."""
    with contextlib.suppress(filelock.Timeout, OSError), filelock.FileLock(folder / ".lockfile", timeout=0):
        for entry in folder.glob("*-cache"):
            if not entry.with_name(f"{entry.name.removesuffix('-cache')}-atime").exists():
                entry.unlink()


def compiled_dir() -> Path:
    """Where compiled programs are kept: a folder for each kind of processor, since they are made for one kind, and a
    home folder may be that of many hosts; and for each number of cores that a process may use: XLA splits the work of
    a program for a CPU over as many, and does not tell such programs apart."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    processor = f"{platform.machine()}{platform.processor()} {cores} cores "
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        processor += next((line for line in lines if line.startswith(("flags", "Features"))), "")
    except OSError:
        pass  # not Linux: by its name alone
    return cache.folder() / "compiled" / hashlib.sha256(processor.encode()).hexdigest()[:12]
