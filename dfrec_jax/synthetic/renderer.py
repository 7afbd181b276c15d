"""From factors to a picture: the layers of a drawn portrait, from the background to the glasses."""

import functools
from typing import NamedTuple, TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from dfrec_jax.synthetic import features, geometry, hair, head, surroundings
from dfrec_jax.synthetic.factors import Attributes, Identity, Light
from dfrec_jax.synthetic.shapes import Layer, Planar, coverage, paint, step

Tree = TypeVar("Tree")


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


@functools.partial(jax.jit, static_argnames="size")
def render(identity: Identity, attributes: Attributes, size: int) -> Picture:
    """Draws one face, `size` pixels square: a pure function."""
    face, skin, eyes, brows, nose, mouth, hairs, marks = identity
    pose, expression, light, around = attributes
    settled = functools.partial(_settle, pose.scale > 0)
    frame = settled(geometry.frame(pose, size))
    outline = settled(geometry.outline(face, expression, frame))
    locks = settled(hair.layers(hairs, outline, light, frame))
    relief = settled(head.relief(face, eyes, nose, mouth, expression, frame))

    inside = settled(head.shade(relief, skin, light, frame))
    inside = settled(head.paint_tones(inside, skin, marks, frame))
    inside = settled(features.paint_eyes(inside, eyes, skin, expression, light, frame))
    inside = settled(head.paint_beard(inside, marks, mouth, nose, hairs, frame))
    inside = settled(features.paint_nose(inside, nose, skin, light, frame))
    inside = settled(features.paint_mouth(inside, mouth, skin, expression, light, frame))
    inside = settled(features.paint_brows(inside, brows, eyes, hairs, expression, frame))
    inside = hair.paint_hair_shadow(inside, locks.front, light)
    inside = settled(surroundings.paint_glasses(inside, around, eyes.height, frame))

    picture = settled(surroundings.backdrop(around, frame))
    picture = paint(picture, locks.paint * 0.7, locks.back)
    picture = settled(surroundings.paint_body(picture, face, skin, light, around, frame))
    picture = settled(head.paint_ears(picture, face, skin, light, frame))
    picture = paint(picture, inside, coverage(outline, frame.pixel * 1.3))
    picture = settled(_expose(paint(picture, locks.paint, locks.front), light))
    mask = inner_face(outline, locks.front, frame)
    points = geometry.landmarks(identity, pose, expression, size)
    return Picture(jnp.moveaxis(picture, 0, -1), mask[..., None], points)


def _settle(is_drawn: Bool[Array, ""], tree: Tree) -> Tree:
    """The same values, computed once: `is_drawn` is always true, but XLA cannot know.

    On the CPU XLA fuses elementwise work so eagerly that it repeats the arithmetic of a layer for each of its uses,
    and it drops `optimization_barrier` before it fuses. It does not fuse through a conditional: without these a face
    takes six times as long.
    """
    return jax.lax.cond(is_drawn, lambda: tree, lambda: jax.tree.map(jnp.zeros_like, tree))


def _expose(picture: Planar, light: Light) -> Planar:
    """The light's tint and the camera: highlights roll off instead of burning out."""
    picture = picture * (light.tint * light.exposure)[:, None, None]
    return jnp.clip(picture - 0.5 * jnp.maximum(picture - 0.7, 0.0) ** 2, 0.0, 1.0)


def inner_face(outline: Layer, front_hair: Layer, frame: geometry.Frame) -> Layer:
    """Soft mask of the inner face: an oval from above the brows to the chin, inside the outline, without hair."""
    x, y = frame.face
    oval = jnp.sqrt((x / 0.5) ** 2 + ((y - 0.2) / 0.62) ** 2 + 1e-6)
    return step(1.06, 0.86, oval) * step(-0.01, -0.08, outline) * (1.0 - front_hair)
