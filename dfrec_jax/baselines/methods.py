"""The compared methods as their configs describe them: the network, fresh variables, and what it recovers."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key
from ml_collections import ConfigDict

from dfrec_jax.baselines import delocate
from dfrec_jax.baselines.delocate import Delocate
from dfrec_jax.baselines.dfi import Dfi
from dfrec_jax.baselines.recce import Recce
from dfrec_jax.forging import components
from dfrec_jax.nets.transformer import VitSize

Network = Recce | Delocate | Dfi


class MethodOutput(NamedTuple):
    """What a method makes of pictures, of their size; None is what it lacks.

    Attributes:
      target: RGB in [0, 1].
      logit: above 0 for a forgery.
      generated: 1 where `target` was generated, 0 where it is the input's own; None: all of it was.
      masked_image: what `target` was generated from.
    """

    target: Float[Array, "b h w 3"]
    logit: Float[Array, " b"] | None = None
    generated: Float[Array, "b h w 1"] | None = None
    masked_image: Float[Array, "b h w 3"] | None = None


class Inputs(NamedTuple):
    """What a method sees of some pictures.

    Attributes:
      images: RGB in [0, 1].
      landmarks: five of each in pixels; NaN where they are not known.
      keys: one for each, for whatever it draws.
      points: 68 of each, NaN where they are not known; None where of no picture they are.
    """

    images: Float[Array, "b h w 3"]
    landmarks: Float[Array, "b 5 2"]
    keys: Key[Array, " b"]
    points: Float[Array, "b 68 2"] | None = None


Recover = Callable[[Any, Inputs], MethodOutput]  # of variables; pure, for a jitted caller


def build(config: ConfigDict) -> Network:
    """The network of a valid config."""
    own, dtype = config[config.task], jnp.dtype(config.compute_dtype)
    if config.task == "recce":
        return Recce(width=own.width, drop_rate=own.drop_rate, dtype=dtype)
    if config.task == "dfi":
        return Dfi(tuple(own.features), own.bottleneck, own.identity_width, dtype)
    return Delocate(
        mask_ratio=own.mask_ratio,
        patch_size=own.patch_size,
        encoder_size=VitSize(own.width, own.depth, own.heads),
        decoder_size=VitSize(own.decoder_width, own.decoder_depth, own.decoder_heads),
        dtype=dtype,
    )


def init_function(module: Network, config: ConfigDict) -> Callable[[Array], dict[str, Any]]:
    """From a key to fresh params and batch_stats, empty where the network has none."""
    side = config.recce.image_size if isinstance(module, Recce) else config.image_size
    image = jnp.zeros((1, side, side, 3))

    def init(key: Array) -> dict[str, Any]:
        if isinstance(module, Delocate):
            scores = jnp.zeros((1, (side // module.patch_size) ** 2))
            return {**module.init(key, image, scores), "batch_stats": {}}
        return dict(module.init(key, image, train=False))

    return init


def recover_function(module: Network, config: ConfigDict) -> Recover:
    """From variables and pictures to what is recovered; RECCE takes pictures of any size."""
    if isinstance(module, Recce):
        return _reconstructed(module, config.recce.image_size)
    if isinstance(module, Delocate):
        return lambda variables, inputs: _drawn_anew(module, variables, inputs)

    def recover(variables: Any, inputs: Inputs) -> MethodOutput:
        output: Any = module.apply(variables, inputs.images, train=False)
        return MethodOutput(output.target_face)

    return recover


def resizer(side: int) -> Callable[[Float[Array, "b h w 3"]], Float[Array, "b i j 3"]]:
    """Pictures of `side` px, by antialiased bilinear weights; those that have it are kept to the bit."""

    def resized(images: Float[Array, "b h w 3"]) -> Float[Array, "b i j 3"]:
        if images.shape[1:3] == (side, side):
            return images
        return jax.image.resize(images, (images.shape[0], side, side, 3), "linear")

    return resized


def _reconstructed(module: Recce, side: int) -> Recover:
    resized = resizer(side)

    def recover(variables: Any, inputs: Inputs) -> MethodOutput:
        output: Any = module.apply(variables, 2 * resized(inputs.images) - 1, train=False)
        target = resizer(inputs.images.shape[1])((output.reconstruction + 1) / 2)
        return MethodOutput(jnp.clip(target, 0, 1), output.logit)

    return recover


def _drawn_anew(module: Delocate, variables: Any, inputs: Inputs) -> MethodOutput:
    points = components.points_of(inputs.landmarks, inputs.points, inputs.images.shape[1])
    target, generated, masked_image = delocate.recover(module, variables, inputs.images, points, inputs.keys)
    return MethodOutput(target, generated=generated, masked_image=masked_image)
