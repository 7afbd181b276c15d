"""The folder of a run of a trace head on the recogniser of drawn faces, which was trained for no step."""

from pathlib import Path

import jax
import jax.numpy as jnp

from dfrec_jax.config import trace
from dfrec_jax.runs import stored_config, trace_head
from dfrec_jax.runs.saving import CheckpointWriter
from dfrec_jax.tracing.embedder import Embedder


def make(folder: Path, embedder: Embedder) -> Path:
    """As fresh as its first step finds it, but that it adds something."""
    config = trace.trace()
    config.data.dir = "anywhere"
    config.frozen.identity = "embedded-b"
    config.trace.width, config.trace.depth, config.trace.hidden = 4, 0, 4
    variables = trace_head.init_function(trace_head.build(config), embedder.network, 64)(jax.random.key(0))
    variables["params"]["added"]["kernel"] = jnp.full_like(variables["params"]["added"]["kernel"], 0.1)
    with CheckpointWriter(folder, score_name=trace.SCORE) as checkpoints:
        checkpoints.save(7, {"variables": variables}, {}, 0.5)
    stored_config.save(folder, config)
    return folder
