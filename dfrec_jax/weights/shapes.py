"""Shapes of a module's variables, remembered in the user's cache.

To tell them Flax runs the module's forward pass on shapes, half a second of each start for every network. They change
with code and settings alone.
"""

import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import flax
import jax
import jax.numpy as jnp
from flax.traverse_util import flatten_dict

from dfrec_jax.files import cache, json_text
from dfrec_jax.weights import digest


def of_variables(what: str, code: Iterable[Path], trace: Callable[[], Any]) -> dict[str, jax.ShapeDtypeStruct]:
    """Path ('/'-joined), shape and dtype of each variable of a module.

    Args:
      what: which module it is, with all settings that its shapes depend on.
      code: folders with the Python files that they depend on.
      trace: gives the variables, of shapes, where nothing is remembered.
    """
    note = cache.folder() / "shapes" / f"{_fingerprint(what, code)}.json"
    try:
        said = json_text.parsed(note.read_text())
        return {path: jax.ShapeDtypeStruct(tuple(shape), jnp.dtype(kind)) for path, (shape, kind) in said.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        pass  # not traced yet, or a torn note: now
    leaves: dict[str, Any] = flatten_dict(trace(), sep="/")
    found = {path: [list(leaf.shape), str(leaf.dtype)] for path, leaf in leaves.items()}
    digest.write_to_cache(note, lambda path: path.write_text(json.dumps(found)))
    return {path: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype) for path, leaf in leaves.items()}


def _fingerprint(what: str, code: Iterable[Path]) -> str:
    parts = hashlib.sha256(f"{what} flax {flax.__version__} jax {jax.__version__}".encode())
    for folder in code:
        for path in sorted(folder.rglob("*.py")):
            parts.update(f"\n{path.relative_to(folder.parent)}\n".encode() + path.read_bytes())
    return parts.hexdigest()[:32]
