"""Drawing with signed distances: shapes with smooth edges, soft steps, and painting one colour over another.

A picture under construction is planar, [3, h, w]; a layer is a coverage [h, w] in [0, 1].
Distances are in head units (half the picture is about 1), negative inside a shape.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

Layer = Float[Array, "h w"]
Planar = Float[Array, "3 h w"]
Anywhere = Float[Array, "*place"]  # a layer, or one value
Colour = Float[Array, "3"]
Scalar = Float[Array, ""] | float


def coverage(distance: Anywhere, softness: Scalar) -> Anywhere:
    """1 inside a shape, 0 outside, with an edge `softness` wide: a pixel for a crisp one, more for a blurred one."""
    return jnp.clip(0.5 - distance / softness, 0.0, 1.0)


def step(low: Scalar, high: Scalar, value: Anywhere) -> Anywhere:
    """Smooth (cubic) step: 0 below `low`, 1 above `high`, and the reverse where high < low."""
    t = jnp.clip((value - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def blob(x: Layer, y: Layer, width: Scalar | Layer, height: Scalar) -> Layer:
    """A bump of height 1 at the origin that has fallen to 1/4 at `width` or `height`; a Gaussian without the exp."""
    r = (x / width) ** 2 + (y / height) ** 2
    return 1.0 / (1.0 + r) ** 2


def wave(phase: Anywhere) -> Anywhere:
    """A sine in all but name: two parabolas per turn. XLA's sine costs the CPU fourteen times as much."""
    turns = phase * (0.5 / jnp.pi)
    turns = turns - jnp.round(turns)
    return turns * (8.0 - 16.0 * jnp.abs(turns))


def ellipse(x: Layer, y: Layer, width: Scalar, height: Scalar) -> Layer:
    """Approximate signed distance to an ellipse with the half axes `width` and `height`."""
    r = jnp.sqrt((x / width) ** 2 + (y / height) ** 2 + 1e-9)
    slope = jnp.sqrt((x / width**2) ** 2 + (y / height**2) ** 2 + 1e-6)
    return (r - 1.0) * r / slope


def mix(a: Array | float, b: Array | float, share: Array | float) -> Array:
    """`a` where `share` is 0, `b` where it is 1."""
    return jnp.asarray(a + (b - a) * share)


def colour(c: Colour) -> Float[Array, "3 1 1"]:
    """A colour that broadcasts against a planar picture."""
    return c[:, None, None]


def paint(picture: Planar, paint_colour: Float[Array, "3 ..."], layer: Layer) -> Planar:
    """`picture` under a layer of one colour, or of another picture."""
    return picture + (paint_colour - picture) * layer[None]
