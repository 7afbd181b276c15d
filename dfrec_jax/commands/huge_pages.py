"""Memory in pages of 2 MiB, where the kernel gives them to those who ask: for steps on a CPU."""

import os
import sys
from pathlib import Path

from dfrec_jax.training.memory import HUGE_PAGES, TUNABLES

KERNELS = Path("/sys/kernel/mm/transparent_hugepage/enabled")
VARIABLE, ASKED = TUNABLES, HUGE_PAGES  # glibc reads it when a process begins, and never after


def ask() -> None:
    """Begins this program again, as the same process, with glibc asking for huge pages: called before all else.

    XLA's compiler leaves a heap behind that is scattered over pages of 4 KiB, and the steps after a compilation wait
    for addresses to be translated; docs/performance.md has the figures. A GLIBC_TUNABLES of the user, be it empty, is
    left, and so is a kernel that gives huge pages to all or to none.
    """
    if sys.platform == "linux" and is_wanted(KERNELS, dict(os.environ)):
        os.execve(sys.executable, sys.orig_argv, os.environ | {VARIABLE: ASKED})


def is_wanted(kernels: Path, environment: dict[str, str]) -> bool:
    """Whether the kernel, by its file, gives huge pages to those who ask, and nobody has decided otherwise."""
    if VARIABLE in environment or not _is_glibc():
        return False
    try:
        return "[madvise]" in kernels.read_text()
    except OSError:
        return False  # a kernel without them


def _is_glibc() -> bool:
    name = "CS_GNU_LIBC_VERSION"
    return name in os.confstr_names and (os.confstr(name) or "").startswith("glibc")
