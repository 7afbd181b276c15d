"""The residual identity: what is left of an embedding of a swap beside the person who is seen in it.

A swap's embedding is mostly the visible person's. Without its component along that person's own embedding it points,
with much noise, towards the target. The TIRM takes it for a condition (`tirm.identity_width`) and learns on photographs
with embeddings made as noisy: no swap is needed.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Key

SAME = 0.9999  # cosine from which two pictures show one face, and what is left of it is rounding


def without_component(
    embedding: Float[Array, "b e"], direction: Float[Array, "b e"], *, epsilon: float = 1e-6
) -> Float[Array, "b e"]:
    """What of `embedding` is perpendicular to `direction`, of unit length."""
    along = jnp.sum(embedding * direction, axis=-1, keepdims=True)
    squared = jnp.maximum(jnp.sum(jnp.square(direction), axis=-1, keepdims=True), epsilon)
    return unit(embedding - along / squared * direction, epsilon=epsilon)


def made_noisy(
    key: Key[Array, ""],
    embedding: Float[Array, "b e"],
    visible: Float[Array, "b e"],
    cosine: tuple[float, float],
) -> Float[Array, "b e"]:
    """Embeddings of people as noisy as residuals are.

    Args:
      key: of the draw.
      embedding: of unit length.
      visible: of other people, whose direction is taken out as that of a visible person is.
      cosine: range, of the result to the embedding without `visible`.
    """
    for_cosine, for_noise = jax.random.split(key)
    kept = without_component(embedding, visible)
    noise = without_component(jax.random.normal(for_noise, embedding.shape), kept)
    noise = without_component(noise, visible)
    share = jax.random.uniform(for_cosine, (len(embedding), 1), minval=cosine[0], maxval=cosine[1])
    return unit(share * kept + jnp.sqrt(1 - jnp.square(share)) * noise)


def beside(embedding: Float[Array, "b e"], visible: Float[Array, "#b e"]) -> Float[Array, "b e"]:
    """What is left of each swap's embedding beside the visible person's; zeros where either is not a number, as where a
    face cannot be aligned, or nothing but rounding is left, as where the recovered source is the swap itself.

    Args:
      embedding: of the swaps.
      visible: of the person who is seen in each; of one row, in all.
    """
    visible = jnp.broadcast_to(visible, embedding.shape)
    is_other = jnp.sum(unit(embedding) * unit(visible), axis=-1) < SAME
    return or_none(without_component(embedding, visible), is_other)


def or_none(embedding: Float[Array, "b e"], is_given: Bool[Array, " b"]) -> Float[Array, "b e"]:
    """Zeros, which say nothing, where none is given or it is not a number."""
    is_given = is_given & jnp.all(jnp.isfinite(embedding), axis=-1)
    return jnp.where(is_given[:, None], jnp.where(jnp.isfinite(embedding), embedding, 0.0), 0.0)


def unit(vectors: Float[Array, "b e"], *, epsilon: float = 1e-6) -> Float[Array, "b e"]:
    """Of unit length; zeros stay zeros."""
    return vectors / jnp.maximum(jnp.linalg.norm(vectors, axis=-1, keepdims=True), epsilon)
