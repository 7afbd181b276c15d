"""3DDFA_V2 (Guo et al. 2020): head pose and 68 landmarks of a face whose box is known.

The light stand-in for Deep3D in the Pose metric. Architecture and weights are cleardusk/3DDFA_V2's (MIT;
`mb05_120x120.pth`, MobileNet of width 0.5), and the statistics of its targets are `param_mean_std_62d.npz`.
"""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from dfrec_jax.frozen.align import ARCFACE_TEMPLATE, apply, invert, similarity, warp
from dfrec_jax.frozen.blocks import ConvNorm
from dfrec_jax.frozen.blueprint import Blueprint, Part
from dfrec_jax.frozen.network import Features
from dfrec_jax.weights.layers import COUNTERS, batch_norm, convolution, dense
from dfrec_jax.weights.rules import Rule

IMAGE_SIZE = 120
# Median of RetinaFace's boxes over CelebA faces, in pixels of the ArcFace template (benchmarks/faces.py prints it).
BOX_CENTRE, BOX_SIZE = (56.0, 64.0), (80.0, 111.0)
# Width and stride of the depthwise-separable convolutions, named as published: dw2_1 to dw6.
LAYERS = (
    ("dw2_1", 32, 1), ("dw2_2", 64, 2), ("dw3_1", 64, 1), ("dw3_2", 128, 2), ("dw4_1", 128, 1), ("dw4_2", 256, 2),
    ("dw5_1", 256, 1), ("dw5_2", 256, 1), ("dw5_3", 256, 1), ("dw5_4", 256, 1), ("dw5_5", 256, 1), ("dw5_6", 512, 2),
    ("dw6", 512, 1),
)  # fmt: skip


class MobileNet3dmm(nn.Module):
    """The network on BGR faces of 120 px, (x - 127.5) / 128, and the statistics that its targets were scaled by."""

    @nn.compact
    def __call__(self, x: Float[Array, "b h w 3"]) -> dict[str, Float[Array, "b d"]]:
        """`parameters`: 12 of the camera (row by row), 40 of shape, 10 of expression. `points`: 68 x, then 68 y."""
        x = ConvNorm(16, (3, 3), 2, (1, 1), name="conv1")(x)
        for name, width, stride in LAYERS:
            x = ConvNorm(x.shape[-1], (3, 3), stride, is_depthwise=True, name=f"{name}_depthwise")(x)
            x = ConvNorm(width, name=f"{name}_point")(x)
        x = jnp.mean(x, axis=(1, 2))
        mean = self.variable("statistics", "mean", jnp.zeros, (62,)).value
        std = self.variable("statistics", "std", jnp.ones, (62,)).value
        raw = nn.Dense(62, name="parameters")(x)
        return {"raw": raw, "parameters": raw * std[None] + mean[None], "points": nn.Dense(136, name="points")(x)}


def camera_rotation(parameters: Float[Array, "b 62"]) -> Float[Array, "b 3 3"]:
    """The rotation in the first twelve parameters: two rows brought to unit length and their cross product."""
    camera = parameters[:, :12].reshape(-1, 3, 4)
    first, second = (camera[:, i, :3] / jnp.linalg.norm(camera[:, i, :3], axis=-1, keepdims=True) for i in (0, 1))
    return jnp.stack([first, second, jnp.cross(first, second)], axis=1)


def pose_angles(rotation: Float[Array, "b 3 3"]) -> Float[Array, "b 3"]:
    """Yaw, pitch and roll in degrees (Slabaugh 1999), as 3DDFA_V2 reports them; short of a yaw of 90 degrees."""
    yaw = jnp.arcsin(jnp.clip(rotation[:, 2, 0], -1, 1))
    pitch = jnp.arctan2(rotation[:, 2, 1], rotation[:, 2, 2])
    roll = jnp.arctan2(rotation[:, 1, 0], rotation[:, 0, 0])
    return jnp.rad2deg(jnp.stack([yaw, pitch, roll], axis=-1))


def crop_transforms(boxes: Float[Array, "b 4"]) -> Float[Array, "b 2 3"]:
    """From image pixels to those of the network's crop: a square of 1.58 times the box's mean side, centred 0.14 below.

    Args:
      boxes: x0, y0, x1, y1 in pixels, as a face detector gives them.
    """
    middle, side = (boxes[:, :2] + boxes[:, 2:]) / 2, jnp.mean(boxes[:, 2:] - boxes[:, :2], axis=-1, keepdims=True)
    corner = middle + side * jnp.array([[0.0, 0.28]]) - 0.79 * side  # 0.14 of the sum of the sides, 0.28 of their mean
    scale = IMAGE_SIZE / (1.58 * side)
    zero = jnp.zeros_like(scale)
    # Pixel 0 of the crop covers what begins at `corner`: both are pixel centres, hence the halves.
    shift = (0.5 - corner) * scale - 0.5
    return jnp.stack(
        [jnp.concatenate([scale, zero, shift[:, :1]], axis=-1), jnp.concatenate([zero, scale, shift[:, 1:]], axis=-1)],
        axis=1,
    )


MODULE = MobileNet3dmm()
RULES = (
    *convolution("conv1", "conv1/conv"),
    *batch_norm("bn1", "conv1/norm"),
    *convolution(r"(dw\w+)\.conv_dw", r"\1_depthwise/conv"),
    *batch_norm(r"(dw\w+)\.bn_dw", r"\1_depthwise/norm"),
    *convolution(r"(dw\w+)\.conv_sep", r"\1_point/conv"),
    *batch_norm(r"(dw\w+)\.bn_sep", r"\1_point/norm"),
    *dense("fc_param", "parameters"),
    *dense("fc_lm", "points"),
    COUNTERS,
)
STATISTICS_RULES = (Rule(r"(mean|std)", r"statistics/\1"),)


def crop_features(variables: Any, crops: Float[Array, "b 120 120 3"]) -> Features:
    """Of RGB crops in [0, 1]: `parameters`, `rotation`, `pose` (yaw, pitch, roll in degrees), `points` in crop pixels.

    `raw` holds the parameters as the network gives them.
    """
    outputs: Any = MODULE.apply(variables, (crops[..., ::-1] * 255 - 127.5) / 128)
    rotation = camera_rotation(outputs["parameters"])
    points = outputs["points"].reshape(-1, 2, 68).transpose(0, 2, 1)
    return {
        "raw": outputs["raw"],
        "parameters": outputs["parameters"],
        "rotation": rotation,
        "pose": pose_angles(rotation),
        "points": IMAGE_SIZE / 2 * (1 + points),
    }


def box_features(variables: Any, images: Float[Array, "b h w 3"], boxes: Float[Array, "b 4"]) -> Features:
    """As `crop_features`, of the faces in `boxes` (x0, y0, x1, y1), with `points` in pixels of `images`."""
    transforms = crop_transforms(boxes)
    crops = crop_features(variables, warp(images, transforms, IMAGE_SIZE, IMAGE_SIZE))
    return {**crops, "points": apply(invert(transforms), crops["points"])}


def box_from_landmarks(landmarks: Float[Array, "b 5 2"]) -> Float[Array, "b 4"]:
    """The box that RetinaFace gives to a face with these five landmarks, on average over CelebA's faces."""
    back = invert(similarity(landmarks, jnp.asarray(ARCFACE_TEMPLATE)))
    centre = apply(back, jnp.broadcast_to(jnp.array(BOX_CENTRE), (len(back), 1, 2)))[:, 0]
    scale = jnp.linalg.norm(back[:, 0, :2], axis=-1, keepdims=True)
    half = scale * jnp.array([BOX_SIZE]) / 2
    return jnp.concatenate([centre - half, centre + half], axis=-1)


def features(variables: Any, images: Float[Array, "b h w 3"], landmarks: Array | None) -> Features:
    """As `box_features`, with the box that belongs to five `landmarks`."""
    assert landmarks is not None  # FrozenNetwork has checked
    return box_features(variables, images, box_from_landmarks(landmarks))


BLUEPRINT = Blueprint(
    name="3ddfa-v2",
    module=MODULE,
    parts=(
        Part("3ddfa-v2", RULES, r"(params|batch_stats)/.*"),
        Part("3ddfa-v2-statistics", STATISTICS_RULES, r"statistics/.*"),
    ),
    features=features,
    taps={},
    input_shape=(IMAGE_SIZE, IMAGE_SIZE, 3),
    needs_landmarks=True,
)
