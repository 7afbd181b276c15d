"""RetinaFace (Deng et al. 2020) with a MobileNet of width 0.25: face boxes and five landmarks.

Architecture and weights are Face-Detector-1MB's (biubug6, MIT; `mobilenet0.25_Final.pth`), trained on WIDER FACE.
`detection.py` turns the network's output into faces.
"""

from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from dfrec_jax.frozen.blocks import ConvNorm
from dfrec_jax.frozen.blueprint import Blueprint, Part
from dfrec_jax.frozen.network import Features
from dfrec_jax.nets.convolution import Conv
from dfrec_jax.weights.layers import COUNTERS, batch_norm, convolution
from dfrec_jax.weights.rules import Rule

# Width and stride of the depthwise-separable convolutions of each stage, after a first convolution of 8 at stride 2.
STAGES = (
    ((16, 1), (32, 2), (32, 1), (64, 2), (64, 1)),
    ((128, 2), (128, 1), (128, 1), (128, 1), (128, 1), (128, 1)),
    ((256, 2), (256, 1)),
)
WIDTH = 64  # of the feature pyramid
STRIDES = (8, 16, 32)
ANCHOR_SIZES = ((10, 20), (32, 64), (128, 256))  # pixels, for each stride
BGR_MEAN = (104.0, 117.0, 123.0)
HEADS = (("box", 4), ("class", 2), ("landmarks", 10))


class Detections(NamedTuple):
    """For each anchor (strides 8, 16, 32; row by row; the two sizes of a cell together) what the network says of it."""

    boxes: Float[Array, "b a 4"]
    scores: Float[Array, "b a"]
    landmarks: Float[Array, "b a 5 2"]


class ContextModule(nn.Module):
    """SSH's context: three receptive fields, 3x3, 5x5 and 7x7, out of 3x3 convolutions."""

    @nn.compact
    def __call__(self, x: Float[Array, "b h w 64"]) -> Float[Array, "b h w 64"]:
        """The joined fields."""

        def conv(x: Array, features: int, name: str, *, has_relu: bool) -> Array:
            return ConvNorm(features, (3, 3), 1, (1, 1), activation=nn.relu if has_relu else None, name=name)(x)

        small = conv(x, WIDTH // 2, "conv3", has_relu=False)
        shared = conv(x, WIDTH // 4, "conv5_1", has_relu=True)
        middle = conv(shared, WIDTH // 4, "conv5_2", has_relu=False)
        large = conv(conv(shared, WIDTH // 4, "conv7_2", has_relu=True), WIDTH // 4, "conv7_3", has_relu=False)
        return nn.relu(jnp.concatenate([small, middle, large], axis=-1))


class RetinaFace(nn.Module):
    """The network on BGR pixels (0 to 255) less their mean; height and width are multiples of 32."""

    @nn.compact
    def __call__(self, x: Float[Array, "b h w 3"]) -> Detections:
        """Raw regressions for each anchor, in units that `decode` explains, and the probability of a face."""
        x = ConvNorm(8, (3, 3), 2, (1, 1), name="stem")(x)
        levels = []
        for stage, layers in enumerate(STAGES):
            for i, (features, stride) in enumerate(layers):
                name = f"stage{stage + 1}_{i}"
                x = ConvNorm(x.shape[-1], (3, 3), stride, is_depthwise=True, name=f"{name}_depthwise")(x)
                x = ConvNorm(features, name=f"{name}_point")(x)
            levels.append(x)
        pyramid = [ConvNorm(WIDTH, name=f"lateral{i + 1}")(level) for i, level in enumerate(levels)]
        for i in (1, 0):
            merged = pyramid[i] + jnp.repeat(jnp.repeat(pyramid[i + 1], 2, axis=1), 2, axis=2)
            pyramid[i] = ConvNorm(WIDTH, (3, 3), 1, (1, 1), name=f"merge{i + 1}")(merged)
        outputs = {name: [] for name, _ in HEADS}
        for i, level in enumerate(pyramid):
            context = ContextModule(name=f"context{i + 1}")(level)
            for name, width in HEADS:
                y = Conv(2 * width, (1, 1), name=f"{name}{i + 1}")(context)
                outputs[name].append(y.reshape(len(y), -1, width))
        joined = {name: jnp.concatenate(parts, axis=1) for name, parts in outputs.items()}
        probabilities = jax.nn.softmax(joined["class"], axis=-1)
        landmarks = joined["landmarks"].reshape(*joined["landmarks"].shape[:2], 5, 2)
        return Detections(joined["box"], probabilities[..., 1], landmarks)


def anchors(height: int, width: int) -> Float[np.ndarray, "a 4"]:
    """Centre (x, y) and size (w, h) of each anchor, in pixels of an image of `height` x `width`."""
    boxes = []
    for stride, sizes in zip(STRIDES, ANCHOR_SIZES, strict=True):
        y, x, size = np.meshgrid(np.arange(height // stride), np.arange(width // stride), sizes, indexing="ij")
        boxes.append(np.stack([(x + 0.5) * stride, (y + 0.5) * stride, size, size], axis=-1).reshape(-1, 4))
    return np.concatenate(boxes).astype(np.float32)


def decode(raw: Detections, anchor: Float[Array, "a 4"]) -> Detections:
    """Boxes (x0, y0, x1, y1) and landmarks (x, y) in pixels.

    Offsets are in tenths of the anchor's size from its centre, sizes in fifths of their logarithm (SSD's variances 0.1
    and 0.2).
    """
    centre, size = anchor[None, :, :2], anchor[None, :, 2:]
    middle = centre + 0.1 * raw.boxes[..., :2] * size
    half = size * jnp.exp(0.2 * raw.boxes[..., 2:]) / 2
    boxes = jnp.concatenate([middle - half, middle + half], axis=-1)
    return Detections(boxes, raw.scores, centre[:, :, None] + 0.1 * raw.landmarks * size[:, :, None])


def _rules() -> tuple[Rule, ...]:
    rules: list[Rule] = []
    rules += convolution(r"body\.stage1\.0\.0", "stem/conv") + batch_norm(r"body\.stage1\.0\.1", "stem/norm")
    for stage, layers in enumerate(STAGES):
        for i in range(len(layers)):
            source, target = rf"body\.stage{stage + 1}\.{i + (stage == 0)}", f"stage{stage + 1}_{i}"
            rules += convolution(rf"{source}\.0", f"{target}_depthwise/conv")
            rules += batch_norm(rf"{source}\.1", f"{target}_depthwise/norm")
            rules += convolution(rf"{source}\.3", f"{target}_point/conv")
            rules += batch_norm(rf"{source}\.4", f"{target}_point/norm")
    for source, target in (
        (r"fpn\.output(\d)", r"lateral\1"),
        (r"fpn\.merge(\d)", r"merge\1"),
        (r"ssh(\d)\.conv(3)X3", r"context\1/conv\2"),
        (r"ssh(\d)\.conv(\d)[xX]\d_(\d)", r"context\1/conv\2_\3"),
    ):
        rules += convolution(rf"{source}\.0", f"{target}/conv") + batch_norm(rf"{source}\.1", f"{target}/norm")
    for source, (target, _) in zip(("BboxHead", "ClassHead", "LandmarkHead"), HEADS, strict=True):
        for level in range(len(STRIDES)):  # the published heads count from 0
            rules += convolution(rf"{source}\.{level}\.conv1x1", f"{target}{level + 1}")
    return (*rules, COUNTERS)


MODULE = RetinaFace()
RULES = _rules()


def raw_detections(variables: Any, images: Float[Array, "b h w 3"]) -> Detections:
    """The network's output for RGB images in [0, 1] whose sides are multiples of 32."""
    bgr = images[..., ::-1] * 255 - jnp.array(BGR_MEAN).reshape(1, 1, 1, 3)
    return MODULE.apply(variables, bgr)  # type: ignore[return-value]


def features(variables: Any, images: Float[Array, "b h w 3"], landmarks: Array | None = None) -> Features:
    """`boxes`, `scores` and `landmarks` of every anchor, in pixels, before non-maximum suppression."""
    anchor = jnp.asarray(anchors(*images.shape[1:3]))
    return decode(raw_detections(variables, images), anchor)._asdict()


BLUEPRINT = Blueprint(
    name="retinaface-mobile025",
    module=MODULE,
    parts=(Part("retinaface-mobile025", RULES),),
    features=features,
    taps={},
    input_shape=(64, 64, 3),
)
