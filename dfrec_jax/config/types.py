"""The type of every field, which is that of its default: a config.json may hold anything."""

import math
from typing import Any

from ml_collections import ConfigDict

from dfrec_jax.config.errors import require

_WORDS = {bool: "True or False", int: "a whole number", float: "a finite number", str: "a text"}


def check(config: ConfigDict, default: ConfigDict, prefix: str = "") -> None:
    """Raises ConfigError for the first field whose value is of another type than the default's.

    Args:
      config: resolved; fields that `default` lacks, and those that it lacks itself, are not looked at.
      default: with every field, left at None where a config may leave it so.
      prefix: of the names in messages, the section with its dot.
    """
    for name, usual in default.items():
        if name not in config:
            continue
        field, value, kind = f"{prefix}{name}", config[name], default.get_type(name)
        if isinstance(usual, ConfigDict):
            require(isinstance(value, ConfigDict), field, value, "a section of fields")
            check(value, usual, f"{field}.")
        elif issubclass(kind, list | tuple):
            element = type(usual[0])
            fits = isinstance(value, list | tuple) and all(_is(element, one) for one in value)
            require(fits, field, value, f"a list, of which each is {_WORDS[element]}")
        else:
            require(_is(kind, value) or (value is None and usual is None), field, value, _WORDS[kind])


def _is(kind: type, value: Any) -> bool:
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
