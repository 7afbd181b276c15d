"""The cache of this project: what is downloaded, converted, compiled or staged, and can be made again."""

import os
from pathlib import Path


class CacheError(ValueError):
    """There is no place for a cache; the message says how to name one."""


def folder() -> Path:
    """`$DFREC_CACHE`, else `$XDG_CACHE_HOME/dfrec-jax`, else `~/.cache/dfrec-jax`.

    Raises:
      CacheError: where there is no home folder, as of a user whom a container does not know.
    """
    if os.environ.get("DFREC_CACHE"):
        return Path(os.environ["DFREC_CACHE"])
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dfrec-jax"
    except RuntimeError as error:
        raise CacheError(
            f"HOME is not set, and the system knows no home folder of this user ({error}): name one for weights and "
            "compiled programs, DFREC_CACHE=DIR"
        ) from error


def is_offline() -> bool:
    """Whether `$DFREC_OFFLINE` (any value) forbids the network."""
    return bool(os.environ.get("DFREC_OFFLINE"))
