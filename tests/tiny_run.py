"""The folder of a run of the smallest DFREC with stand-in variables, and its programs compiled once for a module."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.experimental.compilation_cache import compilation_cache
from ml_collections import ConfigDict

from dfrec_jax.models import dfrec
from dfrec_jax.runs import packed, stored_config
from dfrec_jax.runs.saving import CheckpointWriter
from tests import stand_in, tiny

STEP = 7


def make(
    folder: Path,
    config: ConfigDict | None = None,
    *,
    map_bias: float = 0.0,
    meta: Mapping[str, Any] | None = None,
    score: float | None = None,
) -> Path:
    """`folder` as a workdir: a config.json, and one checkpoint, of step 7.

    Args:
      folder: of the run.
      config: `tiny.config()` by default.
      map_bias: added to the bias of the ISM's map: above 0 it marks more, at 20 all, below 0 less.
      meta: of the checkpoint.
      score: of the checkpoint's validation.
    """
    config = tiny.config() if config is None else config
    stored_config.save(folder, config)
    image = np.zeros((1, tiny.SIZE, tiny.SIZE, 3), np.float32)
    variables = stand_in.variables(dfrec.build(config), image, tiny.keys(1), train=False)
    variables["params"]["ism"]["segmentation_head"]["bias"] += map_bias
    with CheckpointWriter(folder) as checkpoints:
        checkpoints.save(STEP, {"variables": variables}, dict(meta or {}), score)
    return folder


def make_packed(
    folder: Path, config: ConfigDict | None = None, *, name: str = "tiny", variables: Any = None
) -> packed.Record:
    """`folder` as a packed network of step 7, of the same variables as `make`'s unless others are given."""
    config = tiny.config() if config is None else config
    if variables is None:
        image = np.zeros((1, tiny.SIZE, tiny.SIZE, 3), np.float32)
        variables = stand_in.variables(dfrec.build(config), image, tiny.keys(1), train=False)
    said = packed.Said(name, 2, "0123abc", "made-up faces", "0123456789abcdef", {"embedded-a": "MIT"}, "Apache-2.0")
    return packed.write(folder, config, STEP, packed.halved(variables), said, {"words": "close"})


@contextmanager
def programs_kept(folder: Path) -> Iterator[None]:
    """Every recovery builds its program anew, as each start of `dfrec` does; within the block it is found again."""
    settings = {
        "jax_compilation_cache_dir": str(folder),
        "jax_persistent_cache_min_compile_time_secs": 0,
        "jax_persistent_cache_min_entry_size_bytes": -1,
    }
    before = {name: getattr(jax.config, name) for name in settings}
    for each in (settings, before):
        for name, value in each.items():
            jax.config.update(name, value)
        compilation_cache.reset_cache()  # JAX decides once whether it has one
        if each is settings:
            yield
