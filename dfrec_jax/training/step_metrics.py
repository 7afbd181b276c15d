"""What a training step says of itself, as a `clu.metrics` collection: made in the step, merged between two log lines.

A line of the log is of its own step (`clu.metrics.LastValue`). Means since the line before would be of other steps in a
run that was resumed between two lines, and its log would not be that of a run that was left alone.
"""

import functools
from collections.abc import Callable, Mapping

import jax
from clu import metrics
from jax.sharding import Mesh
from jaxtyping import Array, Float

from dfrec_jax.training import sharding

Numbers = dict[str, jax.Array]  # of one batch, by name: the terms of a loss, and what else is worth a line
Merge = Callable[[metrics.Collection | None, metrics.Collection], metrics.Collection]


def of_step(numbers: Mapping[str, Float[Array, ""]]) -> metrics.Collection:
    """The collection of one step, of numbers of its global batch: the same on every host, with nothing to gather.

    They stand in the log in the order of the alphabet.
    """
    return _collection(tuple(sorted(numbers))).single_from_model_output(**numbers)


def make_merge(mesh: Mesh) -> Merge:
    """Returns `(merged so far or None, collection of a step) -> merged`, on the devices: no host waits for it."""
    merge = jax.jit(lambda merged, of_step: merged.merge(of_step), out_shardings=sharding.replicated(mesh))
    return lambda merged, of_step: of_step if merged is None else merge(merged, of_step)


def computed(merged: metrics.Collection) -> dict[str, float]:
    """Its values on the host, which waits for the last of the steps."""
    return {name: float(value) for name, value in jax.device_get(merged).compute().items()}


@functools.cache  # a class is part of what jax.jit compares
def _collection(names: tuple[str, ...]) -> type[metrics.Collection]:
    return metrics.Collection.create(**{name: metrics.LastValue.from_output(name) for name in names})
