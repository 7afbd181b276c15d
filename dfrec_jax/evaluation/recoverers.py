"""Recoverers: pictures in, recovered faces out. Whatever a table has a row for is one of them."""

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

from dfrec_jax.config import defaults
from dfrec_jax.models.dfrec import Dfrec, DfrecOutput, region_without_ism
from dfrec_jax.nets.patches import unpatchify
from dfrec_jax.runs import trained

COPY, INPAINTING, DFREC = "copy of the input", "inpainting without f_t", "DFREC"


class Seen(NamedTuple):
    """What a recoverer may look at: a batch without the truth.

    Attributes:
      image: RGB in [0, 1]: the forgery, or the pristine face.
      landmarks: five of `image`, in pixels; NaN where they are not known.
      keys: for whatever is drawn at random; an example's result depends on its own key alone.
    """

    image: Float[Array, "b h w 3"]
    landmarks: Float[Array, "b 5 2"]
    keys: Key[Array, " b"]


class Recovered(NamedTuple):
    """What a recoverer makes of it: pictures are RGB in [0, 1] of the size of `image`; None is what a method lacks.

    Attributes:
      target: the face that was there before the swap.
      source: the face that was put on.
      source_map: in [0, 1], where the source is.
      generated: 1 where `target` was generated, 0 where it is the input's own pixel.
      masked_image: what `target` was generated from.
      logit: above 0 where the image is said to be a forgery.
    """

    target: Float[Array, "b h w 3"]
    source: Float[Array, "b h w 3"] | None = None
    source_map: Float[Array, "b h w 1"] | None = None
    generated: Float[Array, "b h w 1"] | None = None
    masked_image: Float[Array, "b h w 3"] | None = None
    logit: Float[Array, " b"] | None = None


class Recoverer(NamedTuple):
    """A row.

    Attributes:
      name: of the row.
      variables: of its networks, passed in as an argument: jit would write those of a closure into the program.
      recover: from `variables` and what is seen to what is recovered; pure, and jitted by whoever calls it.
    """

    name: str
    variables: Any
    recover: Callable[[Any, Seen], Recovered]


def seen(batch: Mapping[str, Array], keys: Key[Array, " b"]) -> Seen:
    """The part of a float batch (`fields.to_float`) that a recoverer may see."""
    return Seen(batch["image"], batch["landmarks"], keys)


def run_all(
    recoverers: Mapping[str, Callable[[Any, Seen], Recovered]], variables: Mapping[str, Any], given: Seen
) -> dict[str, Recovered]:
    """Every recoverer on one batch; in one program what two of them share is computed once."""
    return {name: recover(variables[name], given) for name, recover in recoverers.items()}


def copy() -> Recoverer:
    """Gives the input back, as both faces."""
    return Recoverer(COPY, (), lambda variables, given: Recovered(target=given.image, source=given.image))


def dfrec(network: trained.Trained) -> Recoverer:
    """The whole DFREC."""
    return Recoverer(DFREC, network.variables, _of_dfrec(network, use_target_tokens=True))


def inpainting(network: trained.Trained) -> Recoverer:
    """The same DFREC without f_t: what it makes of the background alone."""

    def recover(variables: Any, given: Seen) -> Recovered:
        return _of_dfrec(network, use_target_tokens=False)(variables, given)._replace(source=None)

    return Recoverer(INPAINTING, network.variables, recover)


def generated_region(idx_mask: Int[Array, "b m"], num_patches: int, patch_size: int) -> Float[Array, "b h w 1"]:
    """1 on the pixels of the masked patches, which are generated; 0 where the input's own pixels stand."""
    masked = jax.vmap(lambda row: jnp.zeros(num_patches).at[row].set(1.0))(idx_mask)
    pixels = jnp.broadcast_to(masked[..., None], (*masked.shape, 3 * patch_size**2))
    return unpatchify(pixels, patch_size, math.isqrt(num_patches))[..., :1]


def _of_dfrec(network: trained.Trained, *, use_target_tokens: bool) -> Callable[[Any, Seen], Recovered]:
    model: Dfrec = network.model
    num_patches, patch_size = defaults.num_patches(network.config), network.config.tirm.patch_size

    def recover(variables: Any, given: Seen) -> Recovered:
        region = region_without_ism(model, given.image, given.landmarks)
        output: Any = model.apply(
            variables,
            given.image,
            given.keys,
            train=False,
            face_region=region,
            use_target_tokens=use_target_tokens,
        )
        assert isinstance(output, DfrecOutput)
        return Recovered(
            target=output.target_face,
            source=output.source_face,
            source_map=output.source_map,
            generated=generated_region(output.idx_mask, num_patches, patch_size),
            masked_image=output.masked_image,
            logit=output.logit,
        )

    return recover
