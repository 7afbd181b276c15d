"""Files that hold named arrays and nothing else: safetensors and NumPy's npz."""

from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open

from dfrec_jax.files import npz
from dfrec_jax.weights.rules import WeightsError


def read_safetensors(path: Path) -> dict[str, np.ndarray]:
    """Every tensor of a safetensors file.

    Raises:
      WeightsError: for a truncated or damaged file, or a type that NumPy lacks.
    """
    tensors = {}
    try:
        with safe_open(path, framework="np") as file:
            for name in file.keys():  # noqa: SIM118  (a reader, not a dict)
                tensors[name] = file.get_tensor(name)
    except (SafetensorError, AttributeError, KeyError, OSError, TypeError, ValueError) as error:
        raise WeightsError(f"{path}: truncated or damaged safetensors file, or an unknown type: {error}") from error
    return tensors


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """Every array of an npz file.

    Raises:
      WeightsError: for a truncated or damaged file, or one that holds Python objects.
    """
    try:
        with path.open("rb") as file:
            return npz.read(file)
    except npz.ERRORS as error:
        raise WeightsError(f"{path}: truncated or damaged npz file, or one with Python objects: {error}") from error
