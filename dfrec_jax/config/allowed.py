"""What a field may be: the form of a rule, its check, and the ranges that rules are made of."""

from collections.abc import Callable, Iterable
from typing import Any

from ml_collections import ConfigDict

from dfrec_jax.config.errors import require

LARGEST_SEED = 2**32 - 1  # jax.random.key takes the lower 32 bits of a larger one in silence, or fails
LARGEST_SIZE = 4096  # pixels, as `dfrec prepare --size`: what a typing error adds takes minutes to run out of memory
WIDEST, DEEPEST = 65_536, 1_000  # channels of a layer, and layers: far beyond any network that has been trained
Rule = tuple[str, Callable, str]  # a field, whether a value is allowed, and that in words


def check(config: ConfigDict, rules: Iterable[Rule]) -> None:
    """Raises ConfigError for the first of `rules` that `config` breaks."""
    for field, is_allowed, allowed in rules:
        value = value_of(config, field)
        try:
            is_fine = is_allowed(value)
        except TypeError:  # a field that a config may leave open, and that nothing has filled in
            is_fine = False
        require(is_fine, field, value, allowed)


def value_of(config: ConfigDict, field: str) -> Any:
    """The value of a field, which is named with its section: `tirm.mask_ratio`."""
    value = config
    for name in field.split("."):
        value = value[name]
    return value


def up_to(most: int) -> Callable[[int | float], bool]:
    """Whether above 0 and at most `most`: what a typing error, or a hostile file, asks for beyond would never end."""
    return lambda value: 0 < value <= most


def all_up_to(most: int, *, least: int = 1) -> Callable[[tuple | list], bool]:
    """Whether there are any, up to 64 of them, and each is from `least` to `most`."""
    return lambda values: 0 < len(values) <= 64 and all(least <= value <= most for value in values)


def positive(value: int | float) -> bool:
    """Whether above 0."""
    return value > 0


def not_negative(value: int | float) -> bool:
    """Whether 0 or more."""
    return value >= 0


def share(value: int | float) -> bool:
    """Whether from 0 to 1."""
    return 0 <= value <= 1


def all_positive(values: tuple | list) -> bool:
    """Whether there are any, and all are above 0."""
    return len(values) > 0 and min(values) > 0


def one_of(values: tuple) -> Callable[[object], bool]:
    """Whether one of `values`."""
    return lambda value: value in values
