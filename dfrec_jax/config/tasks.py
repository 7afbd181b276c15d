"""What the config of each task is: its defaults, how what it leaves open is filled in, and its rules."""

from collections.abc import Callable

from ml_collections import ConfigDict

from dfrec_jax.config import attributes, autoencoder, compared, defaults, rules, trace
from dfrec_jax.config.defaults import task_of


def resolved(config: ConfigDict) -> ConfigDict:
    """A copy in which nothing refers to anything else, and DFREC's open fields are filled in. Raises ConfigError."""
    return defaults.resolve(config) if task_of(config) == "dfrec" else config.copy_and_resolve_references()


def validate(config: ConfigDict) -> None:
    """Raises ConfigError for the first rule of its task that a resolved `config` breaks; touches no device."""
    checks: dict[str, Callable[[ConfigDict], None]] = {
        "dfrec": rules.validate,
        "attributes": attributes.validate,
        autoencoder.TASK: autoencoder.validate,
        trace.TASK: trace.validate,
    }
    checks.get(task_of(config), compared.validate)(config)


def with_added_fields(config: ConfigDict) -> ConfigDict:
    """The config of an earlier version, with the defaults of the fields added since: what that version did."""
    task = task_of(config)
    if task == "dfrec":
        default = defaults.dfrec(config.get("mode", "paper"))
    else:
        own = {"attributes": attributes.attributes, autoencoder.TASK: autoencoder.autoencoder, trace.TASK: trace.trace}
        default = own[task]() if task in own else compared.compared(task)
    return defaults.with_added_fields(config, default)
