"""The face swap of the embedded faces: a source's inner face on a target's picture, through which the target shows."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from dfrec_jax.synthetic.factors import Attributes, Identity, Surroundings
from dfrec_jax.synthetic.renderer import render
from dfrec_jax.synthetic.shapes import mix

Scalar = Float[Array, ""] | float


class Swap(NamedTuple):
    """One forgery and what it was made of; pictures are RGB in [0, 1].

    Attributes:
      forgery: the target's picture with the inner face of the source.
      source: the source's own picture, in the pose, expression and light of the forgery.
      target: the target's own picture.
      source_mask: where the forgery was changed; soft, in [0, 1].
      landmarks: of the forgery: left eye, right eye, nose, left and right corner of the mouth; x, y in pixels.
    """

    forgery: Float[Array, "s s 3"]
    source: Float[Array, "s s 3"]
    target: Float[Array, "s s 3"]
    source_mask: Float[Array, "s s 1"]
    landmarks: Float[Array, "5 2"]


@jax.jit
def put_on(source: Identity, target: Identity, colour_match: Scalar) -> Identity:
    """The target's head and hair with the source's inner face.

    Args:
      source: gives eyes, brows, nose, mouth and marks.
      target: gives the outline of the head, the ears and the hair.
      colour_match: share of the target's skin tone in the result's, in [0, 1].
    """
    skin = source.skin._replace(tone=mix(source.skin.tone, target.skin.tone, colour_match))
    return source._replace(face=target.face, hair=target.hair, skin=skin)


def swap(
    source: Identity,
    target: Identity,
    attributes: Attributes,
    source_surroundings: Surroundings,
    leak: Scalar,
    colour_match: Scalar,
    size: int,
) -> Swap:
    """Draws a forgery: target * (1 - m) + m * ((1 - leak) * swapped + leak * target), with m the soft mask.

    Fig. 1 of the paper observes that a forgery keeps a part of the target's identity; here that part is the target's
    own picture, blended in the pixels, so that it is known and recoverable.

    Args:
      source: whose inner face is put on.
      target: whose head, hair, background and attributes remain.
      attributes: of the target's picture, the forgery, and, but for the surroundings, the source's picture.
      source_surroundings: background, clothes and glasses of the source's own picture.
      leak: share of the target's picture inside the mask, in [0, 1].
      colour_match: see `put_on`.
      size: of the square pictures, in pixels.
    """
    original = render(target, attributes, size)
    swapped = render(put_on(source, target, colour_match), attributes, size)
    own = render(source, attributes._replace(surroundings=source_surroundings), size)
    forgery = _blend(original.image, swapped.image, original.inner_face, leak)
    return Swap(forgery, own.image, original.image, original.inner_face, swapped.landmarks)


@jax.jit
def _blend(
    original: Float[Array, "s s 3"], swapped: Float[Array, "s s 3"], mask: Float[Array, "s s 1"], leak: Scalar
) -> Float[Array, "s s 3"]:
    share = mask * (1.0 - leak)
    return original * (1.0 - share) + swapped * share  # exact where the share is 0 or 1, which mix is not


def pristine(identity: Identity, attributes: Attributes, size: int) -> Swap:
    """A picture that is its own source and target, with an empty mask."""
    image, inner_face, landmarks = render(identity, attributes, size)
    return Swap(image, image, image, jnp.zeros_like(inner_face), landmarks)
