"""Readers of weight files; `read` tells the format by the file's first bytes and gives {name: array}."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dfrec_jax.weights.readers import keras
from dfrec_jax.weights.readers.arrays import read_npz, read_safetensors
from dfrec_jax.weights.readers.numpy_pickles import read_numpy_pickle
from dfrec_jax.weights.readers.onnx import read_onnx
from dfrec_jax.weights.readers.pickles import shown
from dfrec_jax.weights.readers.pytorch import LEGACY_MAGIC, PytorchFile, Tensor
from dfrec_jax.weights.readers.tfjs import read_tfjs
from dfrec_jax.weights.rules import WeightsError


def read(path: str | Path, *, entry: str = "", prefix: str = "") -> dict[str, np.ndarray]:
    """The tensors of the weight file `path`, by the names that its authors gave them, in its own layout and types.

    Large files are mapped, not loaded: an array costs memory when it is used.

    Args:
      path: a PyTorch (.pth, .pt, .ckpt; zip or the older serialisation), safetensors, npz, Keras HDF5 or ONNX file, a
        pickle of NumPy arrays (.pkl), or the model.json of TensorFlow.js.
      entry: where the tensors are in a file that holds more, such as `state_dict` or a group of HDF5; '/' separates
        levels.
      prefix: what every name must begin with, and is taken off, such as `module.`.

    Raises:
      WeightsError: for a file that is absent, truncated, damaged, of an unknown format or holds code; an entry or
        prefix that is not there; an entry that holds more than tensors. The message names the file and the place in it.
    """
    path = Path(path)
    if path.exists() and not path.is_file():  # of a pipe nobody knows when, or whether, it ends
        raise WeightsError(f"{path}: is a folder, a pipe or a device, and no file of weights")
    try:
        with path.open("rb") as file:
            head = file.read(512)
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read: {error.strerror}") from error
    tensors = _reader(path, head)(path, entry)
    wrong = [name for name in tensors if not name.startswith(prefix)]
    if wrong:
        raise WeightsError(f"{path}: tensor {wrong[0]!r} does not begin with {prefix!r}, as every name in it should")
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}


def _reader(path: Path, head: bytes) -> Callable[[Path, str], dict[str, np.ndarray]]:
    if head.startswith(b"PK\x03\x04"):
        first_member = head[30 : 30 + int.from_bytes(head[26:28], "little")]
        return _flat(read_npz) if first_member.endswith(b".npy") else _read_pytorch
    if head.startswith(LEGACY_MAGIC):
        return _read_pytorch
    if head.startswith(keras.MAGIC):
        return _flat(keras.read_keras)
    if head[8:9] == b"{":  # behind the length of the header, eight bytes
        return _flat(read_safetensors)
    if path.suffix == ".json":
        return _flat(read_tfjs)
    if path.suffix == ".onnx":
        return _flat(read_onnx)
    if path.suffix == ".pkl":
        return _flat(read_numpy_pickle)
    raise WeightsError(f"{path}: not a weight file of a known format (it begins with {head[:8]!r})")


def _flat(reader: Callable[[Path], dict[str, np.ndarray]]) -> Callable[[Path, str], dict[str, np.ndarray]]:
    """A reader of a format without nesting, in which an entry is what the names begin with."""

    def read_entry(path: Path, entry: str) -> dict[str, np.ndarray]:
        tensors = reader(path)
        if not entry:
            return tensors
        chosen = {
            name.removeprefix(f"{entry}/"): tensor for name, tensor in tensors.items() if name.startswith(f"{entry}/")
        }
        if not chosen:
            raise WeightsError(f"{path}: has no entry {entry!r}; it holds {_names(tensors)}")
        return chosen

    return read_entry


def _read_pytorch(path: Path, entry: str) -> dict[str, np.ndarray]:
    file = PytorchFile(path)
    selected = select(file.tree, entry, str(path))
    for name, value in selected.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            hint = f"; name an entry, one of {_names(selected)}" if isinstance(value, Mapping) else ""
            place = repr(entry) if entry else "the file"
            raise WeightsError(f"{path}: {shown(name)} in {place} is a {type(value).__name__}, no tensor{hint}")
    return {name: file.array(tensor, name) for name, tensor in selected.items()}


def select(tree: Any, entry: str, where: str) -> Mapping[str, Any]:
    """The dict under `entry` ('/' between levels; empty: the whole) of nested dicts.

    Raises:
      WeightsError: where there is none; lists what there is.
    """
    for level in entry.split("/") if entry else ():
        if not isinstance(tree, Mapping) or level not in tree:
            there = _names(tree) if isinstance(tree, Mapping) else f"a {type(tree).__name__}"
            raise WeightsError(f"{where}: has no entry {entry!r}; where {level!r} should be there is {there}")
        tree = tree[level]
    if not isinstance(tree, Mapping):
        raise WeightsError(
            f"{where}: {repr(entry) if entry else 'the file'} holds a {type(tree).__name__}, not a dict of tensors"
        )
    return tree


def _names(mapping: Mapping[Any, Any]) -> str:
    names = [name if isinstance(name, str) else shown(name) for name in mapping]
    return ", ".join(name[:80] for name in names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
