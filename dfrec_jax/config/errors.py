"""How a config is refused."""

import contextlib
from collections.abc import Callable, Iterator
from typing import NamedTuple


class Option(NamedTuple):
    """What a message says of an option that is also an argument: `--crop=none`, and in Python `crop='none'`.

    Attributes:
      name: of the option.
      value: that it has, or is to have; None: nothing is said of one.
      argument: its name in Python, where that is another.
    """

    name: str
    value: object = None
    argument: str = ""

    def typed(self) -> str:
        """As on the command line."""
        return f"--{self.name}" if self.value is None else f"--{self.name}={self.value}"

    def called(self) -> str:
        """As an argument."""
        name = self.argument or self.name
        return name if self.value is None else f"{name}={str(self.value)!r}"


class Refusal(ValueError):
    """Bad input; the message names what it is about, its value, what is allowed and the fix.

    Attributes:
      is_called: whether its options are worded as arguments; as they are typed, else. See `as_arguments`.
    """

    def __init__(self, *parts: str | Option):
        """`parts` of the message, one after the other."""
        super().__init__(*parts)
        self.is_called = False

    def __str__(self) -> str:
        return self._worded(Option.called) if self.is_called else self.typed()

    def typed(self) -> str:
        """The message with its options as on the command line."""
        return self._worded(Option.typed)

    def _worded(self, word: Callable[[Option], str]) -> str:
        return "".join(word(part) if isinstance(part, Option) else str(part) for part in self.args)


class ConfigError(Refusal):
    """A config that cannot be run; the message names the field, its value, what is allowed and the fix."""


@contextlib.contextmanager
def as_arguments() -> Iterator[None]:
    """Within it, and after it, errors word options as arguments: what is called from Python. A program words them as
    they are typed, `Refusal.typed`."""
    try:
        yield
    except Refusal as error:
        error.is_called = True
        raise


def typed(error: Exception) -> str:
    """The words of an error for whoever typed a command."""
    return error.typed() if isinstance(error, Refusal) else str(error)


def require(condition: bool, field: str, value: object, allowed: str) -> None:
    """Raises ConfigError, which names the field, its value and what is allowed, unless `condition`."""
    if not condition:
        raise ConfigError(f"{field}={value!r}: must be {allowed}")
