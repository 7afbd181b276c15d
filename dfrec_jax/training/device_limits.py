"""What devices can do at most, as their makers say; the machine at hand is measured."""

import os
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from dfrec_jax.config.errors import ConfigError

GIB = 2**30


class Device(NamedTuple):
    """What a device can do at most, as its maker says: dense products, no sparsity.

    Attributes:
      peak: floating-point operations a second by the bytes of an operand; of 4, as JAX multiplies float32 by default.
      bandwidth: bytes a second of its memory.
      link: bytes a second that it sends to others, and as many that it receives.
      memory: bytes.
    """

    peak: dict[int, float]
    bandwidth: float
    link: float
    memory: int


DEVICES = {
    "h100": Device({2: 989e12, 4: 494e12}, 3.35e12, 450e9, 80 * GIB),  # SXM; float32 as TF32; NVLink
    "h200": Device({2: 989e12, 4: 494e12}, 4.8e12, 450e9, 141 * 10**9),
    "v5e": Device({2: 197e12, 4: 197e12}, 819e9, 100e9, 16 * GIB),  # float32 in passes of bfloat16
}
THIS_CPU = "cpu"


def device_of(name: str) -> Device:
    """A device by its name; `cpu` is measured here, for a second. Raises ConfigError for another name."""
    if name == THIS_CPU:
        return _this_cpu()
    if name not in DEVICES:
        raise ConfigError(f"--device={name}: must be one of {(*DEVICES, THIS_CPU)}")
    return DEVICES[name]


def _this_cpu() -> Device:
    matrix = np.ones((1024, 1024), np.float32)
    block = np.ones(2**25, np.float32)
    target = np.empty_like(block)
    seconds = _fastest(lambda: matrix @ matrix), _fastest(lambda: np.copyto(target, block))
    peak = 2 * 1024**3 / seconds[0]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Device({2: peak, 4: peak}, 2 * block.nbytes / seconds[1], 1e10, memory)


def _fastest(run: Callable[[], object]) -> float:
    taken = []
    for _ in range(5):
        begun = time.perf_counter()
        run()
        taken.append(time.perf_counter() - begun)
    return min(taken)
