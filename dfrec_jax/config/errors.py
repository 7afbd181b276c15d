"""How a config is refused."""


class ConfigError(ValueError):
    """A config that cannot be run; the message names the field, its value, what is allowed and the fix."""


def require(condition: bool, field: str, value: object, allowed: str) -> None:
    """Raises ConfigError, which names the field, its value and what is allowed, unless `condition`."""
    if not condition:
        raise ConfigError(f"{field}={value!r}: must be {allowed}")
