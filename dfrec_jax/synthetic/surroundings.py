"""What is behind and below the face: background, neck, clothes."""

import jax.numpy as jnp

from dfrec_jax.synthetic.factors import FaceShape, Light, Skin, Surroundings
from dfrec_jax.synthetic.geometry import Frame
from dfrec_jax.synthetic.shapes import Planar, colour, coverage, ellipse, mix, paint, step, wave


def backdrop(around: Surroundings, frame: Frame) -> Planar:
    """One of: a plain gradient, stripes, lights out of focus, a wall with a window."""
    x, y = frame.plane
    c, s = around.direction[0], around.direction[1]
    along, across = c * x + s * y, c * y - s * x
    picture = mix(colour(around.backdrop[0]), colour(around.backdrop[1]), step(-1.3, 1.3, along)[None])
    stripes = wave(around.frequency * across + 0.6 * wave(2.0 * along))
    picture = paint(picture, colour(around.backdrop[2]), around.pattern[1] * step(-0.25, 0.25, stripes) * 0.7)
    for i in range(4):
        distance = jnp.sqrt((x - around.place[i, 0]) ** 2 + (y - around.place[i, 1]) ** 2) - 0.13 - 0.07 * i
        light = mix(around.backdrop[2], jnp.ones(3), 0.15 * i)
        picture = paint(picture, colour(light), around.pattern[2] * coverage(distance, 0.1) * 0.5)
    u, v = x - around.place[0, 0], y + 0.3 - 0.3 * around.place[0, 1]
    edge = jnp.maximum(jnp.abs(u) - 0.45, jnp.abs(v) - 0.7)
    pane = jnp.maximum(edge, 0.02 - jnp.minimum(jnp.abs(u), jnp.abs(v - 0.1)))
    picture = paint(picture, colour(around.backdrop[2] * 0.6), around.pattern[3] * coverage(edge - 0.05, 0.06))
    picture = paint(
        picture, colour(mix(around.backdrop[2], jnp.ones(3), 0.55)), around.pattern[3] * coverage(pane, 0.06)
    )
    return picture


def paint_body(
    picture: Planar, face: FaceShape, skin: Skin, light: Light, around: Surroundings, frame: Frame
) -> Planar:
    """Shoulders with clothes, and the neck under the shadow of the chin."""
    x, y = frame.plane
    u, v = frame.view
    slope = 0.86 + 0.28 * x * x
    cloth = coverage((slope - y) * 0.9, frame.pixel * 1.5)
    fold = 1.0 + 0.09 * wave(9.0 * x + 5.0 * y + 3.0 * around.direction[0])
    lit = 0.75 + 0.35 * light.strength * (0.5 + 0.5 * light.direction[0] * x)
    picture = paint(picture, colour(around.clothes[0]) * (fold * lit)[None], cloth)
    neck = jnp.abs(u + 0.08 * frame.yaw) - face.width * (0.55 + 0.12 * step(0.7, 1.0, v))
    dip = around.neckline * 0.2 * jnp.maximum(1.0 - (x / 0.35) ** 2, -1.0) * (around.neckline > 0.4)
    neck = jnp.maximum(neck, y - 0.9 - 0.06 * (1.0 - (x / 0.4) ** 2) - dip)
    picture = paint(picture, colour(around.clothes[1]), coverage(neck - 0.035, frame.pixel * 1.5) * step(0.75, 0.85, y))
    tone = skin.tone * (light.ambient + 0.25 * light.strength)
    shaded = mix(
        colour(tone * jnp.array([0.72, 0.6, 0.57])), colour(tone), step(face.chin + 0.02, face.chin + 0.25, v)[None]
    )
    return paint(
        picture,
        shaded * (1.0 + 0.2 * light.direction[0] * u)[None],
        coverage(neck, frame.pixel * 1.5) * step(0.1, 0.2, v),
    )


def paint_glasses(picture: Planar, around: Surroundings, eye_height: jnp.ndarray, frame: Frame) -> Planar:
    """A frame around each eye, a bridge, temples, and a faint reflection."""
    x, y = frame.face
    a = jnp.abs(x) - 0.27
    b = y - eye_height - 0.015
    rounded = ellipse(a, b, 0.19, 0.145)
    square = jnp.maximum(jnp.abs(a) - 0.19, jnp.abs(b) - 0.12)
    lens = mix(rounded, square, around.glasses_shape[0] * 0.8)
    rim = coverage(jnp.abs(lens) - 0.007 - 0.014 * around.glasses_shape[1], frame.pixel)
    bridge = coverage(jnp.maximum(jnp.abs(b + 0.03) - 0.012, jnp.abs(x) - 0.1), frame.pixel)
    temple = coverage(jnp.maximum(jnp.abs(b + 0.03) - 0.012, 0.18 - a), frame.pixel) * step(0.75, 0.6, jnp.abs(x))
    glare = coverage(lens, frame.pixel) * step(0.05, 0.0, jnp.abs(a + b - 0.05)) * 0.16
    picture = paint(picture, colour(jnp.ones(3)), glare * around.glasses)
    ink = mix(around.clothes[1] * 0.3, jnp.array([0.05, 0.05, 0.06]), 0.6)
    return paint(picture, colour(ink), jnp.maximum(jnp.maximum(rim, bridge), temple) * around.glasses)
