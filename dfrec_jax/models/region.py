"""Which part of an image counts as the face that was put there: the map that is used, and the image without it.

Where such a face lies and whether it was put there are two questions. The paper's map answers both: an empty one says
that nothing was. With `ism.verdict` the classification head answers the second, or the caller does.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from dfrec_jax.models.ism import IsmOutput

EMPTY = 0.25  # share of the face's region: a map that covers less of it leaves the face out
HIDDEN_FROM = 0.5  # a pixel of so high a map is hidden altogether where the region is
GRAY = 0.5  # what stands in its place


class KnownMap(NamedTuple):
    """Source maps that are known of some examples of a batch."""

    source_map: Float[Array, "b h w 1"]  # in [0, 1]
    is_known: Bool[Array, " b"]

    def or_else(self, source_map: Float[Array, "b h w 1"]) -> Float[Array, "b h w 1"]:
        """The known maps, and those of `source_map` where none is known."""
        return jnp.where(_rows(self.is_known), self.source_map, source_map)


def used_map(
    seen: IsmOutput,
    verdict: str,
    gate: float,
    is_swap: Bool[Array, " b"] | None = None,
    face_region: Float[Array, "b h w 1"] | None = None,
) -> Float[Array, "b h w 1"]:
    """The map that the SIRM and the TIRM take.

    Args:
      seen: of the ISM.
      verdict: 'map': the map itself; 'product': times the head's probability of a forgery; 'gate': the map from a
        probability of `gate` on, and below it nothing. The probability has no gradient.
      gate: see `verdict`.
      is_swap: what the caller knows, in place of the head: the map itself of a swap, an empty one of any other.
      face_region: takes the place of a swap's map that covers less than `EMPTY` of it.
    """
    source_map = seen.source_map
    if is_swap is not None:
        if face_region is not None:
            covered = jnp.sum(source_map * face_region, axis=(1, 2, 3)) / jnp.sum(face_region, axis=(1, 2, 3))
            source_map = jnp.where(_rows(covered < EMPTY), face_region, source_map)
        return jnp.where(_rows(is_swap), source_map, 0.0)
    if verdict == "map" or seen.logit is None:
        return source_map
    probability = jax.lax.stop_gradient(jax.nn.sigmoid(seen.logit))
    return source_map * _rows(probability if verdict == "product" else (probability >= gate).astype(source_map.dtype))


def without_region(
    image: Float[Array, "b h w 3"], source_map: Float[Array, "b h w 1"], is_hidden: Bool[Array, " b"]
) -> tuple[Float[Array, "b h w 3"], Float[Array, "b h w 1"]]:
    """The image, gray in the region of the hidden examples, and their maps, sharpened to say what is gray.

    Where a map of one half hid one half, the face would shine through every map that is not sure.
    """
    sharpened = jnp.minimum(source_map / HIDDEN_FROM, 1.0)
    source_map = jnp.where(_rows(is_hidden), sharpened, source_map)
    return jnp.where(_rows(is_hidden), image + sharpened * (GRAY - image), image), source_map


def told(verdict: str, face_region: Float[Array, "b h w 1"]) -> dict[str, Any]:
    """What a caller passes to `Dfrec` besides the picture, by who says that it is a swap.

    Args:
      verdict: 'network'; 'given': it is one, and the region takes the place of a map that leaves it out; 'region': it
        is one, and the region is the map.
      face_region: of every picture.
    """
    yes = jnp.ones(len(face_region), bool)
    return {
        "network": {},
        "given": {"is_swap": yes, "face_region": face_region},
        "region": {"known_map": KnownMap(face_region, yes)},
    }[verdict]


def _rows(values: Array) -> Array:
    return values[:, None, None, None]
