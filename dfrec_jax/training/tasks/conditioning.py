"""What DFREC is told in training besides the picture: maps, whose region is hidden, who the target may be.

Each is None where the config asks for none of it, so that the network computes as without.
"""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Key
from ml_collections import ConfigDict

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.frozen.network import Perceptors
from dfrec_jax.models import residual
from dfrec_jax.models.region import KnownMap

Batch = Mapping[str, Array]


def photographs(batch: Batch) -> Bool[Array, " b"]:
    """The rows that are photographs with the face to be hidden."""
    return batch.get("is_photograph", jnp.zeros(len(batch["image"]), bool))


def hidden(batch: Batch, config: ConfigDict, key: Key[Array, ""]) -> Bool[Array, " b"] | None:
    """Whose region is removed: photographs, and a drawn share of the forgeries (`sirm.feature_dropout`)."""
    share = config.sirm.feature_dropout
    if share == 0 and config.data.photograph_share == 0:
        return None
    is_drawn = jax.random.uniform(key, (len(batch["image"]),)) < share
    return photographs(batch) | (batch["is_forgery"] & is_drawn)


def judged(batch: Batch, config: ConfigDict, is_hidden: Bool[Array, " b"] | None) -> dict[str, Array]:
    """The batch with what its losses may compare: no source that was hidden; where the head gives the verdict, no mask
    of a pristine face."""
    batch = dict(batch)
    if is_hidden is not None:
        batch["has_source"] = batch["has_source"] & ~is_hidden
    if config.ism.verdict != "map":
        batch["has_mask"] = batch["has_mask"] & batch["is_forgery"]
    return batch


def known_maps(batch: Batch, config: ConfigDict, key: Key[Array, ""]) -> KnownMap | None:
    """The regions of photographs, and the masks of a drawn share of the other examples, as far as they are known.

    With `loss.pristine_map` of pristine faces too, whose mask is empty. Where these are to recover themselves it would
    hide from the SIRM the very face that it is to give back.
    """
    share = config.ism.known_map
    if share == 0 and config.data.photograph_share == 0:
        return None
    is_photograph = photographs(batch)
    if config.data.photograph_share == 1:  # the ISM's own map is then used nowhere, and its gradient not computed
        is_photograph = jnp.ones(len(batch["image"]), bool)
    is_known = batch["has_mask"] & (batch["is_forgery"] | config.loss.pristine_map)
    is_drawn = jax.random.uniform(key, is_known.shape) < share
    return KnownMap(batch["source_mask"], is_photograph | (is_known & is_drawn))


def identities(
    batch: Batch, perceptors: Perceptors, config: ConfigDict, key: Key[Array, ""]
) -> Float[Array, "b e"] | None:
    """Who the targets are, as vaguely as a residual says it (`residual.py`): of photographs by another picture of the
    person, which stands in the place of the source, else by the target itself; zeros for a share of the rows.
    """
    if config.tirm.identity_width == 0 or perceptors.identity is None:
        return None
    is_photograph, own = photographs(batch), batch["source_landmarks"]
    is_other = is_photograph & jnp.all(jnp.isfinite(own), axis=(1, 2))
    picture = jnp.where(is_other[:, None, None, None], batch["source"], batch["target"])
    landmarks = jnp.where(is_other[:, None, None], own, batch["landmarks"])
    embedding = jax.lax.stop_gradient(perceptors.identity(picture, landmarks)["embedding"]).astype(jnp.float32)
    for_noise, for_rows = jax.random.split(key)
    visible = jnp.roll(embedding, 1, axis=0)  # somebody else
    vague = residual.made_noisy(for_noise, embedding, visible, tuple(config.tirm.identity_cosine))
    is_told = jax.random.uniform(for_rows, (len(embedding),)) >= config.tirm.identity_dropout
    return residual.or_none(vague, is_told & batch["has_target"])


def check_identity_width(config: ConfigDict, perceptors: Perceptors) -> None:
    """Raises ConfigError where the recogniser of the losses makes embeddings of another width than a network has."""
    section, network = next((name for name in ("tirm", "dfi") if name in config), ""), perceptors.identity
    if network is None or not section or config[section].identity_width == 0:
        return
    width = config[section].identity_width
    image = jax.ShapeDtypeStruct((1, config.image_size, config.image_size, 3), jnp.float32)
    landmarks = jax.ShapeDtypeStruct((1, 5, 2), jnp.float32)
    made = jax.eval_shape(network, image, landmarks)["embedding"].shape[-1]
    if made != width:
        raise ConfigError(
            f"{section}.identity_width={width}: frozen.identity={network.name!r} makes embeddings of {made} numbers; "
            f"use {made}{', or 0 for none' if section == 'tirm' else ''}"
        )
