"""VGG-19 (Simonyan and Zisserman 2015) up to relu5_4: the perceptual network of Eq. 5-7.

Architecture and weights are torchvision's (`vgg19-dcbb9e9d.pth`, BSD-3-Clause), trained on ImageNet.
"""

from typing import Any

import flax.linen as nn
from jaxtyping import Array, Float

from dfrec_jax.frozen.blocks import in_dtype_of
from dfrec_jax.frozen.blueprint import Blueprint, Part
from dfrec_jax.frozen.network import Features
from dfrec_jax.nets.convolution import Conv
from dfrec_jax.nets.normalisation import imagenet_normalise
from dfrec_jax.nets.pooling import max_pool
from dfrec_jax.weights.layers import convolution
from dfrec_jax.weights.rules import Rule

STAGES = ((64, 2), (128, 2), (256, 4), (512, 4), (512, 4))  # width and convolutions before each max pool
TAPS = ("relu1_2", "relu2_2", "relu3_4", "relu4_4", "relu5_4")  # the last of each stage


class Vgg19(nn.Module):
    """The convolutions of VGG-19 on ImageNet-normalised images of any size from 16 px."""

    @nn.compact
    def __call__(self, x: Float[Array, "b h w 3"]) -> dict[str, Float[Array, "b _ _ _"]]:
        """The five taps, at 1, 1/2, 1/4, 1/8 and 1/16 of the image's size."""
        taps = {}
        for stage, ((width, depth), tap) in enumerate(zip(STAGES, TAPS, strict=True)):
            if stage:
                x = max_pool(x)
            for i in range(depth):
                x = nn.relu(Conv(width, (3, 3), padding=1, name=f"conv{stage + 1}_{i + 1}")(x))
            taps[tap] = x
        return taps


def _rules() -> tuple[Rule, ...]:
    """torchvision numbers every module of `features`: a convolution and its ReLU are two, a pool is one."""
    rules: list[Rule] = [Rule(r"classifier\..*", None, reason="the classifier, of which Eq. 5 uses nothing")]
    index = 0
    for stage, (_, depth) in enumerate(STAGES):
        for i in range(depth):
            rules += convolution(rf"(?:features\.)?{index + 2 * i}", f"conv{stage + 1}_{i + 1}")
        index += 2 * depth + 1
    return tuple(rules)


MODULE = Vgg19()
RULES = _rules()


def features(variables: Any, images: Float[Array, "b h w 3"], landmarks: Array | None = None) -> Features:
    """The five taps of RGB images in [0, 1], at the images' own size."""
    return MODULE.apply(variables, in_dtype_of(variables, imagenet_normalise(images)))  # type: ignore[return-value]


BLUEPRINT = Blueprint(
    name="vgg19-imagenet",
    module=MODULE,
    parts=(Part("vgg19-imagenet", RULES),),
    features=features,
    taps={"perceptual": TAPS},
    input_shape=(32, 32, 3),
)
