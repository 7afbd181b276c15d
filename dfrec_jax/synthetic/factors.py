"""What a drawn face is made of: the factors of identity and those of attributes.

An identity is who it is; attributes are what a photograph adds. Lengths are in head units: half the picture is 1.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

Scalar = Float[Array, ""]
Rgb = Float[Array, "3"]


class FaceShape(NamedTuple):
    """Outline of the head, and the ears: what a swap leaves to the target."""

    width: Scalar
    crown: Scalar
    chin: Scalar
    jaw: Scalar
    cheek: Scalar
    chin_width: Scalar
    ear_size: Scalar
    ear_height: Scalar


class Skin(NamedTuple):
    """Tone and its variation."""

    tone: Rgb
    blush: Scalar
    gloss: Scalar


class Eyes(NamedTuple):
    """Shape and place of the eyes and colour of the irises."""

    height: Scalar
    spacing: Scalar
    width: Scalar
    opening: Scalar
    tilt: Scalar
    skew: Scalar
    crease: Scalar
    lash: Scalar
    socket: Scalar
    iris_size: Scalar
    iris: Rgb


class Brows(NamedTuple):
    """Arcs above the eyes."""

    height: Scalar
    length: Scalar
    thickness: Scalar
    arch: Scalar
    peak: Scalar
    tilt: Scalar
    gap: Scalar
    shade: Scalar


class Nose(NamedTuple):
    """Ridge, tip and wings."""

    base: Scalar
    width: Scalar
    bridge: Scalar
    relief: Scalar
    tip: Scalar
    nostril: Scalar
    hook: Scalar


class Mouth(NamedTuple):
    """Lips at rest."""

    height: Scalar
    width: Scalar
    upper: Scalar
    lower: Scalar
    bow: Scalar
    corner: Scalar
    tint: Rgb


class Hair(NamedTuple):
    """Style and colour."""

    colour: Rgb
    line: Scalar
    volume: Scalar
    length: Scalar
    fringe: Scalar
    parting: Scalar
    curl: Scalar
    temple: Scalar
    amount: Scalar
    phase: Scalar


class Marks(NamedTuple):
    """What an examiner would note: freckles, moles, a scar, lines of age, a beard."""

    freckles: Scalar
    phase: Float[Array, "4"]
    moles: Float[Array, "3 2"]
    mole_size: Float[Array, "3"]
    scar: Scalar
    scar_place: Float[Array, "3"]
    age: Scalar
    beard: Scalar
    beard_reach: Scalar
    moustache: Scalar


class Identity(NamedTuple):
    """Who it is."""

    face: FaceShape
    skin: Skin
    eyes: Eyes
    brows: Brows
    nose: Nose
    mouth: Mouth
    hair: Hair
    marks: Marks


class Pose(NamedTuple):
    """Sines of the angles (positive: to the picture's right, down, clockwise), scale, and shift in head units."""

    yaw: Scalar
    pitch: Scalar
    roll: Scalar
    scale: Scalar
    shift: Float[Array, "2"]


class Expression(NamedTuple):
    """Movements of the face; 0 is rest."""

    smile: Scalar
    mouth_open: Scalar
    brow_raise: Scalar
    eye_open: Scalar
    gaze: Float[Array, "2"]


class Light(NamedTuple):
    """One lamp and the sky: `direction` is a unit vector towards the lamp (right, down, towards the viewer)."""

    direction: Float[Array, "3"]
    strength: Scalar
    ambient: Scalar
    tint: Rgb
    exposure: Scalar


class Surroundings(NamedTuple):
    """Background, clothes and glasses."""

    backdrop: Float[Array, "3 3"]
    pattern: Float[Array, "4"]
    place: Float[Array, "4 2"]
    frequency: Scalar
    direction: Float[Array, "2"]
    clothes: Float[Array, "2 3"]
    neckline: Scalar
    glasses: Scalar
    glasses_shape: Float[Array, "2"]


class Attributes(NamedTuple):
    """What the photograph adds."""

    pose: Pose
    expression: Expression
    light: Light
    surroundings: Surroundings


# Names of `attribute_vector`, in order.
ATTRIBUTE_NAMES = (
    "yaw", "pitch", "roll", "scale", "smile", "mouth_open", "brow_raise", "eye_open", "gaze_x", "gaze_y",
    "light_x", "light_y", "light_strength", "ambient", "warmth", "glasses",
)  # fmt: skip


POSE_SCALES = (0.22, 0.14, 0.1)  # of yaw, pitch and roll in `attribute_vector`


def attribute_vector(attributes: Attributes) -> Float[Array, " a"]:
    """The attributes that an encoder learns to read off (`ATTRIBUTE_NAMES`), each scaled to a range of about one."""
    pose, face, light, around = attributes
    return jnp.stack([
        *(sine / scale for sine, scale in zip((pose.yaw, pose.pitch, pose.roll), POSE_SCALES, strict=True)),
        (pose.scale - 1.08) / 0.04, (face.smile - 0.3) / 0.4,
        face.mouth_open / 0.4, face.brow_raise / 0.5, (face.eye_open - 0.9) / 0.2, face.gaze[0] / 0.5,
        face.gaze[1] / 0.5, light.direction[0] / 0.4, light.direction[1] / 0.3, (light.strength - 0.52) / 0.13,
        (light.ambient - 0.49) / 0.075, (light.tint[0] - 1.0) / 0.07, around.glasses,
    ])  # fmt: skip
