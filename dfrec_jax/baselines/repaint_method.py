"""RePaint as its config describes it: the ADM U-Net, fresh variables, its training loss, and what it paints."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key
from ml_collections import ConfigDict

from dfrec_jax.baselines import repaint
from dfrec_jax.baselines.adm_unet import AdmUnet
from dfrec_jax.baselines.diffusion import linear_diffusion
from dfrec_jax.baselines.methods import resizer
from dfrec_jax.baselines.repaint import Resampling
from dfrec_jax.forging import components


class Painted(NamedTuple):
    """Pictures of the input's size, and where they were painted."""

    target: Float[Array, "b h w 3"]  # RGB in [0, 1]
    generated: Float[Array, "b h w 1"]  # 1 in the hole, 0 where the input stands


Paint = Callable[
    [Any, Float[Array, "b h w 3"], Float[Array, "b 5 2"], Float[Array, "b 68 2"] | None, Key[Array, " b"]], Painted
]


def build(config: ConfigDict) -> AdmUnet:
    """The network of a valid config."""
    own = config.repaint
    return AdmUnet(
        image_size=own.image_size,
        features=own.features,
        multipliers=tuple(own.multipliers),
        num_blocks=own.num_blocks,
        attention_sides=tuple(own.attention_sides),
        head_features=own.head_features,
        drop_rate=own.drop_rate,
        dtype=jnp.dtype(config.compute_dtype),
    )


def init_function(module: AdmUnet) -> Callable[[Array], dict[str, Any]]:
    """From a key to fresh params, and batch_stats, of which there are none."""
    side = module.image_size

    def init(key: Array) -> dict[str, Any]:
        return {"batch_stats": {}, **module.init(key, jnp.zeros((1, side, side, 3)), jnp.zeros(1, jnp.int32))}

    return init


def resampling_of(config: ConfigDict) -> Resampling:
    """How tables walk."""
    own = config.repaint
    return Resampling(own.num_steps, own.jump_length, own.num_resamples)


def paint_function(module: AdmUnet, resampling: Resampling) -> Paint:
    """`(variables, images, landmarks, points, keys) -> Painted`, for pictures in [0, 1] of any size; pure.

    The hole is that of `components.holes`: by 68 landmarks where they are known, else by five. An example's draw
    depends on its key and on its picture, so that of one key for all each picture has noise of its own: samples of one
    noise would err alike, and a distance of sets would see that.
    """
    diffusion, times = linear_diffusion(resampling.num_steps), jnp.asarray(resampling.times())
    side = module.image_size

    def paint(
        variables: Any,
        images: Float[Array, "b h w 3"],
        landmarks: Float[Array, "b 5 2"],
        points: Float[Array, "b 68 2"] | None,
        keys: Key[Array, " b"],
    ) -> Painted:
        size = images.shape[1]
        points = components.points_of(landmarks, points, size)
        hole = components.holes(points, size)
        is_known = 1 - components.holes(components.moved(points, size, side), side)
        own_keys = jax.vmap(jax.random.fold_in)(keys, _number_of(images))
        weights = {"params": variables["params"]}
        painted = repaint.recover(module, weights, own_keys, resizer(side)(images), is_known, diffusion, times)
        return Painted(hole * jnp.clip(resizer(size)(painted), 0, 1) + (1 - hole) * images, hole)

    return paint


def _number_of(images: Float[Array, "b h w 3"]) -> Array:
    """A number of each picture: the sum of its 8-bit values, which no processor rounds in its own way."""
    return jnp.sum(jnp.round(images * 255).astype(jnp.uint32), axis=(1, 2, 3), dtype=jnp.uint32)
