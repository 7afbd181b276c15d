"""Keras weights in HDF5 (.h5): every data set by its path, such as `conv1/conv1_b`."""

from pathlib import Path

import numpy as np

from dfrec_jax.weights.rules import WeightsError

MOST_PER_BYTE = 1200  # values' bytes for one of the file's; deflate packs 1,032 zeros into one
MAGIC = b"\x89HDF\r\n\x1a\n"


def read_keras(path: Path) -> dict[str, np.ndarray]:
    """Every data set of the file; a whole model keeps its weights under `model_weights`.

    Links are not followed, and data that lie in other files are refused: the file alone is read.

    Raises:
      WeightsError: for a truncated or damaged file, or a data set that is no plain array.
    """
    import h5py  # a tenth of a second, for the few files of this kind

    tensors: dict[str, np.ndarray] = {}

    def visit(name: str | bytes, item: object) -> None:
        if not isinstance(name, str):
            raise WeightsError(f"{path}: the name {name!r} is no text")
        if isinstance(item, h5py.Dataset):
            if item.external or item.is_virtual or item.dtype.kind not in "biufc":
                raise WeightsError(f"{path}: {name!r} is no plain array of numbers in this file")
            if item.nbytes > MOST_PER_BYTE * item.id.get_storage_size():  # where nothing is stored, zeros are made up
                raise WeightsError(f"{path}: {name!r} says {item.shape}, for which the file is too short")
            tensors[name] = item[()]

    try:
        with h5py.File(path, "r") as file:
            file.visititems(visit)
    except WeightsError:
        raise
    except (KeyError, MemoryError, OSError, RuntimeError, TypeError, ValueError) as error:
        raise WeightsError(f"{path}: truncated or damaged HDF5 file: {error}") from error
    return tensors
