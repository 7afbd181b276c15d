"""How the C library treats freed memory: a training frees gigabytes after each step and asks for them again at once."""

import ctypes
import os
import platform

# mallopt's parameters (malloc.h of glibc), and what each is set to.
TRIM_THRESHOLD, MMAP_MAX, ARENA_MAX = -1, -4, -8
SETTINGS = ((ARENA_MAX, 1), (MMAP_MAX, 0), (TRIM_THRESHOLD, -1))  # one heap; all blocks in it; its end never given back

TUNABLES, HUGE_PAGES = "GLIBC_TUNABLES", "glibc.malloc.hugetlb=1"  # what programs begin with: commands/huge_pages.py


def keep_freed() -> bool:
    """Has glibc keep what is freed for the next step; whether it does so. Called before JAX makes its threads.

    Otherwise a block of 32 MiB or more goes back to the system and comes again as pages that are not there yet, of
    which each costs a fault: on a CPU a quarter of the time of a step. With huge pages it is a twentieth of a small
    step and more of a large one, but kept blocks would lie in the heap that XLA's compiler scattered, so that nothing
    is kept then: docs/performance.md has the figures, and what jemalloc does. Another C library is left alone, and so
    is one that the user has settings for (MALLOC_...).
    """
    is_decided = any(name.startswith("MALLOC_") or name == TUNABLES for name in os.environ)
    if is_decided or platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return all([mallopt(name, value) == 1 for name, value in SETTINGS])
