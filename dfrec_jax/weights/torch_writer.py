"""Writes tensors as `torch.save` does (the zip form), without PyTorch; `torch.load(weights_only=True)` reads them.

Format: `torch/serialization.py` and `caffe2/serialize/inline_container.h` of PyTorch, version 3: a pickle that lists
the tensors, and the bytes of each as a stored member that begins at a multiple of 64.
"""

import contextlib
import math
import os
import struct
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from dfrec_jax.weights.readers.pytorch import STORAGE_TYPES
from dfrec_jax.weights.rules import WeightsError

StateDicts = Mapping[str, Mapping[str, np.ndarray]]
_ROOT = "archive/"
_ALIGNMENT = 64
_LOCAL_HEADER_BYTES = 30
_PADDING_ID = b"FB"  # of the extra field that PyTorch pads with
_TIME = (1980, 1, 1, 0, 0, 0)  # the same tensors give the same file
_TYPE_NAMES = {dtype: name.removeprefix("torch.") for name, dtype in STORAGE_TYPES.items()}


def write_pytorch(path: str | Path, state_dicts: StateDicts) -> None:
    """Writes `{entry: {name: tensor}}`, whole or not at all; each tensor gets a storage of its own.

    Raises:
      WeightsError: for a type that PyTorch lacks, or a file that cannot be written; names it.
    """
    path = Path(path)
    for entry, tensors in state_dicts.items():
        for name, tensor in tensors.items():
            if _stored_as(tensor) not in _TYPE_NAMES:
                raise WeightsError(f"{entry}/{name} has the type {tensor.dtype}, which a PyTorch file cannot hold")
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_STORED) as archive:
            _add(archive, "data.pkl", b"".join(_pickle(state_dicts)))
            _add(archive, "byteorder", b"little")
            tensors = (tensor for tensors in state_dicts.values() for tensor in tensors.values())
            for key, tensor in enumerate(tensors):
                contiguous = np.ascontiguousarray(tensor, _stored_as(tensor))
                _add(archive, f"data/{key}", contiguous.reshape(-1).view(np.uint8).data)
            _add(archive, "version", b"3\n")
        os.replace(unfinished, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            unfinished.unlink()
        raise WeightsError(f"{path}: cannot be written: {error}") from error


def _add(archive: zipfile.ZipFile, name: str, content: bytes | memoryview) -> None:
    info = zipfile.ZipInfo(_ROOT + name, _TIME)
    info.file_size = len(content)
    start = archive.start_dir + _LOCAL_HEADER_BYTES + len(info.filename) + 4  # behind the padding's own header
    info.extra = _PADDING_ID + struct.pack("<H", -start % _ALIGNMENT) + b"Z" * (-start % _ALIGNMENT)
    with archive.open(info, "w") as member:
        member.write(content)


def _stored_as(tensor: np.ndarray) -> np.dtype:
    """The tensor's type in the byte order of the file, little-endian."""
    return tensor.dtype.newbyteorder("<") if tensor.dtype.byteorder == ">" else tensor.dtype


def _pickle(state_dicts: StateDicts) -> Iterator[bytes]:
    """The pickle, of protocol 2, that `torch.save` would write for these OrderedDicts."""
    yield b"\x80\x02" + _ORDERED_DICT + b"("
    key = 0
    for entry, tensors in state_dicts.items():
        yield _text(entry) + _ORDERED_DICT + b"("
        for name, tensor in tensors.items():
            yield _text(name) + _rebuild(tensor, key)
            key += 1
        yield b"u"
    yield b"u."


_ORDERED_DICT = b"ccollections\nOrderedDict\n)R"


def _rebuild(tensor: np.ndarray, key: int) -> bytes:
    """A call of `torch._utils._rebuild_tensor_v2(storage, offset, shape, strides, requires_grad, hooks)`."""
    storage_type = _TYPE_NAMES[_stored_as(tensor)]
    storage = (
        b"(" + _text("storage") + f"ctorch\n{storage_type}\n".encode() + _text(str(key)) + _text("cpu")
        + _integer(tensor.size) + b"tQ"
    )  # fmt: skip
    strides = [math.prod(tensor.shape[axis + 1 :]) for axis in range(tensor.ndim)]
    sizes = b"".join(b"(" + b"".join(map(_integer, numbers)) + b"t" for numbers in (tensor.shape, strides))
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + _integer(0) + sizes + b"\x89" + _ORDERED_DICT + b"tR"


def _text(text: str) -> bytes:
    encoded = text.encode()
    return b"X" + struct.pack("<I", len(encoded)) + encoded


def _integer(number: int) -> bytes:
    if number < 1 << 31:
        return b"J" + struct.pack("<i", number)
    return b"\x8a\x08" + struct.pack("<q", number)
