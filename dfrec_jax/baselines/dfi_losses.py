"""DFI-min's losses and their weights, which are this project's: none of DFI's are published."""

from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from dfrec_jax.baselines.dfi import DfiOutput
from dfrec_jax.frozen.network import Features, FrozenNetwork, Perceptors
from dfrec_jax.losses.terms import multi_layer_distance, pixel_loss, weighted_mean

PIXELS, PERCEPTUAL, IDENTITY, REGRESSION, ORTHOGONALITY = 1.0, 0.5, 1.0, 0.5, 0.1
SMALLEST_SQUARE = 1e-12  # of a length that is divided by


class DfiLoss(NamedTuple):
    """Each term, unweighted, and `total`, which is minimised."""

    pixels: Float[Array, ""]
    perceptual: Float[Array, ""]
    identity: Float[Array, ""]
    target_embedding: Float[Array, ""]
    source_embedding: Float[Array, ""]
    orthogonality: Float[Array, ""]
    total: Float[Array, ""]


def cosine(first: Float[Array, "b e"], second: Float[Array, "b e"]) -> Float[Array, " b"]:
    """Of the angle between each pair of rows; 0 where one of them is zero."""

    def length(rows: Array) -> Array:
        return jnp.sqrt(jnp.maximum(jnp.sum(jnp.square(rows), axis=-1), SMALLEST_SQUARE))

    return jnp.sum(first * second, axis=-1) / (length(first) * length(second))


def dfi_loss(output: DfiOutput, batch: Mapping[str, Array], perceptors: Perceptors) -> DfiLoss:
    """L1 + 0.5 L_perc + L_id + 0.5 (L_id,tgt + L_id,src) + 0.1 L_orth.

    The first three compare the recovered target with the original: pixel by pixel, in the features of the perceptual
    network as Eq. 6 of the paper does, and by 1 - cosine of the recogniser's embeddings. The next two are 1 - cosine of
    what is said of each identity and of what the recogniser finds in the target's and the source's own picture, the
    last is |cosine| of the two halves. A pristine face is its own original, and has one identity: it teaches the first
    four and neither of the last two, which would have it hold somebody else.

    Args:
      output: what the network made of `batch["image"]`.
      batch: as `losses.total.loss_terms` takes it.
      perceptors: with the networks of the roles `identity` and `perceptual`.
    """
    assert perceptors.identity is not None and perceptors.perceptual is not None  # `compared_methods.Method.roles`
    has_target, landmarks, inside = batch["has_target"], batch["landmarks"], batch.get("inside_mask")
    is_found = jnp.all(jnp.isfinite(batch["source_landmarks"]), axis=(1, 2))
    source_landmarks = jnp.where(is_found[:, None, None], batch["source_landmarks"], landmarks)
    has_two = batch["is_forgery"] & batch["has_source"] & is_found
    region = jnp.ones_like(output.target_face[..., :1]) if inside is None else inside
    face = region * output.target_face + (1 - region) * batch["target"]  # nothing is looked at beyond the border

    embedding, taps = _seen(perceptors, face, landmarks)
    target_embedding, target_taps = jax.lax.stop_gradient(_seen(perceptors, batch["target"], landmarks))
    source = jax.lax.stop_gradient(perceptors.identity(batch["source"], source_landmarks)["embedding"])
    apart = jnp.abs(cosine(output.target_features, output.source_features))
    terms = {
        "pixels": pixel_loss(face, batch["target"], region, has_target),
        "perceptual": multi_layer_distance(taps, target_taps, has_target, "root_mean_square"),
        "identity": weighted_mean(1 - cosine(embedding, target_embedding), has_target),
        "target_embedding": weighted_mean(1 - cosine(output.target_embedding, target_embedding), has_target),
        "source_embedding": weighted_mean(1 - cosine(output.source_embedding, source), has_two),
        "orthogonality": weighted_mean(apart, batch["is_forgery"]),
    }
    total = PIXELS * terms["pixels"] + PERCEPTUAL * terms["perceptual"] + IDENTITY * terms["identity"]
    total += REGRESSION * (terms["target_embedding"] + terms["source_embedding"])
    return DfiLoss(**terms, total=total + ORTHOGONALITY * terms["orthogonality"])


def _seen(
    perceptors: Perceptors, pictures: Float[Array, "b h w 3"], landmarks: Float[Array, "b 5 2"]
) -> tuple[Array, tuple[Array, ...]]:
    """The recogniser's embedding and the layers of the perceptual network; one that is both is run once."""
    identity, perceptual = perceptors.identity, perceptors.perceptual
    assert isinstance(identity, FrozenNetwork) and isinstance(perceptual, FrozenNetwork)
    of_identity: Features = identity(pictures, landmarks)
    of_perceptual = of_identity if perceptual.name == identity.name else perceptual(pictures, landmarks)
    return of_identity["embedding"], tuple(of_perceptual[tap] for tap in perceptual.taps["perceptual"])
