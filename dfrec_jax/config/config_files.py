"""Files under `configs/` read by name, as `--config=FILE:ARGUMENT` of train.py reads them, and fields set by text."""

import ast
import importlib.util
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from dfrec_jax.config.errors import ConfigError


def function_of(flag: str, given: str, name: str) -> tuple[Callable[..., Any], str]:
    """The function `name` of a Python file, and the argument behind its colon.

    Args:
      flag: what `given` was named by, for messages: `--base`.
      given: `FILE.py` or `FILE.py:ARGUMENT`.
      name: of the function: `get_config`.

    Raises:
      ConfigError: for a file that is not there, cannot be run, or has no such function.
    """
    path, _, argument = given.partition(":")
    if not Path(path).is_file():
        raise ConfigError(f"{flag}={given}: {path} is no file; name one under configs/")
    spec = importlib.util.spec_from_file_location(Path(path).stem, path)
    if spec is None or spec.loader is None:
        raise ConfigError(f"{flag}={given}: {path} is no file of Python; name one under configs/")
    root = next((str(above.parent) for above in Path(path).resolve().parents if above.name == "configs"), os.getcwd())
    if root not in sys.path:
        sys.path.insert(0, root)  # of the repository, as for train.py: a config may be made of another one
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except ConfigError:
        raise
    except Exception as error:
        raise ConfigError(f"{flag}={given}: cannot be read as Python ({type(error).__name__}: {error})") from error
    if not callable(function := getattr(module, name, None)):
        raise ConfigError(f"{flag}={given}: {path} has no function {name}(); name a file that has one")
    return function, argument


def config_of(flag: str, given: str) -> ConfigDict:
    """The config of a file; its fields are those that it has, and no others. Raises ConfigError."""
    get_config, argument = function_of(flag, given, "get_config")
    try:
        config = get_config(argument) if argument else get_config()
    except ConfigError:
        raise
    except Exception as error:  # of a file that anybody may have written
        raise ConfigError(f"{flag}={given}: its get_config() ends in {type(error).__name__}: {error}") from error
    if not isinstance(config, ConfigDict):
        raise ConfigError(f"{flag}={given}: get_config() gives a {type(config).__name__}, and no config")
    return config.lock()


def set_field(config: ConfigDict, field: str, value: Any, of: str) -> None:
    """Sets `a.b` of a config.

    Args:
      config: changed in place.
      field: its name with dots.
      value: of the field's type.
      of: who sets it, for messages.

    Raises:
      ConfigError: for a field that the config has not, or a value of another type.
    """
    section, name = _place(config, field, of)
    try:
        section[name] = value
    except (TypeError, ValueError) as error:
        kind = section.get_type(name).__name__
        raise ConfigError(f"{of}: {field}={value!r}: must be of type {kind}") from error


def has_field(config: ConfigDict, field: str) -> bool:
    """Whether a config has the field `a.b`."""
    section: Any = config
    for name in field.split("."):
        if not isinstance(section, ConfigDict) or name not in section:
            return False
        section = section[name]
    return True


def parsed(config: ConfigDict, text: str, flag: str) -> tuple[str, Any]:
    """Field and value of `a.b=VALUE`, typed as the config has it. Raises ConfigError."""
    field, equals, value = text.partition("=")
    if not equals:
        raise ConfigError(f"{flag} {text}: must be FIELD=VALUE, such as train.num_steps=5")
    section, name = _place(config, field, f"{flag} {text}")
    if section.get_type(name) is str:
        return field, value
    try:
        return field, ast.literal_eval(value)
    except (ValueError, SyntaxError) as error:
        raise ConfigError(f"{flag} {text}: {value!r} is no {section.get_type(name).__name__}") from error


def _place(config: ConfigDict, field: str, of: str) -> tuple[ConfigDict, str]:
    sections, _, name = field.rpartition(".")
    section: Any = config
    for part in filter(None, sections.split(".")):
        section = section.get(part) if isinstance(section, ConfigDict) else None
    if not isinstance(section, ConfigDict) or name not in section:
        raise ConfigError(f"{of}: the config has no field {field}; they stand in dfrec_jax/config/defaults.py")
    if isinstance(section[name], ConfigDict):
        raise ConfigError(f"{of}: {field} is a section; name one of its fields: {', '.join(section[name])}")
    return section, name
