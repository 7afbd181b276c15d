"""SHA-256 of weight files, remembered by path, size and time of change, since gigabytes take seconds to hash; and of
variables."""

import hashlib
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
from safetensors import SafetensorError

from dfrec_jax.files import cache, json_text, whole
from dfrec_jax.files.hashing import sha256_of_file
from dfrec_jax.weights.registry import Release
from dfrec_jax.weights.rules import WeightsError


def sha256(path: Path) -> str:
    """The SHA-256 of the file, in hex; a file of the same size and time of change is not read again."""
    status = path.stat()
    key = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:32]
    note = cache.folder() / "digests" / f"{key}.json"
    state = [status.st_size, status.st_mtime_ns]
    try:
        remembered = json_text.parsed(note.read_text())
        if remembered["state"] == state:
            return remembered["sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        pass  # never hashed, or a torn note: hash it now
    digest = sha256_of_file(path)
    write_to_cache(note, lambda path: path.write_text(json.dumps({"state": state, "sha256": digest})))
    return digest


def sha256_of_variables(variables: Any) -> str:
    """Of every variable's path, type, shape and values: the same network in another folder has the same."""
    digest = hashlib.sha256()
    for path, leaf in jax.tree_util.tree_leaves_with_path(variables):
        values = np.ascontiguousarray(jax.device_get(leaf))
        digest.update(f"{jax.tree_util.keystr(path)} {values.dtype} {values.shape}\n".encode())
        digest.update(values.tobytes())
    return digest.hexdigest()


def check(path: Path, release: Release) -> str:
    """The file's SHA-256.

    Raises:
      WeightsError: where the registry knows the release's size or SHA-256 and the file has another.
    """
    size = path.stat().st_size
    if release.num_bytes and size != release.num_bytes:
        raise WeightsError(
            f"{path}: {size} bytes, but {release.name} has {release.num_bytes}: a truncated or another file; "
            f"run `dfrec weights fetch {release.name}` or get it from {release.url or release.page}"
        )
    digest = sha256(path)
    if release.sha256 and digest != release.sha256:
        raise WeightsError(
            f"{path}: SHA-256 {digest}, but {release.name} has {release.sha256}: a damaged or another file; "
            f"run `dfrec weights fetch {release.name}` or get it from {release.url or release.page}"
        )
    return digest


def write_to_cache(path: Path, write: Callable[[Path], object]) -> None:
    """Lets `write` fill a file of the cache, whole or not at all; a cache that cannot be written only warns."""
    try:
        with whole.replacing(path) as unfinished:
            write(unfinished)
    except (OSError, SafetensorError) as error:
        logging.warning("the cache %s cannot be written: %s", path.parent, error)
