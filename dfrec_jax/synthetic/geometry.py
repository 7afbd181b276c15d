"""Where a pixel lies on the head: pose, with parallax from an ellipsoid, the outline of the face, and landmarks."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from dfrec_jax.synthetic.factors import Expression, FaceShape, Identity, Pose
from dfrec_jax.synthetic.shapes import Layer, Scalar, step

# Half axes of the ellipsoid on whose surface the features lie (right, down, towards the viewer), in head units.
_WIDTH, _HEIGHT, _DEPTH = 0.74, 1.0, 0.6
_NOSE_DEPTH = 0.14  # how far the tip of the nose stands out of it


class Frame(NamedTuple):
    """Coordinates of each pixel, in head units; x to the right, y down.

    Attributes:
      plane: in the picture, before scale, roll and shift are undone: what does not follow the head.
      view: in the plane of the head as the viewer sees it, scale, roll and shift undone.
      face: on the surface of the head, pose undone: an eye has the same coordinates in every pose.
      nose: the same for what stands out by the height of the nose's tip.
      yaw, pitch: of the pose.
      pixel: the side of a pixel.
    """

    plane: tuple[Layer, Layer]
    view: tuple[Layer, Layer]
    face: tuple[Layer, Layer]
    nose: tuple[Layer, Layer]
    yaw: Scalar
    pitch: Scalar
    pixel: Scalar


def frame(pose: Pose, size: int) -> Frame:
    """The frame of a square picture `size` pixels wide."""
    centres = (jnp.arange(size, dtype=jnp.float32) + 0.5) * (2.0 / size) - 1.0
    plane_y, plane_x = jnp.meshgrid(centres, centres, indexing="ij")
    u, v = _to_view(pose, plane_x, plane_y)
    x, y = _to_face(pose, u, v)
    nose = (x - _NOSE_DEPTH * pose.yaw, y - _NOSE_DEPTH * pose.pitch)
    return Frame((plane_x, plane_y), (u, v), (x, y), nose, pose.yaw, pose.pitch, 2.0 / size / pose.scale)


def _to_view(pose: Pose, x: Array, y: Array) -> tuple[Array, Array]:
    x, y = (x - pose.shift[0]) / pose.scale, (y - pose.shift[1]) / pose.scale
    c, s = _cosine(pose.roll), pose.roll
    return c * x + s * y, c * y - s * x


def _to_face(pose: Pose, u: Array, v: Array) -> tuple[Array, Array]:
    """Undoes yaw and pitch of a point on the front of the ellipsoid; beyond its edge the depth stays near 0."""
    inside = 1.0 - (u / _WIDTH) ** 2 - (v / _HEIGHT) ** 2
    z = _DEPTH * jnp.sqrt(jnp.maximum(inside, 0.0) + 0.01)
    x = u * _cosine(pose.yaw) - z * pose.yaw
    z = u * pose.yaw + z * _cosine(pose.yaw)
    return x, v * _cosine(pose.pitch) - z * pose.pitch


def _cosine(sine: Scalar) -> Scalar:
    return jnp.sqrt(1.0 - sine * sine)


def outline(shape: FaceShape, expression: Expression, frame: Frame) -> Layer:
    """Approximate signed distance to the outline of crown, cheeks, jaw and chin, which turns less than the features."""
    u, v = frame.view
    u = u - frame.yaw * (0.04 + 0.26 * step(-0.1, 0.9, v))
    v = v - frame.pitch * 0.3 * step(-0.4, 0.8, v)
    r = jnp.sqrt(u * u + v * v + 1e-6)
    across, down = (u / r) ** 2, v / r
    low = jnp.maximum(down, 0.0)
    low2 = low * low
    height = jnp.where(v > 0, shape.chin + 0.05 * expression.mouth_open, shape.crown)
    edge = 1.0 / jnp.sqrt(across / shape.width**2 + (down / height) ** 2)
    edge = edge * (1.0 + 4.0 * shape.jaw * low2 * across + shape.chin_width * low2 * low2 * low * across * 12.0)
    edge = edge * (1.0 + shape.cheek * across * across * step(-0.5, 0.3, down) * step(0.9, 0.3, down))
    return r - edge


def _from_face(pose: Pose, x: Array, y: Array, depth: float = 0.0) -> Float[Array, "2"]:
    """Picture coordinates in [-1, 1] of a point of the face: the inverse of `frame`, by fixed-point iteration."""
    x, y = x + depth * pose.yaw, y + depth * pose.pitch

    def correct(_: Array, view: tuple[Array, Array]) -> tuple[Array, Array]:
        got = _to_face(pose, *view)
        return view[0] + 0.7 * (x - got[0]), view[1] + 0.7 * (y - got[1])

    u, v = jax.lax.fori_loop(0, 16, correct, (x, y))
    c, s = _cosine(pose.roll), pose.roll
    plane = jnp.stack([c * u - s * v, s * u + c * v])
    return plane * pose.scale + pose.shift


def landmarks(identity: Identity, pose: Pose, expression: Expression, size: int) -> Float[Array, "5 2"]:
    """Left eye, right eye, nose tip, left and right corner of the mouth as seen in the picture; x, y in pixels.

    A pixel's centre is at half-integer coordinates minus 0.5: (0, 0) is the centre of the first pixel.
    """
    eyes, nose, mouth = identity.eyes, identity.nose, identity.mouth
    corner = mouth.width * (1.0 + 0.18 * expression.smile)
    corner_y = mouth.height - mouth.corner - 0.05 * expression.smile
    points = [
        _from_face(pose, -eyes.spacing, eyes.height),
        _from_face(pose, eyes.spacing, eyes.height),
        _from_face(pose, jnp.zeros(()), nose.base - 0.05, _NOSE_DEPTH),
        _from_face(pose, -corner, corner_y),
        _from_face(pose, corner, corner_y),
    ]
    return (jnp.stack(points) + 1.0) * (size / 2) - 0.5
