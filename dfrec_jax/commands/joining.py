"""The flags of train.py and evaluate.py that say which of several hosts this is."""

from typing import TYPE_CHECKING

from absl import flags

if TYPE_CHECKING:
    from dfrec_jax.runs.hosts import Joining

DISTRIBUTED = flags.DEFINE_bool("distributed", False, "One of several hosts: find the others as the cluster says.")
_COORDINATOR = flags.DEFINE_string("coordinator", None, "With --distributed: HOST:PORT of the first host; as one says.")
_NUM_HOSTS = flags.DEFINE_integer("num_hosts", None, "With --distributed: how many there are.")
_HOST = flags.DEFINE_integer("host", None, "With --distributed: which of them this is, from 0.")
_LOST_AFTER = flags.DEFINE_float("lost_after", None, "With --distributed: seconds of silence that a host may keep; 60.")
SHORTEST = 2.0


def asked() -> "Joining | None":
    """How the other hosts are found; None for one host alone.

    Raises:
      ConfigError: for flags that are half given, or contradict each other.
    """
    from dfrec_jax.config.errors import ConfigError
    from dfrec_jax.runs import hosts

    values = {flag.name: flag.value for flag in (_COORDINATOR, _NUM_HOSTS, _HOST, _LOST_AFTER)}
    given = [f"--{name}={value}" for name, value in values.items() if value is not None]
    if not DISTRIBUTED.value:
        if given:
            raise ConfigError(f"{' and '.join(given)}: goes with --distributed")
        return None
    lost_after = hosts.SILENT_SECONDS if _LOST_AFTER.value is None else _LOST_AFTER.value
    if not SHORTEST <= lost_after < float("inf"):
        raise ConfigError(f"--lost_after={lost_after:g}: must be {SHORTEST:g} or more seconds")
    return hosts.Joining(hosts.asked(_COORDINATOR.value, _NUM_HOSTS.value, _HOST.value), lost_after)
