"""PyTorch files (.pth, .pt, .ckpt), in the zip and the older serialisation, read without PyTorch.

Formats: `torch/serialization.py` of PyTorch (`_save`, `_legacy_save`). The pickle inside is read by `pickles.Pickle`;
tensors are views of the mapped file, so that a checkpoint of gigabytes costs only the tensors that are used.
"""

import lzma
import math
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from io import BufferedIOBase, BytesIO, FileIO
from pathlib import Path
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np

from dfrec_jax.weights.readers.numpy_pickles import SCALARS
from dfrec_jax.weights.readers.pickles import Attributes, BoundedFile, Pickle, plain_dict, shown
from dfrec_jax.weights.rules import WeightsError

# A pickle of the integer that opens a file of the older serialisation.
LEGACY_MAGIC = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"
_LEGACY_PROTOCOL = 1001
_MAX_PICKLE_BYTES = 1 << 28  # the pickle lists the tensors; a state dict of 1,000 takes 100 kB
# What the standard library raises for a damaged zip file; RuntimeError: encrypted, or of an unknown compression.
_ZIP_ERRORS = (
    zipfile.BadZipFile, EOFError, IndexError, OSError, RuntimeError, ValueError, lzma.LZMAError, struct.error,
    zlib.error,
)  # fmt: skip
_MAX_AXES = 32
_MAX_INTEGER = 1 << 62  # what NumPy takes for a size

STORAGE_TYPES: dict[str, np.dtype] = {
    f"torch.{name}Storage": np.dtype(dtype)
    for name, dtype in {
        "Float": "<f4", "Double": "<f8", "Half": "<f2", "BFloat16": ml_dtypes.bfloat16,
        "Long": "<i8", "Int": "<i4", "Short": "<i2", "Char": "i1", "Byte": "u1", "Bool": "?",
        "ComplexFloat": "<c8", "ComplexDouble": "<c16",
    }.items()
}  # fmt: skip


class _Storage(NamedTuple):
    """A run of `size` elements, `start` elements into the bytes that the file keeps under `key`."""

    key: str
    dtype: np.dtype
    start: int
    size: int


class Tensor(NamedTuple):
    """A tensor that the file describes; `PytorchFile.array` gives its values."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class PytorchFile:
    """One file that `torch.save` wrote.

    Attributes:
      tree: what was saved, tensors as `Tensor`: usually a dict of them, or a dict of such dicts.
    """

    def __init__(self, path: Path) -> None:
        """Reads the description of the tensors, not the tensors.

        Raises:
          WeightsError: for a file that is truncated, damaged, a TorchScript archive, or holds more than tensors,
            containers and numbers.
        """
        self._where = str(path)
        self._starts: dict[str, tuple[int, int]] = {}  # of each storage: its first byte in the file, its bytes
        self._sizes: dict[str, int] = {}  # of each storage in the older form: the bytes of an element
        self._bytes = np.memmap(path, np.uint8, mode="r")
        self._big_endian = False
        with BoundedFile(FileIO(path)) as file:
            is_zip = file.read(4) == b"PK\x03\x04"
            file.seek(0)
            self.tree = self._read_zip(file) if is_zip else self._read_legacy(file)

    def array(self, tensor: Tensor, name: str) -> np.ndarray:
        """The values of `tensor`, read-only, a view of the file wherever its alignment permits.

        Raises:
          WeightsError: for values outside the file, or a shape that its storage does not hold; says `name`.
        """
        storage, shape = tensor.storage, tensor.shape
        if storage.key not in self._starts:
            raise WeightsError(f"{self._where}: tensor {name!r} lies in storage {storage.key!r}, which the file lacks")
        start, num_bytes = self._starts[storage.key]
        itemsize = storage.dtype.itemsize
        integers = (*shape, *tensor.strides, tensor.offset, storage.start, storage.size)
        is_possible = len(shape) == len(tensor.strides) and len(shape) <= _MAX_AXES
        if not is_possible or not all(type(n) is int and 0 <= n < _MAX_INTEGER for n in integers):
            raise WeightsError(
                f"{self._where}: tensor {name!r} has impossible shape {shown(shape)}, strides {shown(tensor.strides)}"
            )
        last = sum((n - 1) * stride for n, stride in zip(shape, tensor.strides, strict=True))
        if math.prod(shape) > storage.size or (math.prod(shape) and tensor.offset + last >= storage.size):
            raise WeightsError(
                f"{self._where}: tensor {name!r} of shape {shape} does not fit its storage of {storage.size} elements"
            )
        if (storage.start + storage.size) * itemsize > num_bytes or start + num_bytes > self._bytes.size:
            raise WeightsError(
                f"{self._where}: truncated, tensor {name!r} needs bytes up to "
                f"{start + (storage.start + storage.size) * itemsize} and the file has {self._bytes.size}"
            )
        dtype = storage.dtype.newbyteorder("S") if self._big_endian else storage.dtype
        first = start + (storage.start + tensor.offset) * itemsize
        strides = tuple(stride * itemsize for stride in tensor.strides)
        if not math.prod(shape):
            if math.prod(n for n in shape if n) > self._bytes.size:  # NumPy refuses it, if it overflows
                raise WeightsError(f"{self._where}: tensor {name!r} has impossible shape {shown(shape)}")
            return np.zeros(shape, dtype)
        view = np.ndarray(shape, dtype, self._bytes, first, strides)
        return view if view.flags.aligned else view.copy()

    def _read_zip(self, file: BufferedIOBase) -> Any:
        try:
            archive = zipfile.ZipFile(file)
        except _ZIP_ERRORS as error:
            raise WeightsError(f"{self._where}: truncated or damaged zip file: {error}") from error
        members = {member.filename: member for member in archive.infolist()}
        pickles = [name for name in members if name == "data.pkl" or name.endswith("/data.pkl")]
        if len(pickles) != 1:
            raise WeightsError(
                f"{self._where}: a zip file with {len(pickles)} data.pkl, so not one that torch.save wrote"
            )
        root = pickles[0].removesuffix("data.pkl")
        if f"{root}constants.pkl" in members:
            raise WeightsError(
                f"{self._where}: a TorchScript archive, which is a program; use a file of its state_dict()"
            )
        if members[pickles[0]].file_size > _MAX_PICKLE_BYTES:
            raise WeightsError(
                f"{self._where}: data.pkl has {members[pickles[0]].file_size} bytes: not a list of tensors"
            )
        try:
            order = archive.read(f"{root}byteorder") if f"{root}byteorder" in members else b"little"
            stream = BytesIO(archive.read(pickles[0]))
        except _ZIP_ERRORS as error:
            raise WeightsError(f"{self._where}: damaged zip file: {error}") from error
        self._big_endian = order == b"big"
        for name, member in members.items():
            if name.startswith(f"{root}data/"):
                self._starts[name.removeprefix(f"{root}data/")] = self._member_bytes(file, member)
        return self._pickle(stream, self._storage_in_zip)

    def _member_bytes(self, file: BufferedIOBase, member: zipfile.ZipInfo) -> tuple[int, int]:
        if member.compress_type != zipfile.ZIP_STORED:
            raise WeightsError(f"{self._where}: {member.filename} is compressed, which torch.save never does")
        lengths = b""
        if member.header_offset >= 0:
            file.seek(member.header_offset + 26)  # of the local header: the lengths of its name and of its extra field
            lengths = file.read(4)
        if len(lengths) != 4:
            raise WeightsError(f"{self._where}: damaged zip file, no {member.filename} at byte {member.header_offset}")
        name_bytes, extra_bytes = np.frombuffer(lengths, "<u2")
        return member.header_offset + 30 + int(name_bytes) + int(extra_bytes), member.file_size

    def _read_legacy(self, file: BufferedIOBase) -> Any:
        magic = file.read(len(LEGACY_MAGIC) + 1)
        if magic != LEGACY_MAGIC + b".":
            raise WeightsError(f"{self._where}: a pickle or unknown file that torch.save did not write")
        protocol, system = self._pickle(file), self._pickle(file)
        if protocol != _LEGACY_PROTOCOL or not isinstance(system, dict):
            raise WeightsError(f"{self._where}: protocol {shown(protocol)} of torch.save is unknown, expected 1001")
        self._big_endian = not system.get("little_endian", True)
        tree, keys = self._pickle(file, self._storage_in_legacy), self._pickle(file)
        if (
            not isinstance(keys, list)
            or not all(isinstance(key, str) for key in keys)
            or sorted(keys) != sorted(self._sizes)
        ):
            raise WeightsError(f"{self._where}: damaged, the list of storages is not that of the tensors")
        for key in keys:
            header = file.read(8)
            count = int.from_bytes(header, "big" if self._big_endian else "little", signed=True)
            start, num_bytes = file.tell(), count * self._sizes[key]
            if len(header) != 8 or not 0 <= num_bytes <= self._bytes.size - start:
                raise WeightsError(
                    f"{self._where}: truncated or damaged at byte {start}, the values of storage {key!r}"
                )
            self._starts[key] = (start, num_bytes)
            file.seek(start + num_bytes)
        return tree

    def _pickle(self, stream: BufferedIOBase, load_reference: Callable[[Any], _Storage] | None = None) -> Any:
        def refuse(reference: Any) -> _Storage:
            raise WeightsError(f"{self._where}: the pickle refers to {shown(reference)} outside of its tensors")

        return Pickle(stream, _NAMES, load_reference or refuse, self._where).load()

    def _storage_in_zip(self, reference: Any) -> _Storage:
        kind, storage_type, key, _, size = reference
        return self._storage(kind, storage_type, key, 0, size)

    def _storage_in_legacy(self, reference: Any) -> _Storage:
        kind, storage_type, key, _, size, view = reference
        storage = self._storage(kind, storage_type, key, 0, size)
        self._sizes[key] = storage.dtype.itemsize
        if view is None:
            return storage
        _, start, view_size = view  # a storage that shares the bytes of another one
        return storage._replace(start=start, size=view_size)

    def _storage(self, kind: str, storage_type: str, key: str, start: int, size: int) -> _Storage:
        are_texts = all(isinstance(text, str) for text in (kind, storage_type, key))
        if not are_texts or kind != "storage" or storage_type not in STORAGE_TYPES:
            raise WeightsError(
                f"{self._where}: the pickle refers to {shown((kind, storage_type, key))}, no storage of a tensor"
            )
        return _Storage(key, STORAGE_TYPES[storage_type], start, size)


def _tensor(storage: _Storage, offset: int, shape: tuple, strides: tuple, *_: Any) -> Tensor:
    """`torch._utils._rebuild_tensor_v2`; whether it needs gradients, and its hooks, are of no use here."""
    if not isinstance(storage, _Storage):
        raise TypeError(f"a tensor's storage is expected, found a {type(storage).__name__}")
    return Tensor(storage, offset, tuple(shape), tuple(strides))


def _parameter(tensor: Tensor, *_: Any) -> Tensor:
    return tensor


_NAMES: Mapping[str, Callable[..., Any] | None] = {
    **dict.fromkeys(STORAGE_TYPES, None),
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_parameter": _parameter,
    "torch.Size": tuple,
    "collections.OrderedDict": plain_dict,
    "collections.Counter": plain_dict,  # milestones of a learning rate schedule, in whole training checkpoints
    "argparse.Namespace": Attributes,  # command-line arguments, in the same
    **SCALARS,  # a metric as a NumPy scalar, in the same
}
