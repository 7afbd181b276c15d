"""A save leaves nothing in memory, though tensorstore never frees what it says as JSON, and glibc keeps what is freed.

`to_json` of a spec, and tensorstore's metrics, keep a reference of their own to each key and value (0.1.78 to 0.1.86).
Orbax asks for the spec of one and the same folder for every array of a save, and twice for metrics of which nobody here
reads one: 0.3 KiB for each array, a third of a MiB for each save of the smallest DFREC, which has 1,013 of them.
tests/runs/test_freed_memory.py fails where another orbax asks elsewhere, and says when tensorstore lets go, so that
this can be deleted.

A save makes new threads. glibc gives a new thread one of eight heaps a core, whichever is free, keeps in each what is
freed there, and so each grows to the most that any save ever had in it: docs/performance.md has the figures.
"""

import copy
import ctypes
import functools
import platform
from typing import Any

from orbax.checkpoint._src.serialization import tensorstore_utils

_FOLDERS = 8  # whose specs are kept; a save has one for each of its two items


@functools.cache
def cache_folder_specs() -> None:
    """Has orbax ask once for each folder, and for no metrics, from now on in this process."""
    if not hasattr(tensorstore_utils, "_build_ocdbt_kvstore_tspec"):
        return  # another orbax: it saves as well, and the test says so
    of_folder = functools.lru_cache(_FOLDERS)(tensorstore_utils._build_ocdbt_kvstore_tspec)

    def of_array(*, directory: str, name: str | None = None, **others: Any) -> dict[str, Any]:
        spec = copy.deepcopy(of_folder(directory=directory, **others))  # each array changes its own
        return spec if name is None else spec | {"path": name}

    tensorstore_utils._build_ocdbt_kvstore_tspec = of_array
    tensorstore_utils.get_tensorstore_raw_bytes = lambda *_: 0


def trim_heaps() -> bool:
    """Gives the pages that hold nothing back to the system, of all heaps; whether the C library, glibc, can do so.

    Those that a step uses again cost a fault each in the next one, also where `training/memory.py` has glibc keep them.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    ctypes.CDLL(None).malloc_trim(0)
    return True
