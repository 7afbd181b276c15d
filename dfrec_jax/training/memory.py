"""How the C library treats freed memory: a training frees gigabytes after each step and asks for them again at once."""

import ctypes
import os
import platform

# mallopt's parameters (malloc.h of glibc), and what each is set to.
TRIM_THRESHOLD, MMAP_MAX, ARENA_MAX = -1, -4, -8
SETTINGS = ((ARENA_MAX, 1), (MMAP_MAX, 0), (TRIM_THRESHOLD, -1))  # one heap; all blocks in it; its end never given back

TUNABLES, HUGE_PAGES = "GLIBC_TUNABLES", "glibc.malloc.hugetlb=1"  # what programs begin with: commands/huge_pages.py


def settle() -> None:
    """Has glibc keep what is freed, or at least few heaps. Called before JAX makes its threads."""
    if not keep_freed():
        share_heaps()


def keep_freed() -> bool:
    """Has glibc keep what is freed for the next step; whether it does so. Called before JAX makes its threads.

    Otherwise a block of 32 MiB or more goes back to the system and comes again as pages that are not there yet, of
    which each costs a fault: on a CPU a quarter of the time of a step. With huge pages it is a twentieth, and kept
    blocks would lie in the heap that XLA's compiler scattered, so that nothing is kept then: docs/performance.md has
    the figures. Another C library is left alone, and so is one that the user has settings for (MALLOC_...).
    """
    return TUNABLES not in os.environ and _is_ours() and _set(SETTINGS)


def share_heaps() -> bool:
    """Has the threads share as many heaps as there are cores to use; whether it does so.

    Each save makes tens of threads, and glibc gives a new one any of up to eight heaps a core. What a thread frees
    stays in that heap, so that each of them would grow to the most that a save ever had in one: docs/performance.md.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return os.environ.get(TUNABLES, HUGE_PAGES) == HUGE_PAGES and _is_ours() and _set(((ARENA_MAX, cores),))


def _is_ours() -> bool:
    """Whether it is glibc, and nobody has decided by its older variables."""
    return platform.libc_ver()[0] == "glibc" and not any(name.startswith("MALLOC_") for name in os.environ)


def _set(settings: tuple[tuple[int, int], ...]) -> bool:
    mallopt = ctypes.CDLL(None).mallopt
    return all([mallopt(name, value) == 1 for name, value in settings])
