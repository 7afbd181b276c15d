"""The configs of the compared methods: their defaults and their rules. `configs/compared.py` is made of them.

A compared method has DFREC's data, frozen networks, optimiser and loop, and one section of its own, called as its task.
"""

from collections.abc import Callable

from ml_collections import ConfigDict

from dfrec_jax.config import data_rules, defaults, rules, training_rules, types
from dfrec_jax.config.allowed import Rule, check, positive
from dfrec_jax.config.errors import ConfigError

METHODS = ("recce",)
# What DFREC's config has as well: sections and fields.
SHARED = (
    "name", "seed", "image_size", "compute_dtype", "frozen", "data", "optimizer", "train", "checkpoint", "mesh",
)  # fmt: skip


def compared(task: str, base: ConfigDict | None = None) -> ConfigDict:
    """The default config of one of `METHODS`, at its full size.

    Args:
      task: the method.
      base: a config of DFREC; what the two have in common is then as it is there, the optimiser too.

    Raises:
      ConfigError: for another task.
    """
    if task not in METHODS:
        raise ConfigError(f"task={task!r}: must be one of {METHODS}")
    run, config = defaults.dfrec(), ConfigDict()  # no copy: a copy forgets the types of fields that are left open
    config.task = task
    for name in SHARED:
        config[name] = run[name]
        if base is not None and isinstance(config[name], ConfigDict):
            config[name].update({field: value for field, value in base[name].items() if value is not None})
        elif base is not None:
            config[name] = base[name]
    config.name = task if base is None else f"{base.name}_{task}"
    config[task] = _OWN[task]()
    if base is None:
        _set_optimizer(config)
    return config


def _recce() -> ConfigDict:
    own = ConfigDict()
    own.image_size = 299  # of the pictures that it works on; others are resized, and its reconstructions back
    own.width = 1.0  # multiplies the channels of every layer; 1 is the published size
    own.drop_rate = 0.2
    own.initialisation = ""  # a name in the weights registry: recce-ffpp-c23, the whole network at width 1
    return own


_OWN: dict[str, Callable[[], ConfigDict]] = {"recce": _recce}


def _set_optimizer(config: ConfigDict) -> None:
    """As the methods' authors have it, as far as it is known; docs/departures.md."""
    optimizer = config.optimizer
    if config.task == "recce":
        optimizer.learning_rate = 2e-4
        config.data.real_share = 0.5


_OWN_RULES: dict[str, tuple[Rule, ...]] = {
    "recce": (
        ("recce.image_size", lambda size: size >= 32, "32 pixels or more"),
        ("recce.width", positive, "above 0"),
        ("recce.drop_rate", lambda rate: 0 <= rate < 1, "0 or more and below 1"),
    ),
}


def validate(config: ConfigDict) -> None:
    """Raises ConfigError for the first rule that `config` breaks; touches no device and no file."""
    types.check(config, compared(config.task))
    shared = tuple(f"{name}." if isinstance(config[name], ConfigDict) else name for name in SHARED)
    check(config, (rule for rule in rules.FIELDS if rule[0].startswith(shared)))
    check(config, _OWN_RULES[config.task])
    data_rules.validate(config)
    training_rules.validate_schedule(config)
    if config.train.initialise or config.train.initialise_fresh:
        raise ConfigError(
            f"train.initialise={config.train.initialise!r} with task={config.task!r}: it names a DFREC; leave it "
            f"empty, or name a published network by {config.task}.initialisation"
        )
    if config.data.photograph_share > 0:
        raise ConfigError(
            f"data.photograph_share={config.data.photograph_share} with task={config.task!r}: only DFREC learns from "
            "hidden faces; set it to 0"
        )
