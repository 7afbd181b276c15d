"""TensorFlow.js weights: `model.json` and the binary shards beside it, quantised ones included.

Format: `weightsManifest` of the TensorFlow.js converter; a quantised value q stands for scale * q + min.
"""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from dfrec_jax.weights.rules import WeightsError

_TYPES = {"float32": "<f4", "float16": "<f2", "int32": "<i4", "uint16": "<u2", "uint8": "u1", "bool": "?"}


def read_tfjs(path: Path) -> dict[str, np.ndarray]:
    """Every weight that the manifest of `path` (model.json) lists; a quantised one as float32.

    Raises:
      WeightsError: for a damaged manifest, a shard that is absent, outside the folder, too short or too long, or an
        unknown type.
    """
    try:
        manifest = json.loads(path.read_text())["weightsManifest"]
        groups = [(list(map(str, group["paths"])), list(group["weights"])) for group in manifest]
    except (ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"{path}: no manifest of TensorFlow.js weights: {error!r}") from error
    tensors: dict[str, np.ndarray] = {}
    for shards, weights in groups:
        data, position = b"".join(_read_shard(path, shard) for shard in shards), 0
        for weight in weights:
            try:
                name, tensor, size = _tensor(weight, data, position)
            except (KeyError, TypeError, ValueError) as error:
                raise WeightsError(f"{path}: damaged at the weight {weight!r}: {error!r}") from error
            tensors[name] = tensor
            position += size
        if position != len(data):
            raise WeightsError(f"{path}: its shards {shards} hold {len(data)} bytes, its weights take {position}")
    return tensors


def _read_shard(path: Path, shard: str) -> bytes:
    if Path(shard).name != shard:
        raise WeightsError(f"{path}: the shard {shard!r} lies outside of the folder")
    try:
        return (path.parent / shard).read_bytes()
    except OSError as error:
        raise WeightsError(f"{path}: its shard {shard!r} cannot be read: {error.strerror}") from error


def _tensor(weight: dict[str, Any], data: bytes, position: int) -> tuple[str, np.ndarray, int]:
    """Name and values of one weight, and its bytes in the shards."""
    quantisation = weight.get("quantization")
    dtype = np.dtype(_TYPES[quantisation["dtype"] if quantisation else weight["dtype"]])
    shape = tuple(weight["shape"])
    size = math.prod(shape) * dtype.itemsize
    if position + size > len(data):
        raise ValueError(f"truncated: bytes up to {position + size} are needed, the shards hold {len(data)}")
    values = np.frombuffer(data[position : position + size], dtype).reshape(shape)
    if quantisation:
        values = values.astype(np.float32)
        if "scale" in quantisation:
            values = values * np.float32(quantisation["scale"]) + np.float32(quantisation["min"])
    return weight["name"], values, size
