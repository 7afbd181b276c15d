"""RECCE's losses (Cao et al., CVPR 2022): classification with flooding, reconstruction of real faces, and a metric
loss over the features that reconstruct them. Weights and the level of flooding are those of its authors' configuration.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from dfrec_jax.baselines.recce import RecceOutput
from dfrec_jax.losses.terms import classification_loss, weighted_mean

RECONSTRUCTION_WEIGHT = 0.1
METRIC_WEIGHT = 0.1
FLOOD_LEVEL = 0.04


class RecceLoss(NamedTuple):
    """Each term, unweighted, and `total`, which is minimised."""

    classification: Float[Array, ""]
    reconstruction: Float[Array, ""]
    metric: Float[Array, ""]
    total: Float[Array, ""]


def flooded(loss: Float[Array, ""], level: float = FLOOD_LEVEL) -> Float[Array, ""]:
    """|L - b| + b (Ishida et al. 2020): below the level b the gradient is turned round."""
    return jnp.abs(loss - level) + level


def reconstruction_loss(
    reconstruction: Float[Array, "b h w 3"], image: Float[Array, "b h w 3"], is_forgery: Bool[Array, " b"]
) -> Float[Array, ""]:
    """Mean absolute difference over the real faces of the batch, on their scale of [-1, 1]; 0 where there are none.

    Forgeries have none, so that the decoder knows real faces alone (RECCE, Sec. 3.2).
    """
    return weighted_mean(jnp.mean(jnp.abs(reconstruction - image), axis=(1, 2, 3)), ~is_forgery)


def correlations(features: Float[Array, "b c"]) -> Float[Array, "b b"]:
    """(cosine + 1) / 2 of each pair of a batch's pooled features, in [0, 1]."""
    squared = jnp.sum(jnp.square(features), axis=-1, keepdims=True)
    unit = features / jnp.sqrt(jnp.maximum(squared, 1e-24))
    return (jnp.matmul(unit, unit.T, precision="highest") + 1) / 2


def metric_loss(pooled: Sequence[Float[Array, "b _"]], is_forgery: Bool[Array, " b"]) -> Float[Array, ""]:
    """Sum over the sets of features of max(0, 1 - s + d): real faces are drawn together and away from forgeries.

    s is the mean correlation of two different real faces, d that of a real face and a forgery; a mean over no pair is
    0. Two forgeries are not compared (RECCE, Sec. 3.2).
    """
    is_real = ~is_forgery
    is_other = ~jnp.eye(is_real.size, dtype=bool)
    alike = (is_real[:, None] & is_real[None, :] & is_other).reshape(-1)
    unlike = (is_real[:, None] ^ is_real[None, :]).reshape(-1)
    total = jnp.zeros(())
    for features in pooled:
        pairs = correlations(features).reshape(-1)
        total += jnp.maximum(1 - weighted_mean(pairs, alike) + weighted_mean(pairs, unlike), 0)
    return total


def recce_loss(output: RecceOutput, image: Float[Array, "b h w 3"], is_forgery: Bool[Array, " b"]) -> RecceLoss:
    """L = flood(L_cls) + 0.1 L_rec + 0.1 L_metric of what the network, in training, made of `image` in [-1, 1]."""
    classification = flooded(classification_loss(output.logit, is_forgery))
    reconstruction = reconstruction_loss(output.reconstruction, image, is_forgery)
    metric = metric_loss(output.pooled, is_forgery)
    total = classification + RECONSTRUCTION_WEIGHT * reconstruction + METRIC_WEIGHT * metric
    return RecceLoss(classification, reconstruction, metric, total)
