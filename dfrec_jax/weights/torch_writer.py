"""Writes tensors as `torch.save` does (the zip form), without PyTorch; `torch.load(weights_only=True)` reads them.

Format: `torch/serialization.py` and `caffe2/serialize/inline_container.h` of PyTorch, version 3: a pickle that lists
the tensors, and the bytes of each as a stored member that begins at a multiple of 64.
"""

import math
import struct
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from dfrec_jax.files import whole
from dfrec_jax.weights.readers.pytorch import STORAGE_TYPES
from dfrec_jax.weights.rules import WeightsError

_ROOT = "archive/"
_ALIGNMENT = 64
_LOCAL_HEADER_BYTES = 30
_PADDING_ID = b"FB"  # of the extra field that PyTorch pads with
_TIME = (1980, 1, 1, 0, 0, 0)  # the same tensors give the same file
_TYPE_NAMES = {dtype: name.removeprefix("torch.") for name, dtype in STORAGE_TYPES.items()}


def write_pytorch(path: str | Path, tensors: Iterable[tuple[str, str, np.ndarray]]) -> None:
    """Writes tensors as a dict of state dicts, whole or not at all; each tensor gets a storage of its own.

    Args:
      path: the file.
      tensors: entry, name and values of each, the tensors of one entry in a row. They are taken one at a time, so that
        a generator keeps gigabytes out of memory.

    Raises:
      WeightsError: for a type that PyTorch lacks, or a file that cannot be written; names it.
    """
    try:
        with whole.replacing(path) as unfinished, zipfile.ZipFile(unfinished, "w", zipfile.ZIP_STORED) as archive:
            _add(archive, "data.pkl", b"".join(_write_tensors(archive, tensors)))
            _add(archive, "byteorder", b"little")
            _add(archive, "version", b"3\n")
    except OSError as error:
        raise WeightsError(f"{path}: cannot be written: {error}") from error


def _write_tensors(archive: zipfile.ZipFile, tensors: Iterable[tuple[str, str, np.ndarray]]) -> Iterator[bytes]:
    """Adds the bytes of each tensor; yields the pickle, of protocol 2, that `torch.save` would write for them."""
    yield b"\x80\x02" + _ORDERED_DICT + b"("
    current = None
    for key, (entry, name, tensor) in enumerate(tensors):
        if entry != current:
            yield (b"" if current is None else b"u") + _text(entry) + _ORDERED_DICT + b"("
            current = entry
        dtype = tensor.dtype.newbyteorder("<") if tensor.dtype.byteorder == ">" else tensor.dtype
        if dtype not in _TYPE_NAMES:
            raise WeightsError(f"{entry}/{name} has the type {tensor.dtype}, which a PyTorch file cannot hold")
        _add(archive, f"data/{key}", np.ascontiguousarray(tensor, dtype).reshape(-1).view(np.uint8).data)
        yield _text(name) + _rebuild(tensor.shape, _TYPE_NAMES[dtype], key)
    yield b"u." if current is None else b"uu."


def _add(archive: zipfile.ZipFile, name: str, content: bytes | memoryview) -> None:
    info = zipfile.ZipInfo(_ROOT + name, _TIME)
    info.file_size = len(content)
    start = archive.start_dir + _LOCAL_HEADER_BYTES + len(info.filename) + 4  # behind the padding's own header
    info.extra = _PADDING_ID + struct.pack("<H", -start % _ALIGNMENT) + b"Z" * (-start % _ALIGNMENT)
    with archive.open(info, "w") as member:
        member.write(content)


_ORDERED_DICT = b"ccollections\nOrderedDict\n)R"


def _rebuild(shape: tuple[int, ...], storage_type: str, key: int) -> bytes:
    """A call of `torch._utils._rebuild_tensor_v2(storage, offset, shape, strides, requires_grad, hooks)`."""
    storage = b"(" + _text("storage") + f"ctorch\n{storage_type}\n".encode() + _text(str(key)) + _text("cpu")
    strides = [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
    sizes = b"".join(b"(" + b"".join(map(_integer, numbers)) + b"t" for numbers in (shape, strides))
    tensor = storage + _integer(math.prod(shape)) + b"tQ" + _integer(0) + sizes + b"\x89" + _ORDERED_DICT
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + tensor + b"tR"


def _text(text: str) -> bytes:
    encoded = text.encode()
    return b"X" + struct.pack("<I", len(encoded)) + encoded


def _integer(number: int) -> bytes:
    if number < 1 << 31:
        return b"J" + struct.pack("<i", number)
    return b"\x8a\x08" + struct.pack("<q", number)
