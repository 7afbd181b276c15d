"""The configs of the compared methods: their defaults and their rules. `configs/compared.py` is made of them.

A compared method has DFREC's data, frozen networks, optimiser and loop, and one section of its own, called as its task.
"""

from collections.abc import Iterable

from ml_collections import ConfigDict

from dfrec_jax.config import compared_methods, data_rules, defaults, rules, training_rules, types
from dfrec_jax.config.allowed import Rule, check
from dfrec_jax.config.errors import ConfigError

METHODS = tuple(compared_methods.METHODS)
# What DFREC's config has as well: sections and fields.
SHARED = (
    "name", "seed", "image_size", "compute_dtype", "frozen", "data", "optimizer", "train", "checkpoint", "mesh",
)  # fmt: skip


def with_shared(task: str) -> ConfigDict:
    """The config of a task, called as it, that has what is `SHARED` as DFREC's defaults have it, and no more."""
    run, config = defaults.dfrec(), ConfigDict()  # no copy: a copy forgets the types of fields that are left open
    config.task = task
    for name in SHARED:
        config[name] = run[name]
    config.name = task
    return config


def check_fields(config: ConfigDict, default: ConfigDict, own: Iterable[Rule]) -> None:
    """Raises ConfigError for the first field that is not of the type of `default`, or breaks a rule: of what is
    `SHARED` DFREC's, of the task's section its `own`."""
    types.check(config, default)
    shared = tuple(f"{name}." if isinstance(config[name], ConfigDict) else name for name in SHARED)
    check(config, (rule for rule in rules.FIELDS if rule[0].startswith(shared)))
    check(config, own)


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
    config = with_shared(task)
    if base is not None:
        for name in SHARED:
            if isinstance(config[name], ConfigDict):
                config[name].update({field: value for field, value in base[name].items() if value is not None})
            else:
                config[name] = base[name]
    config.name = task if base is None else f"{base.name}_{task}"
    config[task] = compared_methods.METHODS[task].own()
    if base is None:
        config.update_from_flattened_dict(compared_methods.METHODS[task].shared)
    return config


def for_drawn_faces(config: ConfigDict) -> ConfigDict:
    """The same config with the method's sizes for drawn faces of 64 px and a hundred steps or two on a CPU."""
    config.update_from_flattened_dict(compared_methods.METHODS[config.task].drawn)
    return config


def validate(config: ConfigDict) -> None:
    """Raises ConfigError for the first rule that `config` breaks; touches no device and no file."""
    method = compared_methods.METHODS[config.task]
    check_fields(config, compared(config.task), method.rules)
    method.check(config)
    data_rules.validate(config)
    training_rules.validate_schedule(config)
    if config.train.initialise or config.train.initialise_fresh:
        own = f", or name a published network by {config.task}.initialisation"
        raise ConfigError(
            f"train.initialise={config.train.initialise!r} with task={config.task!r}: it names a DFREC; leave it "
            f"empty{own if 'initialisation' in config[config.task] else ''}"
        )
    if config.data.photograph_share > 0:
        raise ConfigError(
            f"data.photograph_share={config.data.photograph_share} with task={config.task!r}: only DFREC learns from "
            "hidden faces; set it to 0"
        )
