"""One network-parity fixture: what its reference computed, under which weights."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tests import recipe

Arrays = dict[str, np.ndarray]


class NotAtHand(Exception):
    """Something that a fixture needs, as a real weight file, is absent; the message says what and where it belongs."""


class Case(NamedTuple):
    """A fixture's two files.

    Attributes:
      name: of the fixture.
      facts: its JSON: `salt`, `note`, `tensors` {name: shape}; in trimmed fixtures `subsample` {array: step an axis}.
      arrays: inputs and the reference's outputs, in the reference's layout (NCHW).
    """

    name: str
    facts: dict[str, Any]
    arrays: Arrays

    def fill(self, prefix: str = "") -> Arrays:
        """The deterministic state dict: every listed tensor whose name begins with `prefix`, which is then cut off."""
        listed = self.facts["tensors"].items()
        shapes = {name.removeprefix(prefix): tuple(shape) for name, shape in listed if name.startswith(prefix)}
        return recipe.fill_state_dict(shapes, self.facts["salt"])

    def image(self) -> np.ndarray:
        """`image_u8` as float32 NHWC in [0, 1]."""
        return np.moveaxis(self.arrays["image_u8"], 1, -1).astype(np.float32) / np.float32(255)


class Covered(NamedTuple):
    """A fixture that a network of ours covers.

    Attributes:
      inputs: arrays of the fixture that are given; all others must be computed.
      compute: returns our value of every other array, in the reference's layout and whole: subsampling is the
        harness's. Runs under matmul precision 'highest'. May raise `NotAtHand`.
    """

    inputs: tuple[str, ...]
    compute: Callable[[Case], Arrays]


def load(folder: Path, name: str) -> Case:
    """Reads `<name>.json` and `<name>.npz`."""
    facts = json.loads((folder / f"{name}.json").read_text())
    with np.load(folder / f"{name}.npz") as arrays:
        return Case(name, facts, dict(arrays))


def channels_first(x: Any) -> np.ndarray:
    """NHWC -> NCHW."""
    return np.moveaxis(np.asarray(x), -1, 1)
