"""Which of several hosts the others wait for: by its input, or by how long its devices take for the same small product.

All hosts end a step at the same time, since each waits for the others in it; the time of a step says nothing of one.
"""

import sys
import time
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils

from dfrec_jax.runs import hosts

INPUT_SHARE, INPUT_RATIO = 0.1, 2.0  # of the time that a slow host waits for input; and times what the median does
PRODUCT_RATIO = 1.5  # times what the median host takes for the product
SIDE, TRIES, WANTED_SECONDS = 256, 3, 0.005


class SlowHosts:
    """Compares the hosts now and then; all of them call at the same step."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic):
        self._clock, self._since, self._input = clock, clock(), 0.0
        self._before: set[int] = set()  # slow the last time; once may be chance
        self._said: set[int] = set()
        self._product = make_product() if jax.process_count() > 1 else None

    def compare(self, step: int, input_seconds: float) -> dict[str, list[float]]:
        """Has the first host say which host is slow twice in a row, once until it is no more.

        Args:
          step: under way, which all hosts know.
          input_seconds: that this host has waited for input since it began.

        Returns:
          Of each host, since the last call: `input_by_host`, the share of the time that it waited for input; and
          `product_by_host`, seconds that its first device took for the product. Nothing where there is one host.
        """
        if self._product is None:
            return {}
        now = self._clock()
        share = (input_seconds - self._input) / max(now - self._since, 1e-9)
        own = np.array([share, self._product()], np.float32)
        self._since, self._input = self._clock(), input_seconds
        of_all = np.asarray(multihost_utils.process_allgather(own))
        waited, products = of_all[:, 0].tolist(), of_all[:, 1].tolist()
        found = slow(waited, products)
        for host in sorted(found.keys() & self._before - self._said):
            if jax.process_index() == 0:
                print(f"step {step}: {found[host]}", file=sys.stderr, flush=True)
        self._said = found.keys() & (self._said | self._before)
        self._before = set(found)
        return {"input_by_host": _rounded(waited), "product_by_host": _rounded(products)}


def slow(waited: Sequence[float], products: Sequence[float]) -> dict[int, str]:
    """The slow hosts by number, each with a line that says why.

    Args:
      waited: of each host, the share of the time that it waited for input.
      products: of each host, seconds for the same product.
    """
    found = {}
    for host in range(len(waited)):
        others = [value for number, value in enumerate(waited) if number != host]
        others_products = [value for number, value in enumerate(products) if number != host]
        if waited[host] > INPUT_SHARE and waited[host] > INPUT_RATIO * np.median(others):
            found[host] = (
                f"{hosts.called(host)} is slow: it waited for input {waited[host]:.0%} of the time, the others "
                f"{max(others):.0%} at most, and all wait for it; see its disk and network, and data.num_threads"
            )
        elif products[host] > PRODUCT_RATIO * np.median(others_products):
            ratio = products[host] / np.median(others_products)
            found[host] = (
                f"{hosts.called(host)} is slow: its device takes {ratio:.1f} times as long as the others' for the same "
                "product, and all wait for it; is it shared, hot or throttled?"
            )
    return found


def make_product() -> Callable[[], float]:
    """`() -> seconds` of one device of this host for a chain of products, the best of a few tries; all hosts take a
    chain of the same length, some milliseconds long on the first."""
    device = jax.local_devices()[0]
    matrix = jax.device_put(jnp.eye(SIDE, dtype=jnp.float32), device)
    chain = jax.jit(lambda matrix, number: jax.lax.fori_loop(0, number, lambda _, value: value @ matrix, matrix))

    def seconds(number: int) -> float:
        tries = []
        for _ in range(TRIES):
            began = time.perf_counter()
            chain(matrix, number).block_until_ready()
            tries.append(time.perf_counter() - began)
        return min(tries)

    seconds(1)  # compiled

    def wanted() -> int:
        number = 1
        while seconds(number) < WANTED_SECONDS and number < 1 << 20:
            number *= 2
        return number

    number = hosts.first_decides(wanted)
    return lambda: seconds(number)


def _rounded(values: Sequence[float]) -> list[float]:
    return [round(value, 4) for value in values]
