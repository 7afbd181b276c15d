"""NumPy's arrays, scalars and types in a pickle: what stands in for each, and plain pickles of named arrays."""

from collections.abc import Callable, Mapping
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np

from dfrec_jax.weights.readers.pickles import BoundedFile, Pickle, shown
from dfrec_jax.weights.rules import WeightsError


class NumpyType:
    """`numpy.dtype`: the type code, such as `f8`, comes first and the byte order as its state."""

    def __init__(self, code: str, *_: Any) -> None:
        """Takes what `numpy.dtype` takes."""
        self._code, self._order = code, "|"

    def set_state(self, state: tuple) -> None:
        """Takes the byte order from what `numpy.dtype.__reduce__` gives."""
        self._order = state[1]

    def resolve(self) -> np.dtype:
        """The type. Raises ValueError for one that is no plain number."""
        if self._code[:1] not in "biufc" or self._order not in ("<", ">", "|", "="):
            raise ValueError(f"the NumPy type {self._order}{self._code}")
        return np.dtype(self._order + self._code)


class NumpyArray:
    """`numpy.ndarray`, which is made empty and filled by its state."""

    def __init__(self, *_: Any) -> None:
        """Takes the type and shape of the empty array, which do not matter."""
        self.values = np.zeros(0)

    def set_state(self, state: tuple) -> None:
        """Takes version, shape, type, whether columns come first, and the bytes."""
        _, shape, dtype, is_fortran, data = state
        self.values = np.frombuffer(data, dtype.resolve()).reshape(shape, order="F" if is_fortran else "C")


def _scalar(kind: NumpyType, data: bytes) -> Any:
    return np.frombuffer(data, kind.resolve())[0].item()


def _encode(text: str, encoding: str) -> bytes:
    if encoding != "latin1":
        raise ValueError(f"bytes as {encoding!r} text")
    return text.encode("latin1")


SCALARS: Mapping[str, Callable[..., Any] | None] = {
    "_codecs.encode": _encode,
    "numpy.dtype": NumpyType,
    "numpy.core.multiarray.scalar": _scalar,
    "numpy._core.multiarray.scalar": _scalar,
}
_NAMES: Mapping[str, Callable[..., Any] | None] = {
    **SCALARS,
    "numpy.ndarray": None,
    "numpy.core.multiarray._reconstruct": NumpyArray,
    "numpy._core.multiarray._reconstruct": NumpyArray,
}


def read_numpy_pickle(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a plain pickle of `{name: array}`.

    Raises:
      WeightsError: for a truncated or damaged pickle, or one that holds anything else; nothing in it is run.
    """

    def refuse(reference: Any) -> None:
        raise WeightsError(f"{path}: the pickle refers to {shown(reference)} outside of itself")

    with BoundedFile(FileIO(path)) as file:
        tree = Pickle(file, _NAMES, refuse, str(path)).load()
    if not isinstance(tree, dict) or not tree:
        raise WeightsError(f"{path}: a pickle of a {type(tree).__name__}, not of named arrays")
    for name, value in tree.items():
        if not isinstance(name, str) or not isinstance(value, NumpyArray):
            raise WeightsError(f"{path}: {shown(name)} in the pickle is a {type(value).__name__}, no array")
    return {name: value.values for name, value in tree.items()}
