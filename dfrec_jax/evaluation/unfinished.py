"""What an evaluation has measured is kept, a file for each batch, until it is at its end: preempted, it goes on there.

A file counts only where it was made of the very examples that it is asked for, under a key that says in words what else
the numbers depend on: the weights, the config, the request, the instruments and the code.
"""

import contextlib
import hashlib
import importlib.metadata
import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import UInt8

from dfrec_jax.evaluation import spread
from dfrec_jax.files import json_text, npz, whole
from dfrec_jax.reports import provenance


class Kept(NamedTuple):
    """What was measured of one batch: arrays by the words that name them, such as ("values", role, row, metric)."""

    arrays: dict[tuple[str, ...], np.ndarray]


class Unfinished(NamedTuple):
    """Where the parts of one evaluation stand."""

    folder: Path

    def read(self, number: int, inputs: UInt8[np.ndarray, "b 32"]) -> Kept | None:
        """What was kept of a batch, on every host; None where some host finds nothing, or of other examples."""
        there = _read(self.folder / _name(number), inputs)
        return there if spread.on_all_hosts(there is not None) else None

    def write(self, number: int, inputs: UInt8[np.ndarray, "b 32"], kept: Kept) -> None:
        """Keeps it; of several hosts the first does. Raises OSError where it cannot be written."""
        if not spread.is_first_host():
            return
        header = json.dumps([list(words) for words in kept.arrays])
        arrays: dict[str, Any] = {f"a{place}": array for place, array in enumerate(kept.arrays.values())}
        with whole.replacing(self.folder / _name(number)) as path, open(path, "wb") as file:
            np.savez_compressed(file, header=np.array(header), inputs=inputs, **arrays)

    def say(self, num_batches: int) -> None:
        """Says how much of it was measured before, where some was."""
        if there := len(list(self.folder.glob("*.npz"))):
            print(f"{there} of {num_batches} batches were measured before, and are not again", file=sys.stderr)

    def remove(self) -> None:
        """At the end of the evaluation, when its results are written."""
        shutil.rmtree(self.folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            self.folder.parent.rmdir()


def of(results: Path, made_of: Mapping[str, Any]) -> Unfinished:
    """The parts of an evaluation.

    Args:
      results: the file that it will write; they stand in a folder beside it.
      made_of: whatever the numbers depend on but for the examples and the code, as JSON.
    """
    code = [importlib.metadata.version("dfrec-jax"), provenance.commit(Path(__file__).parent)]
    key = hashlib.sha256(json.dumps({**made_of, "code": code}, sort_keys=True).encode()).hexdigest()[:16]
    return Unfinished(results.parent / "unfinished" / key)


def digests(batch: Mapping[str, np.ndarray]) -> UInt8[np.ndarray, "b 32"]:
    """Of each row of this host, of all that it holds; of every host's rows, on each."""
    rows = zip(*(np.ascontiguousarray(batch[name]) for name in sorted(batch)), strict=True)
    own = [hashlib.sha256(b"".join(np.asarray(value).tobytes() for value in row)).digest() for row in rows]
    return spread.together(np.frombuffer(b"".join(own), np.uint8).reshape(len(own), 32))


def _name(number: int) -> str:
    return f"{number:06d}.npz"


def _read(path: Path, inputs: np.ndarray) -> Kept | None:
    try:
        with open(path, "rb") as opened, np.load(opened) as file:
            if not np.array_equal(file["inputs"], inputs):
                return None
            names = json_text.parsed(str(file["header"]))
            return Kept({tuple(words): file[f"a{place}"] for place, words in enumerate(names)})
    except npz.ERRORS:
        return None
