import os
import platform
import subprocess
import sys

import pytest

from dfrec_jax.training import memory

FAULTS = """
import mmap, resource, sys
import numpy as np
from dfrec_jax.training import memory
assert memory.keep_freed() == (sys.argv[1] == "kept")
for _ in range(3):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    block = np.ones(2**24)
    del block
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
print(faults)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library than glibc")
@pytest.mark.parametrize(
    ("environment", "is_kept"),
    [
        ({}, True),
        ({"MALLOC_ARENA_MAX": "8"}, False),
        ({"GLIBC_TUNABLES": "glibc.malloc.arena_max=8"}, False),
        ({"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}, False),  # our programs' own: huge pages
    ],
)
def test_a_block_that_was_freed_is_there_again_without_faults(environment, is_kept):
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_"))}
    command = [sys.executable, "-c", FAULTS, "kept" if is_kept else "left"]
    done = subprocess.run(command, env=clean | environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (int(done.stdout) < 10) == is_kept


def test_another_c_library_is_left_alone(monkeypatch):
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    assert not memory.keep_freed()
