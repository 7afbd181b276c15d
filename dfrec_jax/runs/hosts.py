"""Hosts of one run: how they find each other, and that they do the same: the first decides, and all hear of it."""

import json
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import jax
import numpy as np
from jax._src import clusters
from jax.experimental import multihost_utils

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.runs import muster, roll_call
from dfrec_jax.runs.errors import CheckpointError
from dfrec_jax.runs.muster import split_address
from dfrec_jax.runs.roll_call import SILENT_SECONDS, Place

_REFUSALS = {error.__name__: error for error in (CheckpointError, ConfigError)}
_BY_HAND = "name the hosts by --coordinator=HOST:PORT --num_hosts=N --host=I, or leave --distributed out on one host"
_FAILING = 2  # the status by which the others of a host that failed end, whatever its own is
_FAILED: list[int] = []  # this host, when it has
_NAMES: list[str] = []  # of the machines, host by host, once they are together


class Joining(NamedTuple):
    """How this host finds the others: `place` as a person says it, or None for what the cluster's launcher says."""

    place: Place | None = None
    silent_seconds: float = SILENT_SECONDS  # after which a host that says nothing counts as lost


def asked(coordinator: str | None, num_hosts: int | None, host: int | None) -> Place | None:
    """The place that three flags name; None where none of them is given.

    Raises:
      ConfigError: where some are given and others not, or they contradict each other.
    """
    flags = {"coordinator": coordinator, "num_hosts": num_hosts, "host": host}
    given = [f"--{name}={value}" for name, value in flags.items() if value is not None]
    missing = [f"--{name}" for name, value in flags.items() if value is None]
    if not given:
        return None
    if coordinator is None or num_hosts is None or host is None:
        raise ConfigError(
            f"{' and '.join(given)} without {' and '.join(missing)}: the three go together, or are all left to the "
            "cluster (Slurm, Open MPI, Kubernetes, a TPU pod)"
        )
    split_address(coordinator)
    if num_hosts < 1:
        raise ConfigError(f"--num_hosts={num_hosts}: must be 1 or more")
    if not 0 <= host < num_hosts:
        raise ConfigError(
            f"--host={host} with --num_hosts={num_hosts}: hosts are numbered from 0 to {num_hosts - 1}, each once"
        )
    return Place(coordinator, num_hosts, host)


def detected() -> tuple[Place, Sequence[int] | None]:
    """This host's place as the launcher's environment says, and the devices that JAX would give to this process.

    Raises:
      ConfigError: where this machine belongs to no cluster that JAX knows, or its variables say too little.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that a package for Kubernetes is missing: said below
            # JAX detects in no public function but `initialize`, which ends the process where a host is missing.
            found = clusters.ClusterEnv.auto_detect_unset_distributed_params(None, None, None, None, None, 300)
    except (ValueError, KeyError, RuntimeError, OSError) as error:
        words = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigError(
            f"--distributed: what the cluster says of this host cannot be read ({words}); {_BY_HAND}"
        ) from (error)
    coordinator, num_hosts, host, devices = found
    coordinator = os.environ.get("JAX_COORDINATOR_ADDRESS", coordinator)
    if coordinator is None or num_hosts is None or host is None:
        half = "SLURM_JOB_ID" in os.environ and "SLURM_PROCID" not in os.environ
        why = "SLURM_JOB_ID is set but SLURM_PROCID is not: start it by srun" if half else "none of them is there"
        raise ConfigError(
            "--distributed: needs the environment of Slurm, Open MPI, Kubernetes (with the package kubernetes) or a "
            f"TPU pod ({why}); {_BY_HAND}"
        )
    split_address(coordinator)
    if not 0 <= host < num_hosts:
        raise ConfigError(f"--distributed: the cluster says that this is host {host} of {num_hosts}; {_BY_HAND}")
    return Place(coordinator, num_hosts, host), devices


@contextmanager
def together(joining: Joining, work: str) -> Iterator[None]:
    """Finds the other hosts of the run; comes before all that asks for a device.

    Until the end of the block this process ends when another host is lost (status 75) or fails (status 2), with a line
    that names it; where it fails itself, the others hear of that, and it ends without waiting for them.

    Args:
      joining: how.
      work: what this host was told to do, in which all must agree.

    Raises:
      ConfigError: where the others are not found, or do not agree.
    """
    place, devices = (joining.place, None) if joining.place is not None else detected()
    roll = muster.muster(place, work, silent_seconds=joining.silent_seconds)
    if roll.names.count(roll.names[place.host]) == 1:
        devices = None  # JAX would give one of them to each process of Slurm, if there is but one on the machine too
    _NAMES[:] = roll.names
    roll.watch()
    try:
        jax.distributed.initialize(
            place.coordinator,
            place.num_hosts,
            place.host,
            local_device_ids=devices,
            cluster_detection_method="deactivate",
            heartbeat_timeout_seconds=round(max(100, 2 * joining.silent_seconds)),  # the roll call is quicker
            shutdown_timeout_seconds=3600,  # the first host may still write what the others have done
        )
    except (ValueError, RuntimeError) as error:
        raise ConfigError(f"--distributed: JAX could not join the hosts ({str(error).splitlines()[0]})") from error
    try:
        with _libraries_on_stderr():
            yield
    except BaseException as error:
        is_of_the_network = _is_of_the_network(error)
        if is_of_the_network:
            time.sleep(2 * roll_call.ENDING_SECONDS)  # meanwhile the roll call ends the process, if a host is lost
        _FAILED.append(place.host)
        would_pass = is_of_the_network or isinstance(error, KeyboardInterrupt)  # what the same command need not meet
        status = os.EX_TEMPFAIL if would_pass else _FAILING
        roll.end(f"{type(error).__name__}: {' '.join(str(error).split())}", status)
        raise
    roll.end()


@contextmanager
def _libraries_on_stderr() -> Iterator[None]:
    """What C++ prints goes to standard error: gloo says on standard output, where a table stands, that it connects."""
    before = sys.stdout
    before.flush()
    output = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = open(output, "w", encoding=before.encoding, errors=before.errors, closefd=False)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stdout = before
        os.dup2(output, 1)
        os.close(output)


def called(host: int) -> str:
    """A host as messages name it: by its number and its machine."""
    return f"host {host} of {jax.process_count()}" + (f" ({_NAMES[host]})" if host < len(_NAMES) else "")


def is_alone() -> bool:
    """Whether this host has failed, so that to wait for the others at its end, as JAX does, would be to no end."""
    return bool(_FAILED)


def _is_of_the_network(error: BaseException | None) -> bool:
    """Whether a collective failed, perhaps because a host is lost."""
    while error is not None:
        if isinstance(error, jax.errors.JaxRuntimeError) or "Gloo" in str(error):
            return True
        error = error.__cause__
    return False


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
