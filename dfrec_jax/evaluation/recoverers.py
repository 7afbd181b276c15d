"""Recoverers: pictures in, recovered faces out. Whatever a table has a row for is one of them."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key, UInt8

from dfrec_jax.config import defaults
from dfrec_jax.forging.candidate_region import face_regions
from dfrec_jax.frozen.network import FrozenNetwork
from dfrec_jax.models import region, residual
from dfrec_jax.models.dfrec import Dfrec, DfrecOutput, region_without_ism
from dfrec_jax.models.masking import generated_region
from dfrec_jax.runs import trained

COPY, INPAINTING, DFREC = "copy of the input", "inpainting without f_t", "DFREC"
SURROUNDINGS = "surroundings alone"
VISIBLE_GIVEN, VISIBLE_ESTIMATED = "DFREC, visible person given", "DFREC, visible person estimated"


class Seen(NamedTuple):
    """What a recoverer may look at: a batch without the truth of the target.

    Attributes:
      image: RGB in [0, 1]: the forgery, or the pristine face.
      landmarks: five of `image`, in pixels; NaN where they are not known.
      keys: for whatever is drawn at random; an example's result depends on its own key alone.
      visible: a picture of the person who is seen in `image`, of which `visible_given` alone may make use, and says so.
      visible_landmarks: five of it.
      points: 68 landmarks of `image`, NaN where they are not known; None of drawn faces, which have five.
    """

    image: Float[Array, "b h w 3"]
    landmarks: Float[Array, "b 5 2"]
    keys: Key[Array, " b"]
    visible: Float[Array, "b h w 3"] | None = None
    visible_landmarks: Float[Array, "b 5 2"] | None = None
    points: Float[Array, "b 68 2"] | None = None


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
      made: what sets its pictures apart from those that an earlier version made by the same weights; empty for nothing.
    """

    name: str
    variables: Any
    recover: Callable[[Any, Seen], Recovered]
    made: str = ""


class Loaded(NamedTuple):
    """A checkpoint of a run: its step, and what it recovers by."""

    step: int
    recoverer: Recoverer


def seen(batch: Mapping[str, Array], keys: Key[Array, " b"]) -> Seen:
    """The part of a float batch (`fields.to_float`) that a recoverer may see."""
    visible = batch.get("source"), batch.get("source_landmarks")
    return Seen(batch["image"], batch["landmarks"], keys, *visible, points=batch.get("points"))


def run_all(
    recoverers: Mapping[str, Callable[[Any, Seen], Recovered]], variables: Mapping[str, Any], given: Seen
) -> dict[str, Recovered]:
    """Every recoverer on one batch; in one program what two of them share is computed once."""
    return {name: recover(variables[name], given) for name, recover in recoverers.items()}


@jax.jit
def in_8_bits(pictures: Float[Array, "b h w c"]) -> UInt8[Array, "b h w c"]:
    """As `grid.to_uint8`, on the devices: what a host then gets is a quarter of the bytes."""
    return jnp.clip(jnp.rint(jnp.float32(pictures) * 255.0), 0, 255).astype(jnp.uint8)


def copy() -> Recoverer:
    """Gives the input back, as both faces."""
    return Recoverer(COPY, (), lambda variables, given: Recovered(target=given.image, source=given.image))


def dfrec(network: trained.Trained, verdict: str = "network") -> Recoverer:
    """The whole DFREC; `verdict` says whose word it is that a picture is a swap (`region.told`)."""
    return Recoverer(DFREC, network.variables, _of_dfrec(network, verdict))


def inpainting(network: trained.Trained, verdict: str = "network") -> Recoverer:
    """The same DFREC without f_t: what it makes of the background alone."""

    def recover(variables: Any, given: Seen) -> Recovered:
        return _of_dfrec(network, verdict, use_target_tokens=False)(variables, given)._replace(source=None)

    return Recoverer(INPAINTING, network.variables, recover)


def surroundings(network: trained.Trained, verdict: str = "network") -> Recoverer:
    """The same DFREC with the region of the map hidden from it: what it makes of the surroundings, f_t of them too."""

    def recover(variables: Any, given: Seen) -> Recovered:
        is_hidden = jnp.ones(len(given.image), bool)
        return _of_dfrec(network, verdict, is_hidden=is_hidden)(variables, given)._replace(source=None)

    return Recoverer(SURROUNDINGS, network.variables, recover)


def visible_given(network: trained.Trained, recogniser: FrozenNetwork, verdict: str = "network") -> Recoverer:
    """The same DFREC, told the residual identity beside a picture of the visible person (`residual.py`)."""

    def recover(variables: Any, given: Seen) -> Recovered:
        weights, recogniser = variables
        assert given.visible is not None and given.visible_landmarks is not None
        identity = _residual(recogniser, given, given.visible, given.visible_landmarks)
        return _of_dfrec(network, verdict, identity=identity)(weights, given)._replace(source=None)

    return Recoverer(VISIBLE_GIVEN, (network.variables, recogniser), recover)


def visible_estimated(network: trained.Trained, recogniser: FrozenNetwork, verdict: str = "network") -> Recoverer:
    """The same without a picture: the visible person is the source that a first pass recovers."""

    def recover(variables: Any, given: Seen) -> Recovered:
        weights, recogniser = variables
        first = _of_dfrec(network, verdict)(weights, given)
        assert first.source is not None
        identity = _residual(recogniser, given, first.source, given.landmarks)
        return _of_dfrec(network, verdict, identity=identity)(weights, given)._replace(source=None)

    return Recoverer(VISIBLE_ESTIMATED, (network.variables, recogniser), recover)


def _residual(
    recogniser: FrozenNetwork, given: Seen, visible: Float[Array, "b h w 3"], landmarks: Float[Array, "b 5 2"]
) -> Float[Array, "b e"]:
    """Zeros where a face cannot be aligned."""
    swap, person = recogniser(given.image, given.landmarks), recogniser(visible, landmarks)
    return residual.beside(swap["embedding"], person["embedding"])


def _of_dfrec(network: trained.Trained, verdict: str, **options: Any) -> Callable[[Any, Seen], Recovered]:
    """`options` are those of `Dfrec`."""
    model: Dfrec = network.model
    num_patches, patch_size = defaults.num_patches(network.config), network.config.tirm.patch_size

    def recover(variables: Any, given: Seen) -> Recovered:
        told: dict[str, Any] = {"face_region": region_without_ism(model, given.image, given.landmarks)}
        if verdict != "network":
            told |= region.told(verdict, face_regions(given.landmarks, given.image.shape[1]))
        output: Any = model.apply(variables, given.image, given.keys, train=False, **told, **options)
        assert isinstance(output, DfrecOutput)
        return Recovered(
            target=output.target_face,
            source=output.source_face,
            source_map=output.used_map,
            generated=generated_region(output.idx_mask, num_patches, patch_size),
            masked_image=output.masked_image,
            logit=output.logit,
        )

    return recover
