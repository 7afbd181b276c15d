"""Hair behind and in front of the head: outline, hairline, fringe, strands and gloss."""

from typing import NamedTuple

import jax.numpy as jnp

from dfrec_jax.synthetic.factors import Hair, Light
from dfrec_jax.synthetic.geometry import Frame
from dfrec_jax.synthetic.shapes import Layer, Planar, blob, colour, coverage, mix, paint, step, wave


class HairLayers(NamedTuple):
    """Coverage of the hair behind the head and of that in front of it, and the colour of both."""

    back: Layer
    front: Layer
    paint: Planar


def layers(hair: Hair, head: Layer, light: Light, frame: Frame) -> HairLayers:
    """Args: `head` is the signed distance to the outline of the head."""
    u, v = frame.view
    x, y = frame.face
    waves = wave(11.0 * v + hair.phase) + 0.6 * wave(23.0 * v + 9.0 * u + 2.0 * hair.phase)
    ripple = hair.curl * 0.035 * waves
    shaved = step(0.6, 0.4, hair.amount)
    lift = 1.0 + 0.8 * blob(u - 1.2 * hair.parting, v + 0.9, 0.4, 0.3)
    bulk = (hair.volume * step(0.8, -0.5, v) * lift + 0.02) * (1.0 - shaved)
    around = head - bulk - ripple * (1.0 - shaved)

    reach = mix(-0.15, 1.25, hair.length)  # how far down the hair falls
    fall = jnp.abs(u) - 0.56 - 0.5 * bulk - 0.1 * step(0.0, 1.0, v) * hair.length - ripple
    curtain = jnp.maximum(jnp.maximum(fall, v - reach + 0.25 * u * u + 0.5 * ripple), -0.3 - v)
    behind = jnp.minimum(jnp.maximum(around, v - jnp.minimum(reach, 0.3)), curtain)

    side = step(0.36, 0.6, jnp.abs(x)) * (0.35 + 0.25 * hair.length)
    part = x - hair.parting
    peak = hair.temple * 0.35 * step(0.1, 0.42, jnp.abs(x)) * step(0.6, 0.42, jnp.abs(x))
    swept = hair.fringe * (0.36 - 0.55 * blob(part, jnp.zeros_like(part), 0.17, 1.0) - 0.12 * jnp.abs(part))
    lock = 0.018 * hair.fringe * wave(34.0 * x + hair.phase) + 0.4 * ripple
    boundary = hair.line + side - peak + jnp.maximum(swept, 0.0) + lock
    front = jnp.maximum(jnp.maximum(around, y - boundary), v - 0.15 - 0.15 * hair.length)

    strands = part / (0.5 + jnp.abs(y + 0.95))
    bend = wave(5.0 * y + 3.0 * strands + hair.phase) * (0.25 + hair.curl)
    coarse = wave(17.0 * strands + 2.2 * wave(7.3 * strands + hair.phase) + 3.0 * bend)
    fine = wave(61.0 * strands + 4.0 * coarse + 5.0 * bend) * (0.6 + 0.4 * wave(11.0 * strands - 4.0 * y))
    crown = jnp.sqrt(u * u + (v + 0.25) ** 2 + 1e-6)
    gloss = step(0.2, 0.0, jnp.abs(crown - 0.52 - 0.03 * coarse)) * step(0.35, -0.6, v)
    lit = light.ambient + light.strength * jnp.clip(
        0.35 + 0.7 * (light.direction[0] * u + light.direction[1] * (v + 0.1)), 0.0, 1.2
    )
    tone = colour(hair.colour) * (lit * (1.0 + 0.12 * fine + 0.13 * coarse))[None]
    tone = (
        tone
        + colour(mix(hair.colour, jnp.ones(3), 0.35))
        * (gloss * (0.14 + 0.3 * light.strength) * (0.7 + 0.3 * fine))[None]
    )
    soft = frame.pixel * 1.3 + 0.01
    shade = 1.0 - 0.35 * step(-0.2, 0.9, v)
    return HairLayers(
        coverage(behind, soft) * (1.0 - shaved),
        coverage(front, soft + 0.02) * hair.amount,
        tone * shade[None],
    )


def paint_hair_shadow(picture: Planar, front: Layer, light: Light) -> Planar:
    """A soft shadow of the front hair on the forehead, a few pixels below it."""
    pixels = max(1, front.shape[0] // 32)
    dropped = jnp.pad(front, ((pixels, 0), (0, 0)))[: front.shape[0]]
    return paint(
        picture, picture * jnp.array([0.62, 0.5, 0.47])[:, None, None], dropped * (0.25 + 0.4 * light.strength)
    )
