"""Eyes, brows, nose and mouth. Left and right share one drawing through |x|; what differs is told apart by the sign."""

import jax.numpy as jnp

from dfrec_jax.synthetic.factors import Brows, Expression, Eyes, Hair, Light, Mouth, Nose, Skin
from dfrec_jax.synthetic.geometry import Frame
from dfrec_jax.synthetic.shapes import Layer, Planar, blob, colour, coverage, ellipse, mix, paint, step, wave


def paint_eyes(picture: Planar, eyes: Eyes, skin: Skin, face: Expression, light: Light, frame: Frame) -> Planar:
    """Lids, crease, eyeball, iris, pupil, highlight and lashes."""
    x, y = frame.face
    side = jnp.where(x < 0, -1.0, 1.0)
    a, b = jnp.abs(x) - eyes.spacing, y - eyes.height
    a, b = a - eyes.tilt * b, b - eyes.tilt * -a  # the outer corner rises where the tilt is negative
    t = a / eyes.width
    arc = jnp.maximum(1.0 - t * t, 0.0)
    opening = eyes.opening * face.eye_open * (1.0 - 0.12 * jnp.maximum(face.smile, 0.0))
    upper = -opening * arc * (1.0 - eyes.skew * t) + 0.012 * jnp.minimum(t * t, 1.5)
    lower = 0.6 * opening * arc * (1.0 + 0.5 * eyes.skew * t) + 0.012 * jnp.minimum(t * t, 1.5)
    within = jnp.maximum(upper - b, b - lower) * 0.85
    inside = coverage(within, frame.pixel) * step(1.03, 0.97, jnp.abs(t))

    socket = blob(a, b + 0.07, eyes.width * 1.3, 0.07) * (0.1 + 0.22 * eyes.socket)
    picture = paint(picture, picture * jnp.array([0.62, 0.5, 0.5])[:, None, None], socket)
    crease = upper - 0.016 - 0.02 * eyes.crease
    fold = coverage(jnp.abs(b - crease) - 0.004, 0.012 + frame.pixel) * step(1.15, 0.7, jnp.abs(t))
    picture = paint(picture, colour(skin.tone * jnp.array([0.5, 0.36, 0.33])), fold * (0.25 + 0.45 * eyes.crease))
    bag = coverage(jnp.abs(b - lower - 0.03) - 0.004, 0.03) * step(1.0, 0.3, jnp.abs(t))
    picture = paint(picture, colour(skin.tone * jnp.array([0.62, 0.47, 0.45])), bag * 0.3)

    white = mix(jnp.array([0.97, 0.95, 0.94]), skin.tone, 0.12) * (0.75 + 0.3 * (light.ambient + 0.4 * light.strength))
    ball = colour(white) * ((0.72 + 0.28 * step(0.0, 0.05, b - upper)) * (1.0 - 0.16 * t * t))[None]
    p, q = a - 0.045 * side * face.gaze[0], b + 0.006 - 0.02 * face.gaze[1]
    r = jnp.sqrt(p * p + q * q + 1e-8) / eyes.iris_size
    ring = mix(
        jnp.clip(eyes.iris * 1.35, 0.0, 1.0)[:, None, None] * (0.75 + 0.4 * step(-0.9, 0.9, q / eyes.iris_size))[None],
        colour(eyes.iris * 0.35),
        step(0.62, 1.0, r)[None],
    )
    ball = paint(ball, ring, coverage((r - 1.0) * eyes.iris_size, frame.pixel * 1.2))
    ball = paint(ball, colour(jnp.array([0.03, 0.02, 0.03])), coverage((r - 0.42) * eyes.iris_size, frame.pixel))
    h, k = p - side * 0.02 * light.direction[0] - 0.004, q - 0.022 * light.direction[1] + 0.012
    glint = coverage(jnp.sqrt(h * h + k * k + 1e-8) - 0.011, frame.pixel)
    ball = paint(ball, colour(jnp.array([1.0, 1.0, 1.0])), glint * 0.95)
    ball = ball * (1.0 - 0.45 * step(0.03, 0.0, b - upper))[None]
    picture = paint(picture, ball, inside)

    thick = (0.006 + 0.014 * eyes.lash) * (0.55 + 0.45 * step(-1.0, 0.8, t))
    lash = coverage(jnp.abs(b - upper) - thick, frame.pixel) * step(1.22, 0.98, t) * step(-1.08, -0.95, t)
    picture = paint(picture, colour(jnp.array([0.1, 0.06, 0.06])), lash * 0.9)
    rim = coverage(jnp.abs(b - lower) - 0.003, frame.pixel) * step(1.05, 0.9, jnp.abs(t))
    return paint(picture, colour(skin.tone * jnp.array([0.5, 0.34, 0.33])), rim * (0.35 + 0.3 * eyes.lash))


def paint_brows(picture: Planar, brows: Brows, eyes: Eyes, hair: Hair, face: Expression, frame: Frame) -> Planar:
    """Two tapering arcs with hairs in them."""
    x, y = frame.face
    a = jnp.abs(x) - eyes.spacing + brows.gap
    t = a / brows.length
    centre = eyes.height - brows.height - 0.035 * face.brow_raise - brows.arch * (1.0 - (t - brows.peak) ** 2)
    centre = centre + brows.tilt * t
    thick = brows.thickness * (1.0 - 0.6 * step(-0.2, 1.0, t)) * step(-1.12, -0.85, t)
    hairs = 0.85 + 0.15 * wave(130.0 * a + 60.0 * (y - centre) + 3.0 * wave(37.0 * a))
    layer = coverage(jnp.abs(y - centre) - thick, 0.02 + frame.pixel) * step(1.05, 0.9, t) * step(-1.12, -0.9, t)
    ink = mix(hair.colour * 0.75, jnp.array([0.08, 0.06, 0.05]), 0.35 * brows.shade)
    return paint(picture, colour(ink), layer * hairs * (0.45 + 0.5 * brows.shade))


def nose_relief(nose: Nose, frame: Frame) -> Layer:
    """Height of the nose above the face, in head units: a ridge that widens into a tip with two wings."""
    x, y = frame.nose
    top = -0.12
    along = step(top, nose.base - 0.06, y)
    ridge = along * step(nose.base + 0.05, nose.base - 0.05, y)
    width = nose.bridge * (0.75 + 0.65 * along)
    ridge = ridge * blob(x, jnp.zeros_like(x), width, 1.0) * (0.1 + nose.hook)
    tip = blob(x, y - nose.base + 0.05, nose.tip, nose.tip * 0.9) * 0.1
    wings = blob(jnp.abs(x) - nose.width * 0.72, y - nose.base + 0.02, nose.width * 0.42, 0.045) * 0.05
    return nose.relief * (ridge + tip + wings)


def paint_nose(picture: Planar, nose: Nose, skin: Skin, light: Light, frame: Frame) -> Planar:
    """Nostrils, wings, the shadow underneath, and the gloss of the tip; the relief does the rest."""
    x, y = frame.nose
    dark = skin.tone * jnp.array([0.42, 0.27, 0.25])
    a = jnp.abs(x)
    shift = 0.05 * light.direction[0]
    under = blob(x + shift, y - nose.base - 0.045, nose.width * 1.05, 0.03)
    picture = paint(picture, colour(skin.tone * jnp.array([0.55, 0.4, 0.38])), under * (0.2 + 0.5 * light.strength))
    hole = ellipse(
        a - nose.width * 0.5, y - nose.base + 0.004 - 0.12 * (a - nose.width * 0.5), nose.width * 0.27, 0.017
    )
    picture = paint(picture, colour(dark), coverage(hole, 0.018 + frame.pixel) * (0.35 + 0.6 * nose.nostril))
    wing = jnp.abs(ellipse(a - nose.width * 0.6, y - nose.base + 0.035, nose.width * 0.42, 0.05)) - 0.004
    wing = (
        coverage(wing, 0.012 + frame.pixel)
        * step(nose.width * 0.6, nose.width * 0.95, a)
        * step(-0.09, -0.03, y - nose.base)
    )
    picture = paint(picture, colour(dark * 1.25), wing * 0.6)
    glow = blob(x - 0.025 * light.direction[0], y - nose.base + 0.075, 0.03, 0.026) * skin.gloss * light.strength * 0.45
    return paint(picture, colour(mix(skin.tone, jnp.ones(3), 0.75)), glow)


def paint_mouth(picture: Planar, mouth: Mouth, skin: Skin, face: Expression, light: Light, frame: Frame) -> Planar:
    """Lips with a bow, the line between them or the open mouth with teeth and tongue, and the shadow below."""
    x, y = frame.face
    y = y - 0.02 * face.mouth_open
    half = mouth.width * (1.0 + 0.18 * face.smile - 0.1 * face.mouth_open)
    t = x / half
    t2 = t * t
    arc = jnp.maximum(1.0 - t2, 0.0)
    line = mouth.height - (mouth.corner + 0.05 * face.smile) * t2
    gap = 0.13 * face.mouth_open * arc
    top, bottom = line - 0.3 * gap, line + 0.7 * gap
    bow = 1.0 - mouth.bow * blob(t, jnp.zeros_like(t), 0.2, 1.0)
    upper = top - mouth.upper * jnp.sqrt(arc) * bow * (1.0 - 0.2 * face.smile)
    lower = bottom + mouth.lower * jnp.sqrt(arc) * (1.0 - 0.2 * face.smile)
    ends = step(1.02, 0.97, jnp.abs(t))

    shade = blob(t * 0.8, (y - lower - 0.03) / 0.05, 1.0, 1.0) * 0.35
    picture = paint(picture, colour(skin.tone * jnp.array([0.68, 0.52, 0.5])), shade)
    lips = coverage(jnp.maximum(upper - y, y - lower) * 0.9, frame.pixel + 0.008) * ends
    lit = 0.8 + 0.28 * step(0.0, 0.05, y - bottom)
    picture = paint(picture, colour(mouth.tint) * (lit * (0.72 + 0.4 * light.strength))[None], lips * 0.92)
    sheen = blob(t - 0.12 * light.direction[0], (y - 0.5 * (bottom + lower)) / 0.012, 0.35, 1.0)
    picture = paint(picture, colour(mix(mouth.tint, jnp.ones(3), 0.7)), sheen * lips * 0.45 * skin.gloss)

    hollow = coverage(jnp.maximum(top - y, y - bottom), frame.pixel) * ends * step(0.0, 0.02, gap)
    tongue = step(0.55, 1.0, (y - top) / (gap + 1e-3))
    depth = colour(jnp.array([0.26, 0.07, 0.08])) + colour(jnp.array([0.22, 0.08, 0.08])) * tongue[None]
    teeth = coverage(y - top - 0.45 * gap * step(1.0, 0.6, jnp.abs(t)), frame.pixel + 0.006)
    depth = paint(
        depth, colour(jnp.array([0.93, 0.91, 0.87])) * (0.75 + 0.25 * step(0.9, 0.2, jnp.abs(t)))[None], teeth
    )
    picture = paint(picture, depth, hollow)
    parting = coverage(jnp.abs(y - line) - 0.004, frame.pixel + 0.006) * step(1.12, 0.95, jnp.abs(t))
    parting = parting * step(0.03, 0.0, gap)
    picture = paint(picture, colour(mouth.tint * jnp.array([0.38, 0.25, 0.25])), parting * 0.85)
    dimple = blob((jnp.abs(t) - 1.06) / 0.12, (y - mouth.height + 0.06 * face.smile) / 0.04, 1.0, 1.0)
    return paint(
        picture, colour(skin.tone * jnp.array([0.5, 0.36, 0.34])), dimple * (0.2 + 0.35 * jnp.maximum(face.smile, 0.0))
    )
