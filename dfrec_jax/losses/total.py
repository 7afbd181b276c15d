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

    source_features: float  # of the source's distances in Eq. 4 and 7, where the paper has 1
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
        aligns faces (found on the input, and used for all pictures of the example). Where pictures of a source have
        poses of their own, `posed_source` as `forging.Forgery` has it, and `has_posed_source`.
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
    zero = jnp.zeros((), jnp.float32)
    faces, references, given = [output.target_face], [batch["target"]], [has_target]
    if weights.source_features > 0:
        faces, references, given = [*faces, output.source_face], [*references, batch["source"]], [*given, has_source]
    recovered = _features(perceptors, faces, landmarks)
    reference = jax.lax.stop_gradient(_features(perceptors, references, landmarks))

    def distance(role: str, target_weight: float) -> Array:
        pairs = zip(recovered, reference, given, strict=True)
        target, *source = (
            terms.multi_layer_distance(getattr(a, role), getattr(b, role), has, reduction) for a, b, has in pairs
        )
        return terms.source_and_target(weights.source_features * sum(source, zero), target, target_weight)

    masked_reference = jnp.take_along_axis(patchify(batch["target"], patch_size), output.idx_mask[..., None], axis=1)
    return LossTerms(
        identity=distance("identity", weights.target_identity),
        perceptual=distance("perceptual", weights.target_perceptual) if reference[0].perceptual else zero,
        attribute=terms.attribute_loss(recovered[0].attributes[0], reference[0].attributes[0], has_target)
        if reference[0].attributes
        else zero,
        patch=terms.patch_loss(output.target_patches, masked_reference, has_target, reduction),
        classification=zero if output.logit is None else terms.classification_loss(output.logit, batch["is_forgery"]),
        segmentation=zero
        if output.map_logits is None
        else terms.segmentation_loss(output.map_logits, batch["source_mask"], has_mask),
        source_pixels=terms.pixel_loss(
            output.source_face,
            batch.get("posed_source", batch["source"]),
            batch["source_mask"],
            has_source & batch["has_mask"] & batch.get("has_posed_source", True),
        ),
    )


def _features(perceptors: Perceptors, faces: list[Array], landmarks: Array | None) -> list[FaceFeatures]:
    """Features of several batches of pictures of the same examples, in one pass of each network."""
    repeated = None if landmarks is None else jnp.concatenate([landmarks] * len(faces))
    features = perceptors(jnp.concatenate(faces).astype(jnp.float32), repeated)
    size = faces[0].shape[0]
    return [jax.tree.map(lambda x: x[i * size : (i + 1) * size], features) for i in range(len(faces))]  # noqa: B023
