"""The sum of the loss terms, Eq. 10, and what it is computed from."""

from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float
from ml_collections import ConfigDict

from dfrec_jax.frozen.network import FaceFeatures, Perceptors
from dfrec_jax.losses import terms
from dfrec_jax.models.dfrec import DfrecOutput
from dfrec_jax.nets.patches import patchify


class LossTerms(NamedTuple):
    """The terms of Eq. 10, unweighted, the two that the paper leaves to the ISM, and one of our own; each a scalar."""

    identity: Array
    perceptual: Array
    attribute: Array
    patch: Array
    classification: Array
    segmentation: Array
    source_pixels: Array


class LossWeights(NamedTuple):
    """The weights of the loss; the paper's letter beside each."""

    target_identity: float  # alpha
    target_perceptual: float  # beta
    perceptual: float  # lambda_1
    attribute: float  # lambda_2
    patch: float  # lambda_3
    classification: float
    segmentation: float
    source_pixels: float

    @classmethod
    def from_config(cls, loss: ConfigDict) -> "LossWeights":
        """The weights of `config.loss`."""
        return cls(**{name: float(loss[name]) for name in cls._fields})


def weighted_sum(loss: LossTerms, weights: LossWeights) -> Float[Array, ""]:
    """L = L_id + lambda_1 L_perc + lambda_2 L_attr + lambda_3 L_patch (Eq. 10), and the terms beside it."""
    return (
        loss.identity
        + weights.perceptual * loss.perceptual
        + weights.attribute * loss.attribute
        + weights.patch * loss.patch
        + weights.classification * loss.classification
        + weights.segmentation * loss.segmentation
        + weights.source_pixels * loss.source_pixels
    )


def loss_terms(
    output: DfrecOutput,
    batch: Mapping[str, Array],
    perceptors: Perceptors,
    weights: LossWeights,
    *,
    patch_size: int,
    reduction: str,
    pristine_map: bool,
) -> LossTerms:
    """Every term for one batch.

    Args:
      output: what DFREC made of `batch["image"]`.
      batch: `source` and `target` float32 [b, h, w, 3] in [0, 1]; `source_mask` float32 [b, h, w, 1] in [0, 1];
        `is_forgery`, `has_source`, `has_target`, `has_mask` bool [b]; `landmarks` [b, 5, 2] where a frozen network
        aligns faces (found on the input, and used for all pictures of the example).
      perceptors: the frozen networks; gradients flow through them to the recovered faces, not to the references. The
        term of a role that has none is 0.
      weights: alpha and beta enter here; the lambdas in `weighted_sum`.
      patch_size: side of a patch in pixels.
      reduction: `config.loss.reduction`.
      pristine_map: `config.loss.pristine_map`.
    """
    has_source, has_target, has_mask = batch["has_source"], batch["has_target"], batch["has_mask"]
    if pristine_map:
        has_source, has_target = has_source & batch["is_forgery"], has_target & batch["is_forgery"]
    else:
        has_mask &= batch["is_forgery"]
    landmarks = batch.get("landmarks")
    recovered_source, recovered_target = _pair_features(perceptors, output.source_face, output.target_face, landmarks)
    source, target = jax.lax.stop_gradient(_pair_features(perceptors, batch["source"], batch["target"], landmarks))

    def distance(role: str, recovered: FaceFeatures, reference: FaceFeatures, weight: Array) -> Array:
        if not getattr(reference, role):
            return jnp.zeros((), jnp.float32)
        return terms.multi_layer_distance(getattr(recovered, role), getattr(reference, role), weight, reduction)

    masked_reference = jnp.take_along_axis(patchify(batch["target"], patch_size), output.idx_mask[..., None], axis=1)
    zero = jnp.zeros((), jnp.float32)
    return LossTerms(
        identity=terms.source_and_target(
            distance("identity", recovered_source, source, has_source),
            distance("identity", recovered_target, target, has_target),
            weights.target_identity,
        ),
        perceptual=terms.source_and_target(
            distance("perceptual", recovered_source, source, has_source),
            distance("perceptual", recovered_target, target, has_target),
            weights.target_perceptual,
        ),
        attribute=terms.attribute_loss(recovered_target.attributes[0], target.attributes[0], has_target)
        if target.attributes
        else zero,
        patch=terms.patch_loss(output.target_patches, masked_reference, has_target, reduction),
        classification=zero if output.logit is None else terms.classification_loss(output.logit, batch["is_forgery"]),
        segmentation=zero
        if output.map_logits is None
        else terms.segmentation_loss(output.map_logits, batch["source_mask"], has_mask),
        source_pixels=terms.pixel_loss(
            output.source_face, batch["source"], batch["source_mask"], has_source & batch["has_mask"]
        ),
    )


def _pair_features(
    perceptors: Perceptors, first: Array, second: Array, landmarks: Array | None
) -> tuple[FaceFeatures, FaceFeatures]:
    """Features of two batches of pictures of the same examples, in one pass of each network."""
    both = jnp.concatenate([first, second]).astype(jnp.float32)
    features = perceptors(both, None if landmarks is None else jnp.concatenate([landmarks, landmarks]))
    size = first.shape[0]
    return jax.tree.map(lambda x: x[:size], features), jax.tree.map(lambda x: x[size:], features)
