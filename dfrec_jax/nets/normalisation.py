"""Normalisation of activations and of pixels, with the conventions that published networks were trained under."""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def batch_norm(
    *, train: bool, name: str, dtype: Any = jnp.float32, momentum: float = 0.9, epsilon: float = 1e-5
) -> nn.BatchNorm:
    """BatchNorm over the global batch; defaults are PyTorch's (its momentum 0.1 is 1 - 0.9 here).

    Statistics and parameters are float32 whatever `dtype` is. The running variance takes the biased estimate, PyTorch's
    the unbiased one: 1 / (1 - 1/N) apart, where N counts the batch and the pixels, which only tells where N is small.
    """
    return nn.BatchNorm(use_running_average=not train, momentum=momentum, epsilon=epsilon, dtype=dtype, name=name)


def layer_norm(*, name: str, epsilon: float = 1e-6) -> nn.LayerNorm:
    """LayerNorm in float32, whatever its input; epsilon as in torchvision's ViT and in MAE."""
    return nn.LayerNorm(epsilon=epsilon, dtype=jnp.float32, name=name)


def imagenet_normalise(image: Float[Array, "b h w 3"]) -> Float[Array, "b h w 3"]:
    """RGB in [0, 1] -> zero mean and unit deviation over ImageNet."""
    mean, std = jnp.array(IMAGENET_MEAN, image.dtype), jnp.array(IMAGENET_STD, image.dtype)
    return (image - mean[None, None, None]) / std[None, None, None]
