"""The compared methods as their configs describe them: the network, fresh variables, and what it recovers."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float
from ml_collections import ConfigDict

from dfrec_jax.baselines.recce import Recce


class Made(NamedTuple):
    """What a method makes of pictures: `target`, RGB in [0, 1] of their size, and a logit above 0 for a forgery."""

    target: Float[Array, "b h w 3"]
    logit: Float[Array, " b"]


def build(config: ConfigDict) -> Recce:
    """The network of a valid config."""
    return Recce(width=config.recce.width, drop_rate=config.recce.drop_rate, dtype=jnp.dtype(config.compute_dtype))


def init_function(module: Recce, config: ConfigDict) -> Callable[[Array], dict[str, Any]]:
    """From a key to fresh params and batch_stats."""
    side = config.recce.image_size
    return lambda key: dict(module.init(key, jnp.zeros((1, side, side, 3)), train=False))


def recover_function(module: Recce, config: ConfigDict) -> Callable[[Any, Float[Array, "b h w 3"]], Made]:
    """From variables and pictures in [0, 1] of any size to what is recovered; pure, for a jitted caller."""
    resized = resizer(config.recce.image_size)

    def recover(variables: Any, images: Float[Array, "b h w 3"]) -> Made:
        output: Any = module.apply(variables, 2 * resized(images) - 1, train=False)
        target = resizer(images.shape[1])((output.reconstruction + 1) / 2)
        return Made(jnp.clip(target, 0, 1), output.logit)

    return recover


def resizer(side: int) -> Callable[[Float[Array, "b h w 3"]], Float[Array, "b i j 3"]]:
    """Pictures of `side` px, by antialiased bilinear weights; those that have it are kept to the bit."""

    def resized(images: Float[Array, "b h w 3"]) -> Float[Array, "b i j 3"]:
        if images.shape[1:3] == (side, side):
            return images
        return jax.image.resize(images, (images.shape[0], side, side, 3), "linear")

    return resized
