"""The 40 CelebA attributes of a face: the network of Eq. 8 and of the Attr metric.

The paper's own classifier (Caffe, no licence) cannot be had, so this project trains its own: `configs/attributes.py`,
ResNet-50 at 224 px, or ResNet-18 at 112 px where there is only a CPU. The paper's network regresses to -1 and 1, which
is why the feature of the loss is `tanh(logit / 2)`: twice the probability, less one.
"""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from dfrec_jax.frozen.blocks import in_dtype_of, resize
from dfrec_jax.frozen.blueprint import Blueprint, Part
from dfrec_jax.frozen.network import Features
from dfrec_jax.frozen.resnet import ResNet, resnet18, resnet50
from dfrec_jax.nets.normalisation import imagenet_normalise
from dfrec_jax.weights.rules import Rule

ATTRIBUTES = (  # in the order of CelebA's list_attr_celeba.txt
    "5_o_Clock_Shadow", "Arched_Eyebrows", "Attractive", "Bags_Under_Eyes", "Bald", "Bangs", "Big_Lips", "Big_Nose",
    "Black_Hair", "Blond_Hair", "Blurry", "Brown_Hair", "Bushy_Eyebrows", "Chubby", "Double_Chin", "Eyeglasses",
    "Goatee", "Gray_Hair", "Heavy_Makeup", "High_Cheekbones", "Male", "Mouth_Slightly_Open", "Mustache", "Narrow_Eyes",
    "No_Beard", "Oval_Face", "Pale_Skin", "Pointy_Nose", "Receding_Hairline", "Rosy_Cheeks", "Sideburns", "Smiling",
    "Straight_Hair", "Wavy_Hair", "Wearing_Earrings", "Wearing_Hat", "Wearing_Lipstick", "Wearing_Necklace",
    "Wearing_Necktie", "Young",
)  # fmt: skip


class AttributeClassifier(nn.Module):
    """A ResNet with one logit for each attribute, on ImageNet-normalised images."""

    backbone: ResNet

    @nn.compact
    def __call__(self, x: Float[Array, "b h w 3"], *, train: bool = False) -> Float[Array, "b 40"]:
        """Logits, in the order of `ATTRIBUTES`."""
        pooled = jnp.mean(self.backbone(x, train=train), axis=(1, 2))
        return nn.Dense(len(ATTRIBUTES), name="attributes")(pooled)


LARGE = AttributeClassifier(resnet50("backbone"))
SMALL = AttributeClassifier(resnet18("backbone"))
# Our own training writes our own names.
RULES = (Rule(r"((?:params|batch_stats)/.*)", r"\1"),)


def large_features(variables: Any, images: Float[Array, "b h w 3"], landmarks: Array | None = None) -> Features:
    """Logits and their values in (-1, 1), `attributes`, of RGB images in [0, 1], by ResNet-50 at 224 px."""
    return _features(LARGE, 224, variables, images)


def small_features(variables: Any, images: Float[Array, "b h w 3"], landmarks: Array | None = None) -> Features:
    """As `large_features`, by ResNet-18 at 112 px."""
    return _features(SMALL, 112, variables, images)


def _features(module: nn.Module, size: int, variables: Any, images: Float[Array, "b h w 3"]) -> Features:
    resized = resize(images, size, size, antialias=True)
    logits: Any = module.apply(variables, in_dtype_of(variables, imagenet_normalise(resized)))
    logits = logits.astype(jnp.float32)  # near -1 and 1 bfloat16 has steps of 0.004
    return {"logits": logits, "attributes": jnp.tanh(logits / 2)}


def _blueprint(name: str, module: AttributeClassifier, features: Any, size: int) -> Blueprint:
    return Blueprint(
        name=name,
        module=module,
        parts=(Part(name, RULES),),
        features=features,
        taps={"attributes": ("attributes",)},
        input_shape=(size, size, 3),
    )


BLUEPRINT_LARGE = _blueprint("attributes-resnet50", LARGE, large_features, 224)
BLUEPRINT_SMALL = _blueprint("attributes-resnet18", SMALL, small_features, 112)
