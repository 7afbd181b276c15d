"""From recovered pictures to numbers: of each example, and sums of the sets, added up by `clu.metrics` collections.

Which ones is the metrics' own word (`metric.py`): here they are run, each as often as pictures come.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from clu import metrics
from flax import struct
from jaxtyping import Array, Bool, Float, UInt8

from dfrec_jax.evaluation import spread
from dfrec_jax.evaluation.describing import describe
from dfrec_jax.evaluation.measure import GRAY
from dfrec_jax.evaluation.metric import BetweenSets, Compared, Metric, Number, NumberOnHost
from dfrec_jax.evaluation.spread import Spread
from dfrec_jax.frozen.network import FrozenNetwork
from dfrec_jax.metrics.fid import Moments

Pictures = UInt8[np.ndarray, "b h w 3"]
_EXAMPLE = ("number", "is_forgery", "has_target", "target_id")  # of a batch: who is in it, and what it is
_GIVEN = ("landmarks", "target", "inside_mask")  # of a batch: what the devices compare by


class Measures(NamedTuple):
    """What is measured, and by which networks.

    Attributes:
      metrics: those of the tables; one whose network is missing is not measured.
      networks: by role, on the devices (`Spread.everywhere`).
    """

    metrics: tuple[Metric, ...]
    networks: Mapping[str, FrozenNetwork]

    def numbers(self) -> tuple[Number | NumberOnHost, ...]:
        """Of each example, each once."""
        there = (metric.taken for metric in self.measurable())
        return tuple(dict.fromkeys(taken.number for taken in there if not isinstance(taken, BetweenSets)))

    def sets(self) -> dict[str, str]:
        """By metric, the role whose features are added up."""
        there = self.measurable()
        return {one.name: one.role for one in there if isinstance(one.taken, BetweenSets)}

    def on_host(self) -> tuple[str, ...]:
        """The roles of which the host gets what the networks say."""
        of_numbers = [number.role for number in self.numbers() if isinstance(number, NumberOnHost)]
        return tuple(dict.fromkeys([*self.sets().values(), *of_numbers]))

    def measurable(self) -> list[Metric]:
        """The metrics whose networks are there."""
        return [metric for metric in self.metrics if not metric.role or metric.role in self.networks]


class Truth(NamedTuple):
    """What a batch's recovered targets are compared with, described once for all rows.

    Attributes:
      examples: who is in each of all hosts' rows and what it is, on the host.
      given: landmarks, targets and, where the batch has it, `inside_mask`, on the devices.
      of_image, of_target: of `describe`, on the devices.
      of_target_on_host: of those the ones that the host takes sums of, or works on in float64.
    """

    examples: Mapping[str, np.ndarray]
    given: Mapping[str, Array]
    of_image: dict[str, Array]
    of_target: dict[str, Array]
    of_target_on_host: dict[str, np.ndarray]


def collection(measures: Measures) -> type[metrics.Collection]:
    """A row's sums: `examples` holds every example's numbers, and of each distance `<name>_of_recovered` and
    `<name>_of_reference` the moments of the two sets."""
    names = (*_EXAMPLE, *(number.name for number in measures.numbers()))
    sets = {of_set: _moments_of(name, of_set) for name in measures.sets() for of_set in sets_of(name)}
    return metrics.Collection.create(examples=metrics.CollectingMetric.from_outputs(names), **sets)


def sets_of(name: str) -> tuple[str, str]:
    """What the sums of a distance are called in the collection: of recovered and of true targets."""
    return f"{name}_of_recovered", f"{name}_of_reference"


def examples_of(batch: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Who is in each of all hosts' rows of a batch, and what it is."""
    return spread.together({name: batch[name] for name in (*_EXAMPLE, "is_valid")})


def truth_of(measures: Measures, batch: Mapping[str, np.ndarray], devices: Spread) -> Truth:
    """Describes the input as it was given, and the true target.

    Args:
      measures: what will be asked of them.
      batch: this host's rows.
      devices: that share the rows.
    """
    networks = measures.networks
    image, given = devices.rows((batch["image"], {name: batch[name] for name in _GIVEN if name in batch}))
    of_image, of_target = (_described(networks, pictures, given["landmarks"]) for pictures in (image, given["target"]))
    examples = examples_of(batch)
    on_host = devices.fetch({role: of_target[role] for role in measures.on_host()})
    return Truth(examples, given, of_image, of_target, on_host)


def outputs_of(
    measures: Measures,
    truth: Truth,
    recovered: Pictures,
    generated: Bool[np.ndarray, "b h w 1"] | None,
    devices: Spread,
) -> dict[str, np.ndarray]:
    """What `collection` takes of one batch of one row; rows that only fill up the batch are left out.

    Numbers of the region alone are over the pixels that the row's own method generated. What lies beyond the border of
    the picture (`inside_mask`) has no truth: pixel metrics and regions leave it out.

    Args:
      measures: as for `truth_of`.
      truth: of `truth_of`.
      recovered: targets, RGB, this host's rows.
      generated: which pixels of them are not the input's; None: all.
      devices: that share the rows.
    """
    networks, given = measures.networks, truth.given
    pictures, generated = devices.rows((recovered, generated))
    described = _described(networks, pictures, given["landmarks"])
    on_host = tuple(number for number in measures.numbers() if isinstance(number, NumberOnHost))
    whole = tuple(number for number in measures.numbers() if isinstance(number, Number))
    alone = tuple(number for number in whole if number.is_of_region)
    is_cut = generated is not None or "inside_mask" in given  # otherwise the region is the whole picture
    if is_cut:
        whole = tuple(number for number in whole if not number.is_of_region)
    numbers = _numbers(whole, described, truth.of_target, truth.of_image, pictures, given)
    if is_cut and alone:
        needed = {number.role: networks[number.role] for number in alone if number.role}
        grayed = _grayed(pictures, given, generated)
        of_recovered, of_target = (_described(needed, one, given["landmarks"]) for one in grayed)
        numbers |= _region_numbers(alone, of_recovered, of_target, pictures, given, generated)
    found, features = devices.fetch((numbers, {role: described[role] for role in measures.on_host()}))
    for number in whole + alone:
        if number.decimals is not None:
            found[number.name] = np.round(found[number.name], number.decimals)
    for number in on_host:
        found[number.name] = number.of(features[number.role], truth.of_target_on_host[number.role])
    for name, role in measures.sets().items():
        found |= dict(zip(sets_of(name), (features[role], truth.of_target_on_host[role]), strict=True))
    found |= {name: truth.examples[name] for name in _EXAMPLE}
    return {name: value[truth.examples["is_valid"]] for name, value in found.items()}


def _moments_of(name: str, of_set: str) -> type[metrics.Metric]:
    """Sums of the features of one set of a distance, over the forgeries whose target is known and of which there are
    features in both: a face that cannot be aligned has none."""

    @struct.dataclass
    class OfForgeries(Moments):
        @classmethod
        def from_model_output(cls, **outputs: Any) -> Moments:
            counted = outputs["is_forgery"] & outputs["has_target"]
            for features in (outputs[both] for both in sets_of(name)):
                counted = counted & ~np.isnan(features).any(axis=-1)
            return Moments.of(outputs[of_set][counted])

    return OfForgeries


@jax.jit
def _described(
    networks: Mapping[str, FrozenNetwork], pictures: UInt8[Array, "b h w 3"], landmarks: Float[Array, "b 5 2"]
) -> dict[str, Array]:
    return describe(networks, jnp.float32(pictures) / 255, landmarks)


@partial(jax.jit, static_argnums=0)
def _numbers(
    numbers: Sequence[Number],
    of_recovered: Mapping[str, Array],
    of_target: Mapping[str, Array],
    of_image: Mapping[str, Array],
    recovered: UInt8[Array, "b h w 3"],
    given: Mapping[str, Array],
) -> dict[str, Array]:
    """Of the whole picture, `[b]` each."""
    compared = _compared(recovered, given, _inside(given), of_recovered, of_target, of_image)
    return {number.name: number.of(compared) for number in numbers}


@jax.jit
def _grayed(
    recovered: UInt8[Array, "b h w 3"], given: Mapping[str, Array], generated: Bool[Array, "b h w 1"] | None
) -> list[UInt8[Array, "b h w 3"]]:
    """The recovered and the true target, gray where nothing was generated."""
    region, gray = _region(given, generated), jnp.uint8(round(255 * GRAY))
    return [jnp.where(region, pictures, gray) for pictures in (_without_beyond(recovered, given), given["target"])]


@partial(jax.jit, static_argnums=0)
def _region_numbers(
    numbers: Sequence[Number],
    of_recovered: Mapping[str, Array],
    of_target: Mapping[str, Array],
    recovered: UInt8[Array, "b h w 3"],
    given: Mapping[str, Array],
    generated: Bool[Array, "b h w 1"] | None,
) -> dict[str, Array]:
    """Of the generated region alone; NaN where nothing was generated."""
    region = _region(given, generated)
    compared = _compared(recovered, given, region, of_recovered, of_target, {})
    is_any = region.any(axis=(1, 2, 3))
    return {number.name: jnp.where(is_any, number.of(compared), jnp.nan) for number in numbers}


def _compared(
    recovered: UInt8[Array, "b h w 3"],
    given: Mapping[str, Array],
    region: Bool[Array, "b h w 1"],
    of_recovered: Mapping[str, Array],
    of_target: Mapping[str, Array],
    of_image: Mapping[str, Array],
) -> Compared:
    pair = [jnp.float32(pictures) / 255 for pictures in (_without_beyond(recovered, given), given["target"])]
    return Compared(pair[0], pair[1], jnp.float32(region), of_recovered, of_target, of_image)


def _inside(given: Mapping[str, Array]) -> Bool[Array, "b h w 1"]:
    """Where the picture has pixels at all."""
    if "inside_mask" in given:
        return given["inside_mask"] > 127
    return jnp.ones((*given["target"].shape[:3], 1), bool)


def _region(given: Mapping[str, Array], generated: Bool[Array, "b h w 1"] | None) -> Bool[Array, "b h w 1"]:
    return _inside(given) if generated is None else _inside(given) & generated


def _without_beyond(recovered: UInt8[Array, "b h w 3"], given: Mapping[str, Array]) -> UInt8[Array, "b h w 3"]:
    """A window over the border sees nothing of what is beyond."""
    return jnp.where(_inside(given), recovered, given["target"]) if "inside_mask" in given else recovered
