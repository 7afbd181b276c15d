"""TensorFlow.js weights: `model.json` and the binary shards beside it, quantised ones included.

Format: `weightsManifest` of the TensorFlow.js converter; a quantised value q stands for scale * q + min.
"""

import math
from pathlib import Path
from typing import Any

import numpy as np

from dfrec_jax.files import json_text
from dfrec_jax.weights.readers.pickles import shown
from dfrec_jax.weights.rules import WeightsError

_TYPES = {"float32": "<f4", "float16": "<f2", "int32": "<i4", "uint16": "<u2", "uint8": "u1", "bool": "?"}


def read_tfjs(path: Path) -> dict[str, np.ndarray]:
    """Every weight that the manifest of `path` (model.json) lists; a quantised one as float32.

    Raises:
      WeightsError: for a damaged manifest, a shard that is absent, outside the folder, too short or too long, or an
        unknown type.
    """
    try:
        manifest = json_text.parsed(path.read_text())["weightsManifest"]
        groups = [(list(map(str, group["paths"])), list(group["weights"])) for group in manifest]
    except (ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"{path}: no manifest of TensorFlow.js weights: {error!r}") from error
    named = [shard for shards, _ in groups for shard in shards]
    if len(named) != len(set(named)):  # a small manifest could ask for the same megabytes a million times
        raise WeightsError(f"{path}: damaged, it names a shard twice")
    tensors: dict[str, np.ndarray] = {}
    for shards, weights in groups:
        data, position = b"".join(_read_shard(path, shard) for shard in shards), 0
        for weight in weights:
            try:
                name, tensor, size = _tensor(weight, data, position)
            except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
                raise WeightsError(f"{path}: damaged at the weight {shown(weight)}: {error!r:.200}") from error
            tensors[name] = tensor
            position += size
        if position != len(data):
            raise WeightsError(
                f"{path}: its shards {shown(shards)} hold {len(data)} bytes, its weights take {position}"
            )
    return tensors


def _read_shard(path: Path, shard: str) -> bytes:
    if Path(shard).name != shard or "\0" in shard:
        raise WeightsError(f"{path}: the shard {shown(shard)} lies outside of the folder")
    try:
        if (path.parent / shard).exists() and not (path.parent / shard).is_file():
            raise WeightsError(f"{path}: its shard {shown(shard)} is no file")
        return (path.parent / shard).read_bytes()
    except (OSError, UnicodeError) as error:
        words = error.strerror if isinstance(error, OSError) else str(error)
        raise WeightsError(f"{path}: its shard {shown(shard)} cannot be read: {words}") from error


def _tensor(weight: dict[str, Any], data: bytes, position: int) -> tuple[str, np.ndarray, int]:
    """Name and values of one weight, and its bytes in the shards."""
    quantisation = weight.get("quantization")
    dtype = np.dtype(_TYPES[quantisation["dtype"] if quantisation else weight["dtype"]])
    name, shape = weight["name"], tuple(weight["shape"])
    if not isinstance(name, str) or not all(type(n) is int and 0 <= n <= len(data) for n in shape) or len(shape) > 32:
        raise ValueError("a name is a text, and a shape is up to 32 numbers, none larger than the shards")
    size = math.prod(shape) * dtype.itemsize
    if position + size > len(data):
        raise ValueError(f"truncated: bytes up to {position + size} are needed, the shards hold {len(data)}")
    values = np.frombuffer(data[position : position + size], dtype).reshape(shape)
    if quantisation:
        values = values.astype(np.float32)
        if "scale" in quantisation:
            values = values * np.float32(quantisation["scale"]) + np.float32(quantisation["min"])
    return name, values, size
