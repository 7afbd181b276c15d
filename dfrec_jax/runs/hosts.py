"""Hosts of one run: how they find each other, and that they do the same: the first decides, and all hear of it."""

import json
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.runs.errors import CheckpointError

_REFUSALS = {error.__name__: error for error in (CheckpointError, ConfigError)}


def join() -> None:
    """Finds the other hosts of the run, as the cluster's environment says; comes before all that asks for a device.

    Raises:
      ConfigError: where this machine belongs to no cluster that JAX knows, or the others are not found.
    """
    try:
        jax.distributed.initialize()
    except (ValueError, RuntimeError) as error:
        raise ConfigError(
            f"--distributed: the other hosts were not found ({str(error).splitlines()[0]}); it needs the environment "
            "of Slurm, Open MPI, Kubernetes or a TPU pod, and is left out on a single host"
        ) from error


def first_decides(decide: Callable[[], Any]) -> Any:
    """What `decide` returns on the first process, on every process; the others wait for it and do not call it.

    Args:
      decide: its result is anything that JSON holds.

    Raises:
      CheckpointError, ConfigError: on every process, where `decide` raises it.
      RuntimeError: on the others, where `decide` ends with any other error.
    """
    if jax.process_count() == 1:
        return decide()
    raised, answer = None, {}
    if jax.process_index() == 0:
        try:
            answer = {"value": decide()}
        except Exception as error:  # whatever it is, the others must not wait for ever
            raised = error
            kinds = [name for name, kind in _REFUSALS.items() if isinstance(error, kind)]
            answer = {"error": kinds[0] if kinds else "", "message": str(error) or type(error).__name__}
    answer = json.loads(_of_the_first(json.dumps(answer).encode()))
    if raised is not None:
        raise raised
    if "error" in answer:
        raise _REFUSALS.get(answer["error"], RuntimeError)(answer["message"])
    return answer["value"]


def greatest(value: int) -> int:
    """The greatest `value` of all processes, on each."""
    if jax.process_count() == 1:
        return value
    return int(np.max(multihost_utils.process_allgather(np.int32(value))))


def _of_the_first(message: bytes) -> bytes:
    length = int(multihost_utils.broadcast_one_to_all(np.int32(len(message))))
    content = np.frombuffer(message.ljust(length), np.uint8)[:length]  # of the first; others only give the shape
    return np.asarray(multihost_utils.broadcast_one_to_all(content), np.uint8).tobytes()
