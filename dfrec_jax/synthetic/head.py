"""Ears and the skin of the face: relief and light, blush, and the marks that tell people apart."""

import jax.numpy as jnp

from dfrec_jax.synthetic.factors import Expression, Eyes, FaceShape, Hair, Light, Marks, Mouth, Nose, Skin
from dfrec_jax.synthetic.features import nose_relief
from dfrec_jax.synthetic.geometry import Frame
from dfrec_jax.synthetic.shapes import Layer, Planar, blob, colour, coverage, ellipse, mix, paint, step, wave


def paint_ears(picture: Planar, face: FaceShape, skin: Skin, light: Light, frame: Frame) -> Planar:
    """The ears; the head, painted afterwards, hides the far one as it turns."""
    u, v = frame.view
    side = jnp.where(u < 0, -1.0, 1.0)
    a = (u - side * (face.width + 0.01) + 0.1 * frame.yaw) * side
    b = v - face.ear_height - 0.1 * frame.pitch
    outer = ellipse(a - 0.12 * b * -1.0, b, 0.085, face.ear_size)
    lit = light.ambient + light.strength * jnp.clip(0.45 + 0.5 * side * light.direction[0], 0.1, 1.0)
    picture = paint(picture, colour(skin.tone) * lit[None], coverage(outer, frame.pixel * 1.2))
    inner = ellipse(a + 0.005 + 0.12 * b, b, 0.045, face.ear_size * 0.66)
    return paint(picture, colour(skin.tone * jnp.array([0.6, 0.42, 0.38])) * lit[None], coverage(inner, 0.03) * 0.75)


def relief(face: FaceShape, eyes: Eyes, nose: Nose, mouth: Mouth, expression: Expression, frame: Frame) -> Layer:
    """Height of the face above the ellipsoid, in head units: nose, brow, sockets, cheeks, lips, chin."""
    x, y = frame.face
    a = jnp.abs(x)
    brow = blob(a - 0.22, y - eyes.height + 0.15, 0.2, 0.07) * 0.022
    socket = blob(a - eyes.spacing, y - eyes.height, 0.17, 0.1) * (0.02 + 0.035 * eyes.socket)
    smile = jnp.maximum(expression.smile, 0.0)
    cheek = blob(a - 0.34, y - 0.22 + 0.05 * smile, 0.15, 0.13) * (0.03 + 0.6 * face.cheek + 0.025 * smile)
    fold = blob(a - 0.27 + 0.25 * (0.36 - y) * -1.0, y - 0.36, 0.03, 0.12) * (0.005 + 0.012 * smile)
    lips = blob(x, y - mouth.height, mouth.width * 0.9, 0.075) * 0.03
    below = blob(x, y - mouth.height - 0.13, 0.13, 0.03) * 0.02
    chin = blob(x, y - face.chin + 0.13, 0.14, 0.09) * (0.035 + 0.3 * face.chin_width)
    return nose_relief(nose, frame) + brow - socket + cheek - fold + lips - below + chin


def shade(height: Layer, skin: Skin, light: Light, frame: Frame) -> Planar:
    """Skin under one lamp and the sky: Lambert on an ellipsoid with `height` on it, warm in the shadow, glossy."""
    u, v = frame.view
    spread = 2.0 * frame.pixel
    wide = jnp.pad(height, 1, mode="edge")
    slope_x = (wide[1:-1, 2:] - wide[1:-1, :-2]) / spread
    slope_y = (wide[2:, 1:-1] - wide[:-2, 1:-1]) / spread
    normal_x, normal_y = 0.95 * u - slope_x, 0.55 * v - slope_y
    length = jnp.sqrt(normal_x**2 + normal_y**2 + 0.5)
    d = light.direction
    facing = (normal_x * d[0] + normal_y * d[1] + 0.7 * d[2]) / length
    lit = light.ambient + light.strength * jnp.clip(facing, 0.0, 1.0)
    warm = (
        colour(jnp.array([1.0, 0.93, 0.9]))
        + colour(jnp.array([0.0, 0.07, 0.1])) * jnp.clip(facing * 1.4, 0.0, 1.0)[None]
    )
    gloss = jnp.clip(facing, 0.0, 1.0) ** 12 * skin.gloss * light.strength * 0.22
    return colour(skin.tone) * warm * lit[None] + gloss[None]


def paint_tones(picture: Planar, skin: Skin, marks: Marks, frame: Frame) -> Planar:
    """Blush, freckles, moles, a scar and lines of age."""
    x, y = frame.face
    cheeks = blob(jnp.abs(x) - 0.33, y - 0.22, 0.14, 0.1) + 0.5 * blob(x, y - 0.2, 0.1, 0.07)
    picture = paint(picture, picture * jnp.array([1.05, 0.7, 0.68])[:, None, None], cheeks * skin.blush * 0.6)

    p = marks.phase
    spots = wave(44.0 * x + p[0] + 1.5 * wave(17.0 * y + p[1])) * wave(41.0 * y + p[2] + 1.5 * wave(15.0 * x + p[3]))
    spots = step(0.55, 0.85, spots) * blob(jnp.abs(x) - 0.2, y - 0.17, 0.3, 0.16)
    picture = paint(picture, picture * jnp.array([0.7, 0.5, 0.4])[:, None, None], spots * marks.freckles * 0.9)
    for i in range(3):
        away = jnp.sqrt((x - marks.moles[i, 0]) ** 2 + (y - marks.moles[i, 1]) ** 2 + 1e-8)
        there = coverage(away - marks.mole_size[i], frame.pixel) * (marks.mole_size[i] > 0)
        picture = paint(picture, colour(skin.tone * jnp.array([0.32, 0.2, 0.17])), there * 0.85)
    place = marks.scar_place
    along, across = x - 0.35 * place[0], y - 0.2 + 0.3 * place[1]
    along, across = along + place[2] * across, across - place[2] * along
    scar = coverage(jnp.maximum(jnp.abs(along) - 0.012, jnp.abs(across) - 0.11), 0.012 + frame.pixel) * marks.scar
    picture = paint(picture, colour(mix(skin.tone, jnp.array([0.9, 0.6, 0.58]), 0.6)), scar * 0.8)

    furrow = wave(60.0 * (y + 0.4 - 0.2 * x * x)) * blob(x, y + 0.4, 0.32, 0.1)
    fold = blob(jnp.abs(x) - 0.17 - 0.3 * (y - 0.28), (y - 0.36) * 0.4, 0.02, 0.045)
    lines = step(0.3, 0.9, furrow) + fold
    return paint(
        picture, picture * jnp.array([0.68, 0.58, 0.55])[:, None, None], jnp.clip(lines, 0.0, 1.0) * marks.age * 0.7
    )


def paint_beard(picture: Planar, marks: Marks, mouth: Mouth, nose: Nose, hair: Hair, frame: Frame) -> Planar:
    """Beard and moustache: coverage that thins out, with hairs in it."""
    x, y = frame.face
    a = jnp.abs(x)
    upper = 0.62 - 0.42 * marks.beard_reach * step(0.2, 0.5, a) - 0.1 * step(0.3, 0.1, a) * (1.0 - marks.beard_reach)
    bare = blob(x, y - mouth.height - 0.02, mouth.width * 1.05, 0.1)
    beard = step(-0.07, 0.09, y - upper) * (1.0 - step(0.4, 0.7, bare)) * marks.beard
    strip = jnp.abs(y - 0.5 * (nose.base + 0.04 + mouth.height - mouth.upper) - 0.2 * a * a) - 0.035
    moustache = coverage(strip, 0.05) * step(mouth.width * 1.25, mouth.width * 0.85, a) * marks.moustache
    hairs = 0.78 + 0.22 * wave(63.0 * x + 8.0 * wave(9.0 * y)) * wave(50.0 * y + 7.0 * x + 5.0 * wave(21.0 * x))
    layer = jnp.maximum(beard, moustache) * hairs
    return paint(picture, picture * 0.15 + colour(hair.colour * 0.6), layer * 0.85)
