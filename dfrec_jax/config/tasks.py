"""What the config of each task is: its defaults, how what it leaves open is filled in, and its rules."""

from collections.abc import Callable

from ml_collections import ConfigDict

from dfrec_jax.config import attributes, autoencoder, compared, defaults, networks, rules, trace
from dfrec_jax.config.defaults import task_of
from dfrec_jax.config.errors import ConfigError
from dfrec_jax.files import addresses


def resolved(config: ConfigDict) -> ConfigDict:
    """A copy in which nothing refers to anything else, and DFREC's open fields are filled in. Raises ConfigError."""
    return defaults.resolve(config) if task_of(config) == "dfrec" else config.copy_and_resolve_references()


def validate(config: ConfigDict) -> None:
    """Raises ConfigError for the first rule of its task that a resolved `config` breaks; touches no device."""
    _refuse_addresses(config, "")
    checks: dict[str, Callable[[ConfigDict], None]] = {
        "dfrec": rules.validate,
        "attributes": attributes.validate,
        autoencoder.TASK: autoencoder.validate,
        trace.TASK: trace.validate,
    }
    checks.get(task_of(config), compared.validate)(config)
    if "frozen" in config:
        networks.check(config)


def _refuse_addresses(fields: ConfigDict, prefix: str) -> None:
    """Of an object store only data and weights are read: another field would take an address for a path."""
    for name, value in fields.items():
        if isinstance(value, ConfigDict):
            _refuse_addresses(value, f"{prefix}{name}.")
            continue
        try:
            addresses.refuse({f"{prefix}{name}": value}, but=("data.dir", "frozen.weights_dir"))
        except addresses.StoreError as error:
            raise ConfigError(str(error)) from error


def with_added_fields(config: ConfigDict) -> ConfigDict:
    """The config of an earlier version, with the defaults of the fields added since: what that version did."""
    task = task_of(config)
    if task == "dfrec":
        default = defaults.dfrec(config.get("mode", "paper"))
    else:
        own = {"attributes": attributes.attributes, autoencoder.TASK: autoencoder.autoencoder, trace.TASK: trace.trace}
        default = own[task]() if task in own else compared.compared(task)
    return defaults.with_added_fields(config, default)
