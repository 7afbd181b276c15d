"""MobileFaceNet (Chen et al. 2018), two trainings by different people on different data: 128-d identity embeddings.

A: Xiaoccer/MobileFaceNet_Pytorch, CASIA-WebFace, 112x96 px, PReLU. B: foamliu/MobileFaceNet, MS-Celeb-1M, 112x112 px,
ReLU6 (Apache-2.0). Both want the face aligned to the ArcFace template. Use A in the loss and B as the metric, so that a
score is never measured with the network that was trained against.
"""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from dfrec_jax.frozen.align import ARCFACE_TEMPLATE, align
from dfrec_jax.frozen.blocks import ConvNorm, in_dtype_of, unit_length
from dfrec_jax.frozen.blueprint import Blueprint, Part
from dfrec_jax.frozen.network import Features
from dfrec_jax.nets.normalisation import imagenet_normalise
from dfrec_jax.weights.layers import COUNTERS, batch_norm, convolution, pointwise
from dfrec_jax.weights.rules import Rule

STAGES = ((2, 64, 5, 2), (4, 128, 1, 2), (2, 128, 6, 1), (4, 128, 1, 2), (2, 128, 2, 1))  # expansion, width, n, stride
TAPS = ("stage3", "stage5", "conv2", "linear")  # from middle to last, as Eq. 2's of FaceNet


class PRelu(nn.Module):
    """ReLU with one learned slope below zero for each channel."""

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h w c"]:
        """Features of the same shape."""
        slope = self.param("slope", nn.initializers.constant(0.25), (x.shape[-1],))
        return jnp.where(x >= 0, x, (slope.reshape(1, 1, 1, -1) * x).astype(x.dtype))


class GlobalDepthwise(nn.Module):
    """A depthwise convolution over the whole grid, which is a weighted sum for each channel, and its BatchNorm."""

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b c"]:
        """One value for each channel."""
        shape = (*x.shape[1:3], 1, x.shape[3])
        kernel = self.param("kernel", nn.initializers.he_normal(), shape)
        x = jnp.sum(x * kernel.transpose(2, 0, 1, 3), axis=(1, 2))
        return nn.BatchNorm(use_running_average=True, epsilon=1e-5, dtype=x.dtype, name="norm")(x)


class MobileFaceNet(nn.Module):
    """The network on normalised aligned faces, 112 px high.

    Attributes:
      has_prelu: A's activations. B has ReLU6, but plain ReLU around its first depthwise convolution, which a pointwise
        one follows there, and a bias in its last layer.
    """

    has_prelu: bool

    @nn.compact
    def __call__(self, x: Float[Array, "b 112 w 3"]) -> dict[str, Float[Array, "b ..."]]:
        """`stage1` to `stage5` (grids of 28, 14, 14, 7, 7), `conv2`, and `linear`, the embedding as it comes."""
        taps = {}
        x = self._conv(x, 64, 3, "conv1", stride=2)
        if self.has_prelu:
            x = self._conv(x, 64, 3, "dw_conv", is_depthwise=True)
        else:
            x = ConvNorm(64, (3, 3), is_depthwise=True, name="dw_conv")(x)
            x = ConvNorm(64, name="dw_point")(x)
        index = 0
        for stage, (expansion, width, depth, stride) in enumerate(STAGES):
            for i in range(depth):
                y = self._conv(x, expansion * x.shape[-1], 1, f"block{index}_expand")
                y = self._conv(
                    y, y.shape[-1], 3, f"block{index}_depthwise", stride=1 if i else stride, is_depthwise=True
                )
                y = ConvNorm(width, activation=None, name=f"block{index}_project")(y)
                x = x + y if x.shape == y.shape else y
                index += 1
            taps[f"stage{stage + 1}"] = x
        taps["conv2"] = x = self._conv(x, 512, 1, "conv2")
        x = GlobalDepthwise(name="global_depthwise")(x)
        x = nn.Dense(128, use_bias=not self.has_prelu, name="linear")(x)
        taps["linear"] = nn.BatchNorm(use_running_average=True, epsilon=1e-5, dtype=x.dtype, name="linear_norm")(x)
        return taps

    def _conv(
        self, x: Array, features: int, kernel: int, name: str, *, stride: int = 1, is_depthwise: bool = False
    ) -> Array:
        activation = None if self.has_prelu else nn.relu6
        padding = (kernel // 2, kernel // 2)
        x = ConvNorm(features, (kernel, kernel), stride, padding, is_depthwise, activation=activation, name=name)(x)
        return PRelu(name=f"{name}_prelu")(x) if self.has_prelu else x


def _prelu(source: str, target: str) -> Rule:
    return Rule(rf"{source}\.weight", rf"params/{target}_prelu/slope")


def _rules_a() -> tuple[Rule, ...]:
    rules: list[Rule] = []
    for source, target in (("conv1", "conv1"), ("dw_conv1", "dw_conv"), ("conv2", "conv2")):
        rules += convolution(rf"{source}\.conv", f"{target}/conv") + batch_norm(rf"{source}\.bn", f"{target}/norm")
        rules.append(_prelu(rf"{source}\.prelu", target))
    for first, part in ((0, "expand"), (3, "depthwise"), (6, "project")):
        rules += convolution(rf"blocks\.(\d+)\.conv\.{first}", rf"block\1_{part}/conv")
        rules += batch_norm(rf"blocks\.(\d+)\.conv\.{first + 1}", rf"block\1_{part}/norm")
        if part != "project":
            rules.append(_prelu(rf"blocks\.(\d+)\.conv\.{first + 2}", rf"block\1_{part}"))
    rules += convolution(r"linear7\.conv", "global_depthwise")
    rules += batch_norm(r"linear7\.bn", "global_depthwise/norm")
    rules += pointwise(r"linear1\.conv", "linear") + batch_norm(r"linear1\.bn", "linear_norm")
    return (*rules, COUNTERS)


def _rules_b() -> tuple[Rule, ...]:
    rules: list[Rule] = []
    for conv, norm, target in (
        (r"(conv[12])\.0", r"(conv[12])\.1", r"\1"),
        (r"dw_conv\.depthwise", r"dw_conv\.bn1", "dw_conv"),
        (r"dw_conv\.pointwise", r"dw_conv\.bn2", "dw_point"),
        (r"features\.(\d+)\.conv\.0\.0", r"features\.(\d+)\.conv\.0\.1", r"block\1_expand"),
        (r"features\.(\d+)\.conv\.1\.0", r"features\.(\d+)\.conv\.1\.1", r"block\1_depthwise"),
        (r"features\.(\d+)\.conv\.2", r"features\.(\d+)\.conv\.3", r"block\1_project"),
    ):
        rules += convolution(conv, f"{target}/conv") + batch_norm(norm, f"{target}/norm")
    rules += convolution(r"gdconv\.depthwise", "global_depthwise") + batch_norm(r"gdconv\.bn", "global_depthwise/norm")
    return (*rules, *pointwise("conv3", "linear"), *batch_norm("bn", "linear_norm"), COUNTERS)


MODULE_A, MODULE_B = MobileFaceNet(has_prelu=True), MobileFaceNet(has_prelu=False)
RULES_A, RULES_B = _rules_a(), _rules_b()
SIZE_A, SIZE_B = (112, 96), (112, 112)
TEMPLATE_A = ARCFACE_TEMPLATE - (8, 0)  # the narrower crop begins 8 px further right


def aligned_features_a(variables: Any, faces: Float[Array, "b 112 96 3"]) -> Features:
    """Taps and unit-length embedding of aligned RGB faces in [0, 1]."""
    return _with_embedding(MODULE_A.apply(variables, in_dtype_of(variables, (faces * 255 - 127.5) / 128)))


def aligned_features_b(variables: Any, faces: Float[Array, "b 112 112 3"]) -> Features:
    """As `aligned_features_a`."""
    return _with_embedding(MODULE_B.apply(variables, in_dtype_of(variables, imagenet_normalise(faces))))


def features_a(variables: Any, images: Float[Array, "b h w 3"], landmarks: Array | None) -> Features:
    """As `aligned_features_a`, of images in which the face is aligned by five `landmarks` first."""
    assert landmarks is not None  # FrozenNetwork has checked
    return aligned_features_a(variables, align(images, landmarks, TEMPLATE_A, SIZE_A))


def features_b(variables: Any, images: Float[Array, "b h w 3"], landmarks: Array | None) -> Features:
    """As `features_a`."""
    assert landmarks is not None  # FrozenNetwork has checked
    return aligned_features_b(variables, align(images, landmarks, ARCFACE_TEMPLATE, SIZE_B))


def _with_embedding(taps: Any) -> Features:
    return {**taps, "embedding": unit_length(taps["linear"])}


def _blueprint(
    name: str, module: MobileFaceNet, rules: tuple[Rule, ...], features: Any, size: tuple[int, int]
) -> Blueprint:
    return Blueprint(
        name=name,
        module=module,
        parts=(Part(name, rules),),
        features=features,
        taps={"identity": TAPS},
        input_shape=(*size, 3),
        needs_landmarks=True,
    )


BLUEPRINT_A = _blueprint("mobilefacenet-xiaoccer", MODULE_A, RULES_A, features_a, SIZE_A)
BLUEPRINT_B = _blueprint("mobilefacenet-foamliu", MODULE_B, RULES_B, features_b, SIZE_B)
