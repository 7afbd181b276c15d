"""Records that come from files hold what their annotations say, or are refused before anything is made of them."""

from collections.abc import Mapping
from types import UnionType
from typing import Any, NoReturn, get_args, get_origin, get_type_hints


def checked(record: Any) -> Any:
    """A NamedTuple with every field of it, and of those in it, of its type; whole numbers stand for floats.

    Raises:
      ValueError: names the field and what stands there.
    """
    hints = get_type_hints(type(record))
    return record._replace(**{field: _of(getattr(record, field), hint, field) for field, hint in hints.items()})


def _of(value: Any, hint: Any, field: str) -> Any:
    if hint is Any:
        return value
    if isinstance(hint, UnionType):
        (kind, _) = get_args(hint)  # in records each is `KIND | None`
        return None if value is None else _of(value, kind, field)
    if get_origin(hint) is tuple:
        if not isinstance(value, tuple):
            _refuse(value, "tuple", field)
        return tuple(_of(one, get_args(hint)[0], field) for one in value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    kind = Mapping if get_origin(hint) else hint
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        _refuse(value, kind.__name__, field)
    return checked(value) if hasattr(hint, "_fields") else value


def _refuse(value: Any, kind: str, field: str) -> NoReturn:
    raise ValueError(f"{field} is {value!r:.60}, which is no {kind}")
