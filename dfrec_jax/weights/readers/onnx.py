"""Initialisers of an ONNX model, read from the wire format of protocol buffers; no graph is run.

Field numbers: `onnx.proto` of the ONNX project (ModelProto.graph = 7, GraphProto.initializer = 5, TensorProto).
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import ml_dtypes
import numpy as np

from dfrec_jax.weights.rules import WeightsError

_GRAPH, _INITIALIZER = 7, 5
_DIMS, _DATA_TYPE, _NAME, _RAW_DATA, _EXTERNAL = 1, 2, 8, 9, 13
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # wire types
_TYPES = {
    1: np.dtype("<f4"), 2: np.dtype("u1"), 3: np.dtype("i1"), 4: np.dtype("<u2"), 5: np.dtype("<i2"),
    6: np.dtype("<i4"), 7: np.dtype("<i8"), 9: np.dtype("?"), 10: np.dtype("<f2"), 11: np.dtype("<f8"),
    12: np.dtype("<u4"), 13: np.dtype("<u8"), 16: np.dtype(ml_dtypes.bfloat16),
}  # fmt: skip
# Where a tensor without raw data keeps its values: float_data, int32_data, int64_data, double_data, uint64_data.
_FIXED_DATA = {4: np.dtype("<f4"), 10: np.dtype("<f8")}
_VARINT_DATA = (5, 7, 11)
_BITS_IN_INT32 = (10, 16)  # half floats are kept as the integers of their bits


class _Field(NamedTuple):
    """One field of a message: an integer, or the bytes of anything else."""

    number: int
    integer: int
    payload: memoryview
    is_integer: bool

    def integers(self) -> list[int]:
        """The integers of a repeated field, packed or one by one."""
        if self.is_integer:
            return [self.integer]
        values, position = [], 0
        while position < len(self.payload):
            value, position = _varint(self.payload, position)
            values.append(value)
        return values


def read_onnx(path: Path) -> dict[str, np.ndarray]:
    """Every initialiser of the model, by its name.

    Raises:
      WeightsError: for a truncated or damaged file, a tensor that lies in another file or has an unknown type, or a
        model without initialisers.
    """
    tensors: dict[str, np.ndarray] = {}
    try:
        for graph in _messages(memoryview(path.read_bytes()), _GRAPH):
            for message in _messages(graph, _INITIALIZER):
                name, tensor = _tensor(message)
                tensors[name] = tensor
    except (IndexError, OverflowError, ValueError) as error:
        raise WeightsError(f"{path}: truncated or damaged ONNX file: {error}") from error
    if not tensors:
        raise WeightsError(f"{path}: an ONNX file without initialisers, or no ONNX file")
    return tensors


def _tensor(message: memoryview) -> tuple[str, np.ndarray]:
    shape: list[int] = []
    integers: list[int] = []
    name, code, raw, values = "", 0, None, None
    for field in _fields(message):
        if field.number == _DIMS:
            shape += field.integers()
        elif field.number == _DATA_TYPE:
            code = field.integer
        elif field.number == _NAME:
            name = bytes(field.payload).decode()
        elif field.number == _RAW_DATA:
            raw = field.payload
        elif field.number == _EXTERNAL:
            raise ValueError(f"the values of {name or 'a tensor'!r} lie in another file")
        elif field.number in _FIXED_DATA:
            values = np.frombuffer(field.payload, _FIXED_DATA[field.number])
        elif field.number in _VARINT_DATA:
            integers += field.integers()
    if len(shape) > 32:
        raise ValueError(f"{name!r} has {len(shape)} axes")
    if code not in _TYPES:
        raise ValueError(f"{name!r} has the unknown type {code}")
    dtype = _TYPES[code]
    if raw is not None:
        array = np.frombuffer(raw, dtype)
    elif values is not None:
        if values.dtype != dtype:
            raise ValueError(f"{name!r} of type {dtype} keeps its values as {values.dtype}")
        array = values
    elif code in _BITS_IN_INT32:
        array = np.array(integers, np.uint16).view(dtype)
    else:
        array = np.array([n - (1 << 64) if n >> 63 and code != 13 else n for n in integers], dtype)
    if array.size != math.prod(shape):
        raise ValueError(f"{name!r} has {array.size} values for the shape {tuple(shape)}")
    return name, array.reshape(shape)


def _messages(data: memoryview, wanted: int) -> Iterator[memoryview]:
    return (field.payload for field in _fields(data) if field.number == wanted)


def _fields(data: memoryview) -> Iterator[_Field]:
    position = 0
    while position < len(data):
        key, position = _varint(data, position)
        wire_type = key & 7
        if wire_type == _VARINT:
            value, position = _varint(data, position)
            yield _Field(key >> 3, value, data[:0], is_integer=True)
            continue
        if wire_type == _BYTES:
            size, position = _varint(data, position)
        elif wire_type in (_FIXED32, _FIXED64):
            size = 4 if wire_type == _FIXED32 else 8
        else:
            raise ValueError(f"wire type {wire_type} at byte {position}")
        if position + size > len(data):
            raise ValueError(f"{size} bytes are announced at byte {position}, {len(data) - position} are left")
        yield _Field(key >> 3, 0, data[position : position + size], is_integer=False)
        position += size


def _varint(data: memoryview, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        value |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:
            return value, position
        if shift > 63:
            raise ValueError(f"a number of more than 64 bits ends at byte {position}")
