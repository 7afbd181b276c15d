"""From factors to a picture: the layers of a drawn portrait, from the background to the glasses."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from dfrec_jax.synthetic import features, geometry, hair, head, surroundings
from dfrec_jax.synthetic.factors import Attributes, Identity
from dfrec_jax.synthetic.shapes import Layer, coverage, paint, step


class Picture(NamedTuple):
    """A drawn face.

    Attributes:
      image: RGB in [0, 1].
      inner_face: soft mask in [0, 1] of brows to chin, without the hair in front: what a swap replaces.
      landmarks: left eye, right eye, nose, left and right corner of the mouth as seen in the picture; x, y in pixels.
    """

    image: Float[Array, "s s 3"]
    inner_face: Float[Array, "s s 1"]
    landmarks: Float[Array, "5 2"]


def render(identity: Identity, attributes: Attributes, size: int) -> Picture:
    """Draws one face, `size` pixels square. Pure; batch it with `jax.vmap`."""
    face, skin, eyes, brows, nose, mouth, hairs, marks = identity
    pose, expression, light, around = attributes
    frame = geometry.frame(pose, size)
    outline = geometry.outline(face, expression, frame)
    locks = hair.layers(hairs, outline, light, frame)

    picture = surroundings.backdrop(around, frame)
    picture = paint(picture, locks.paint * 0.7, locks.back)
    picture = surroundings.paint_body(picture, face, skin, light, around, frame)
    picture = head.paint_ears(picture, face, skin, light, frame)

    skin_picture = head.shade(head.relief(face, eyes, nose, mouth, expression, frame), skin, light, frame)
    skin_picture = head.paint_tones(skin_picture, skin, marks, frame)
    skin_picture = features.paint_eyes(skin_picture, eyes, skin, expression, light, frame)
    skin_picture = head.paint_beard(skin_picture, marks, mouth, nose, hairs, frame)
    skin_picture = features.paint_nose(skin_picture, nose, skin, light, frame)
    skin_picture = features.paint_mouth(skin_picture, mouth, skin, expression, light, frame)
    skin_picture = features.paint_brows(skin_picture, brows, eyes, hairs, expression, frame)
    skin_picture = hair.paint_hair_shadow(skin_picture, locks.front, light)
    picture = paint(picture, skin_picture, coverage(outline, frame.pixel * 1.3))
    picture = surroundings.paint_glasses(picture, around, eyes.height, frame)
    picture = paint(picture, locks.paint, locks.front)
    picture = picture * (light.tint * light.exposure)[:, None, None]
    image = jnp.clip(jnp.moveaxis(picture, 0, -1), 0.0, 1.0)
    inner = inner_face(outline, locks.front, frame)
    return Picture(image, inner[..., None], geometry.landmarks(identity, pose, expression, size))


def inner_face(outline: Layer, front_hair: Layer, frame: geometry.Frame) -> Layer:
    """Soft mask of the inner face: an oval from above the brows to the chin, inside the outline, without hair."""
    x, y = frame.face
    oval = jnp.sqrt((x / 0.5) ** 2 + ((y - 0.2) / 0.62) ** 2 + 1e-6)
    return step(1.06, 0.86, oval) * step(-0.01, -0.08, outline) * (1.0 - front_hair)
