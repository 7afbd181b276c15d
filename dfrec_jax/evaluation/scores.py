"""From recovered pictures to numbers: of each example, and sums of the sets, added up by `clu.metrics` collections."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from clu import metrics
from flax import struct
from jaxtyping import Array, Bool, Float, UInt8

from dfrec_jax.evaluation.describing import describe_jitted
from dfrec_jax.evaluation.measure import GRAY
from dfrec_jax.frozen.network import FrozenNetwork
from dfrec_jax.metrics import image as image_metrics
from dfrec_jax.metrics.fid import Moments
from dfrec_jax.metrics.identity import cosine
from dfrec_jax.metrics.pose import geodesic_degrees

Pictures = UInt8[np.ndarray, "b h w 3"]
_EXAMPLE = ("number", "is_forgery", "has_target", "target_id")  # of a batch: who is in it, and what it is


class Truth(NamedTuple):
    """What a batch's recovered targets are compared with, described once for all rows."""

    batch: Mapping[str, np.ndarray]
    of_image: dict[str, np.ndarray]
    of_target: dict[str, np.ndarray]


def collection(networks: Mapping[str, FrozenNetwork]) -> type[metrics.Collection]:
    """A row's sums: `examples` holds every example's numbers, `recovered` and `reference` moments of the two sets."""
    names = (*_EXAMPLE, *_names(networks))
    sets = {name: _moments_of(name) for name in ("recovered", "reference")} if "frechet" in networks else {}
    return metrics.Collection.create(examples=metrics.CollectingMetric.from_outputs(names), **sets)


def truth_of(networks: Mapping[str, FrozenNetwork], batch: Mapping[str, np.ndarray], image: Pictures) -> Truth:
    """Describes the input as it was given, and the true target."""
    described = [_described(networks, pictures, batch["landmarks"]) for pictures in (image, batch["target"])]
    return Truth({**batch, "image": image}, *described)


def outputs_of(
    networks: Mapping[str, FrozenNetwork],
    truth: Truth,
    recovered: Pictures,
    generated: Bool[np.ndarray, "b h w 1"] | None,
) -> dict[str, np.ndarray]:
    """What `collection` takes of one batch of one row; rows that only fill up the batch are left out.

    IDSIM, PSNR and SSIM of the region alone are over the pixels that the row's own method generated. What lies beyond
    the border of the picture (`inside_mask`) has no truth: pixel metrics and regions leave it out.

    Args:
      networks: by role.
      truth: of `truth_of`.
      recovered: targets, RGB.
      generated: which pixels of them are not the input's; None: all.
    """
    batch = truth.batch
    described = _described(networks, recovered, batch["landmarks"])
    identity, reference = described["identity"], truth.of_target["identity"]
    found = {name: batch[name] for name in _EXAMPLE}
    found |= {"idsim": cosine(identity, reference), "to_input": cosine(identity, truth.of_image["identity"])}
    inside = batch["inside_mask"] > 127 if "inside_mask" in batch else None
    if inside is not None:  # a window over the border sees nothing of what is beyond
        recovered = np.where(inside, recovered, batch["target"])
        generated = inside if generated is None else generated & inside
    found |= _of_pixels(recovered, batch["target"], inside)
    found |= _region(networks["identity"], found, batch, recovered, generated)
    if "attributes" in networks:
        found["attr"] = 100 * cosine(described["attributes"], truth.of_target["attributes"])
    if "pose" in networks:
        found["pose"] = geodesic_degrees(described["pose"], truth.of_target["pose"])
    if "frechet" in networks:
        found |= {"recovered": described["frechet"], "reference": truth.of_target["frechet"]}
    return {name: np.asarray(value)[batch["is_valid"]] for name, value in found.items()}


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


def _region(
    network: FrozenNetwork,
    whole: Mapping[str, np.ndarray],
    batch: Mapping[str, np.ndarray],
    recovered: Pictures,
    generated: Bool[np.ndarray, "b h w 1"] | None,
) -> dict[str, np.ndarray]:
    """The same of what was generated alone; NaN where nothing was."""
    if generated is None:
        return {f"{name}_region": whole[name] for name in ("idsim", "psnr", "ssim")}
    alone = [np.where(generated, pictures, np.uint8(round(255 * GRAY))) for pictures in (recovered, batch["target"])]
    embeddings = [_described({"identity": network}, pictures, batch["landmarks"])["identity"] for pictures in alone]
    found = {"idsim": cosine(*embeddings), **_of_pixels(recovered, batch["target"], generated)}
    is_any = generated.any(axis=(1, 2, 3))
    return {f"{name}_region": np.where(is_any, value, np.nan) for name, value in found.items()}


def _described(networks: Mapping[str, FrozenNetwork], pictures: Pictures, landmarks: Any) -> dict[str, np.ndarray]:
    on_host: Any = jax.device_get(describe_jitted(networks, jnp.float32(pictures) / 255, landmarks))
    return on_host


@jax.jit
def _pixels(
    a: Float[Array, "b h w 3"], b: Float[Array, "b h w 3"], region: Float[Array, "b h w 1"]
) -> dict[str, Array]:
    return {"psnr": image_metrics.psnr(a, b, region), "ssim": image_metrics.ssim_uniform(a, b, region)}


def _of_pixels(recovered: Pictures, target: Pictures, region: Bool[np.ndarray, "b h w 1"] | None) -> dict[str, Any]:
    if region is None:
        region = np.ones((*recovered.shape[:3], 1), bool)
    found: Any = jax.device_get(_pixels(*(jnp.float32(x) / 255 for x in (recovered, target)), jnp.float32(region)))
    return found
