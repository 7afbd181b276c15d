"""From recovered pictures to numbers: of each example, and sums of the sets, added up by `clu.metrics` collections."""

from collections.abc import Mapping
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
from dfrec_jax.evaluation.spread import Spread
from dfrec_jax.frozen.network import FrozenNetwork
from dfrec_jax.metrics import image as image_metrics
from dfrec_jax.metrics.fid import Moments
from dfrec_jax.metrics.pose import geodesic_degrees

Pictures = UInt8[np.ndarray, "b h w 3"]
_EXAMPLE = ("number", "is_forgery", "has_target", "target_id")  # of a batch: who is in it, and what it is
_GIVEN = ("landmarks", "target", "inside_mask")  # of a batch: what the devices compare by
_ON_HOST = ("frechet", "pose")  # roles whose features the host takes sums of, or angles between in float64


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


def collection(networks: Mapping[str, FrozenNetwork]) -> type[metrics.Collection]:
    """A row's sums: `examples` holds every example's numbers, `recovered` and `reference` moments of the two sets."""
    names = (*_EXAMPLE, *_names(networks))
    sets = {name: _moments_of(name) for name in ("recovered", "reference")} if "frechet" in networks else {}
    return metrics.Collection.create(examples=metrics.CollectingMetric.from_outputs(names), **sets)


def truth_of(networks: Mapping[str, FrozenNetwork], batch: Mapping[str, np.ndarray], devices: Spread) -> Truth:
    """Describes the input as it was given, and the true target.

    Args:
      networks: by role, on the devices (`Spread.everywhere`).
      batch: this host's rows.
      devices: that share the rows.
    """
    image, given = devices.rows((batch["image"], {name: batch[name] for name in _GIVEN if name in batch}))
    of_image, of_target = (_described(networks, pictures, given["landmarks"]) for pictures in (image, given["target"]))
    examples = spread.together({name: batch[name] for name in (*_EXAMPLE, "is_valid")})
    on_host = devices.fetch({role: of_target[role] for role in _ON_HOST if role in of_target})
    return Truth(examples, given, of_image, of_target, on_host)


def outputs_of(
    networks: Mapping[str, FrozenNetwork],
    truth: Truth,
    recovered: Pictures,
    generated: Bool[np.ndarray, "b h w 1"] | None,
    devices: Spread,
) -> dict[str, np.ndarray]:
    """What `collection` takes of one batch of one row; rows that only fill up the batch are left out.

    IDSIM, PSNR and SSIM of the region alone are over the pixels that the row's own method generated. What lies beyond
    the border of the picture (`inside_mask`) has no truth: pixel metrics and regions leave it out.

    Args:
      networks: by role, on the devices.
      truth: of `truth_of`.
      recovered: targets, RGB, this host's rows.
      generated: which pixels of them are not the input's; None: all.
      devices: that share the rows.
    """
    given = truth.given
    pictures, generated = devices.rows((recovered, generated))
    described = _described(networks, pictures, given["landmarks"])
    numbers = _numbers(described, truth.of_image, truth.of_target, pictures, given)
    if generated is not None or "inside_mask" in given:
        alone = _alone(pictures, given, generated)
        identity = {"identity": networks["identity"]}
        embeddings = [_described(identity, one, given["landmarks"])["identity"] for one in alone]
        numbers |= _region_numbers(*embeddings, pictures, given, generated)
    found = devices.fetch((numbers, {role: described[role] for role in _ON_HOST if role in described}))
    found, on_host = found
    # A copy is as near to its input as any other copy: by float32's rounding it must not be ranked.
    found["to_input"] = np.round(found["to_input"], 5)
    if "pose" in on_host:
        found["pose"] = geodesic_degrees(on_host["pose"], truth.of_target_on_host["pose"])
    if "frechet" in on_host:
        found |= {"recovered": on_host["frechet"], "reference": truth.of_target_on_host["frechet"]}
    for name in ("idsim", "psnr", "ssim"):
        found.setdefault(f"{name}_region", found[name])
    found |= {name: truth.examples[name] for name in _EXAMPLE}
    return {name: value[truth.examples["is_valid"]] for name, value in found.items()}


def _moments_of(name: str) -> type[metrics.Metric]:
    """Sums of the features called `name`, over the forgeries whose target is known."""

    @struct.dataclass
    class OfForgeries(Moments):
        @classmethod
        def from_model_output(cls, **outputs: Any) -> Moments:
            return Moments.of(outputs[name][outputs["is_forgery"] & outputs["has_target"]])

    return OfForgeries


def _names(networks: Mapping[str, FrozenNetwork]) -> tuple[str, ...]:
    always = ("idsim", "to_input", "psnr", "ssim", "idsim_region", "psnr_region", "ssim_region")
    return (*always, *(name for name, role in (("attr", "attributes"), ("pose", "pose")) if role in networks))


@jax.jit
def _described(
    networks: Mapping[str, FrozenNetwork], pictures: UInt8[Array, "b h w 3"], landmarks: Float[Array, "b 5 2"]
) -> dict[str, Array]:
    return describe(networks, jnp.float32(pictures) / 255, landmarks)


@jax.jit
def _numbers(
    described: Mapping[str, Array],
    of_image: Mapping[str, Array],
    of_target: Mapping[str, Array],
    recovered: UInt8[Array, "b h w 3"],
    given: Mapping[str, Array],
) -> dict[str, Array]:
    """Of the whole picture, `[b]` each."""
    found = {
        "idsim": _cosine(described["identity"], of_target["identity"]),
        "to_input": _cosine(described["identity"], of_image["identity"]),
    }
    if "attributes" in described:
        found["attr"] = 100 * _cosine(described["attributes"], of_target["attributes"])
    return found | _of_pixels(_without_beyond(recovered, given), given["target"], _inside(given))


@jax.jit
def _alone(
    recovered: UInt8[Array, "b h w 3"], given: Mapping[str, Array], generated: Bool[Array, "b h w 1"] | None
) -> list[UInt8[Array, "b h w 3"]]:
    """The recovered and the true target, gray where nothing was generated."""
    region, gray = _region(given, generated), jnp.uint8(round(255 * GRAY))
    return [jnp.where(region, pictures, gray) for pictures in (_without_beyond(recovered, given), given["target"])]


@jax.jit
def _region_numbers(
    embedding: Float[Array, "b d"],
    reference: Float[Array, "b d"],
    recovered: UInt8[Array, "b h w 3"],
    given: Mapping[str, Array],
    generated: Bool[Array, "b h w 1"] | None,
) -> dict[str, Array]:
    """Of the generated region alone; NaN where nothing was generated."""
    region = _region(given, generated)
    found = _of_pixels(_without_beyond(recovered, given), given["target"], region)
    found["idsim"] = _cosine(embedding, reference)
    is_any = region.any(axis=(1, 2, 3))
    return {f"{name}_region": jnp.where(is_any, value, jnp.nan) for name, value in found.items()}


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


def _of_pixels(
    recovered: UInt8[Array, "b h w 3"], target: UInt8[Array, "b h w 3"], region: Bool[Array, "b h w 1"]
) -> dict[str, Array]:
    a, b, region = jnp.float32(recovered) / 255, jnp.float32(target) / 255, jnp.float32(region)
    return {"psnr": image_metrics.psnr(a, b, region), "ssim": image_metrics.ssim_uniform(a, b, region)}


def _cosine(a: Float[Array, "b d"], b: Float[Array, "b d"]) -> Float[Array, " b"]:
    """`metrics.identity.cosine` in float32, so that a number comes to the host in place of two embeddings."""
    norms = jnp.linalg.norm(a, axis=-1) * jnp.linalg.norm(b, axis=-1)
    return jnp.sum(a * b, axis=-1) / jnp.maximum(norms, 1e-12)
