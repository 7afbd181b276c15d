"""Reads what a pickle of tensors says, without Python's unpickler: no name is imported and nothing foreign is called.

A pickle is a program for a small stack machine. This machine knows containers, numbers, strings and the names that its
caller lists; another name, or another instruction, ends the reading with its place in the file.
"""

import os
import pickletools
import reprlib
from collections.abc import Callable, Iterator, Mapping, Sized
from io import BufferedIOBase, BufferedReader
from typing import IO, Any, cast

from dfrec_jax.weights.rules import WeightsError

_PUSHED_AS_READ = frozenset(
    "BINFLOAT BININT BININT1 BININT2 LONG1 LONG4 BINUNICODE SHORT_BINUNICODE BINUNICODE8 BINSTRING SHORT_BINSTRING "
    "BINBYTES SHORT_BINBYTES".split()
)
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_IGNORED = frozenset(("PROTO", "FRAME"))
_KEYS = (
    str,
    int,
    float,
    bytes,
    type(None),
)  # bool is an int. A tuple may name itself twice, over and over: its hash never ends
_COPIED = 4  # values that stand-ins may take altogether, for each byte of the stream, before it is a bomb


_BRIEFLY = reprlib.Repr()
_BRIEFLY.maxlevel, _BRIEFLY.maxstring = 2, 80


class Name(str):
    """A name, as `module.attribute`, to which a pickle refers; it is compared, never imported."""


class BoundedFile(BufferedReader):
    """Never reads for more bytes than are left, for which a damaged length would claim memory first."""

    def read(self, size: int | None = -1, /) -> bytes:
        """At most `size` bytes."""
        left = os.fstat(self.fileno()).st_size - self.tell()
        return super().read(left if size is None or size < 0 else min(size, max(left, 0)))


def shown(value: Any) -> str:
    """A few words of a value of a pickle: all of it may be endless."""
    try:
        return _BRIEFLY.repr(value)
    except (ValueError, RecursionError):  # a number of more digits than Python writes out
        return f"a {type(value).__name__}"


class Attributes(dict):
    """The attributes of an object that pickles by its `__dict__` alone, such as `argparse.Namespace`."""

    def set_state(self, state: dict) -> None:
        """Takes the attributes."""
        self.update(_require(state, dict))


class Pickle:
    """One pickle in a binary stream.

    Args:
      stream: placed at the first byte; after `load`, just behind the pickle.
      names: the names that are allowed; each maps to the function or class that stands in for a call of it, or to None
        where it can only be referred to. What a stand-in makes may have `set_state`, for the state that follows.
      load_reference: what a persistent id (a tensor's storage) stands for.
      where: the file, for messages.
    """

    def __init__(
        self,
        stream: BufferedIOBase,
        names: Mapping[str, Callable[..., Any] | None],
        load_reference: Callable[[Any], Any],
        where: str,
    ) -> None:
        """Keeps the arguments; reads nothing yet."""
        self._stream, self._names, self._load_reference, self._where = stream, names, load_reference, where
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}
        at = stream.tell()
        self._left = _COPIED * (stream.seek(0, os.SEEK_END) - at) + 1024
        stream.seek(at)

    def load(self) -> Any:
        """The value of the pickle.

        Raises:
          WeightsError: for a name or an instruction that is not allowed, a truncated or damaged pickle; with the byte.
        """
        position = 0
        for opcode, argument, position in self._instructions():
            if opcode == "STOP":
                break
            try:
                self._run(opcode, argument, position)
            except (IndexError, KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
                if isinstance(error, WeightsError):
                    raise
                raise WeightsError(
                    f"{self._where}: damaged pickle, {opcode} at byte {position} fails: {error}"
                ) from error
        if len(self._stack) != 1:
            raise WeightsError(
                f"{self._where}: damaged pickle, it ends at byte {position} with {len(self._stack)} values"
            )
        return self._stack.pop()

    def _instructions(self) -> Iterator[tuple[str, Any, int]]:
        try:
            for opcode, argument, position in pickletools.genops(cast("IO[bytes]", self._stream)):
                yield opcode.name, argument, position or 0
        except ValueError as error:
            if isinstance(error, WeightsError):
                raise
            raise WeightsError(f"{self._where}: truncated or damaged pickle: {error}") from error

    def _run(self, opcode: str, argument: Any, position: int) -> None:
        stack = self._stack
        if opcode in _PUSHED_AS_READ:
            stack.append(argument)
        elif opcode in _CONSTANTS:
            stack.append(_CONSTANTS[opcode])
        elif opcode in ("BINPUT", "LONG_BINPUT"):
            self._memo[argument] = stack[-1]
        elif opcode == "MEMOIZE":
            self._memo[len(self._memo)] = stack[-1]
        elif opcode in ("BINGET", "LONG_BINGET"):
            stack.append(self._memo[argument])
        elif opcode == "MARK":
            self._marks.append(len(stack))
        elif opcode == "EMPTY_TUPLE":
            stack.append(())
        elif opcode == "EMPTY_LIST":
            stack.append([])
        elif opcode == "EMPTY_DICT":
            stack.append({})
        elif opcode == "TUPLE":
            stack.append(tuple(self._since_mark()))
        elif opcode in _TUPLES:
            count = _TUPLES[opcode]
            stack[-count:] = [tuple(stack[-count:])]
        elif opcode == "APPEND":
            value = stack.pop()
            _require(stack[-1], list).append(value)
        elif opcode == "APPENDS":
            values = self._since_mark()
            _require(stack[-1], list).extend(values)
        elif opcode == "SETITEM":
            value, key = stack.pop(), stack.pop()
            _require(stack[-1], dict)[_key(key)] = value
        elif opcode == "SETITEMS":
            values = self._since_mark()
            _require(stack[-1], dict).update(zip(map(_key, values[::2]), values[1::2], strict=True))
        elif opcode == "BINPERSID":
            stack.append(self._load_reference(stack.pop()))
        elif opcode == "GLOBAL":
            stack.append(self._name(argument.replace(" ", ".", 1), position))
        elif opcode == "STACK_GLOBAL":
            attribute, module = stack.pop(), stack.pop()
            stack.append(self._name(f"{_require(module, str)}.{_require(attribute, str)}", position))
        elif opcode in ("REDUCE", "NEWOBJ"):
            arguments, name = stack.pop(), stack.pop()
            stack.append(self._call(_require(name, Name), _require(arguments, tuple), position))
        elif opcode == "BUILD":
            state = stack.pop()
            self._set_state(stack[-1], state)
        elif opcode not in _IGNORED:
            raise WeightsError(
                f"{self._where}: the pickle holds the instruction {opcode} at byte {position}, which files of tensors "
                "do not need; nothing in it was run"
            )

    def _since_mark(self) -> list[Any]:
        start = self._marks.pop()
        values = self._stack[start:]
        del self._stack[start:]
        return values

    def _name(self, name: str, position: int) -> Name:
        if name not in self._names:
            raise WeightsError(
                f"{self._where}: the pickle asks for {name!r} at byte {position}, which is not among the names that "
                "files of tensors need. It holds Python objects (a whole nn.Module, or hostile code); nothing in it "
                "was run. Use a file of the network's state_dict()"
            )
        return Name(name)

    def _call(self, name: Name, arguments: tuple, position: int) -> Any:
        stand_in = self._names[name]
        if stand_in is None:
            raise WeightsError(
                f"{self._where}: the pickle calls {name!r} at byte {position}, which is only a type here"
            )
        self._left -= sum(len(argument) for argument in arguments if isinstance(argument, Sized))
        if self._left < 0:  # a list of a million, copied by three bytes a time
            raise WeightsError(f"{self._where}: the pickle copies more at byte {position} than a file of tensors does")
        return stand_in(*arguments)

    def _set_state(self, value: Any, state: Any) -> None:
        if hasattr(value, "set_state"):  # a stand-in of ours
            value.set_state(state)
        else:
            _require(value, dict)  # an OrderedDict with attributes (`_metadata` of a state dict), which are not weights


def _key(value: Any) -> Any:
    if not isinstance(value, _KEYS):
        raise TypeError(f"a {type(value).__name__} is no key of a dict of tensors")
    return value


def plain_dict(items: Any = ()) -> dict:
    """`dict` of pairs, or of a dict, with keys that can be compared in no time."""
    pairs = items.items() if isinstance(items, dict) else items
    return {_key(key): value for key, value in pairs}


def _require(value: Any, kind: type) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"a {kind.__name__} is expected, found a {type(value).__name__}")
    return value
