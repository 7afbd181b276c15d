"""The terms of the DFREC loss, Eq. 2-9 of the paper: one pure function each.

Every term is a mean over the examples whose reference is at hand, given by `weight`: a FaceForensics++ frame without
its source, say, adds nothing to the source terms. With no such example the term is 0.
"""

from collections.abc import Sequence

import jax.numpy as jnp
from jaxtyping import Array, Float, Shaped

# Added under the square root: a recovered face that equals its reference, as a pristine one may, has distance 0,
# where the gradient of sqrt is infinite.
EPSILON = 1e-12
SMALLEST_SHARE = 1e-6  # of known pixels: nothing is divided by none


def weighted_mean(values: Float[Array, " b"], weight: Shaped[Array, " b"]) -> Float[Array, ""]:
    """Mean of `values` over the batch by `weight` (0 or 1), and 0 where no weight is left."""
    weight = weight.astype(values.dtype)
    return jnp.sum(values * weight) / jnp.maximum(jnp.sum(weight), 1.0)


def feature_distance(
    recovered: Float[Array, "b *f"],  # noqa: F821
    reference: Float[Array, "b *f"],  # noqa: F821
    reduction: str,
) -> Float[Array, " b"]:
    """||a - b||_2 per example, the norm of Eq. 2, 3, 5, 6; `root_mean_square` divides it by sqrt(size).

    The paper's norm grows with the size of a layer, so that its first layers outweigh its last ones many times over;
    the root mean square weighs layers alike (docs/departures.md).
    """
    squared = jnp.square(recovered.astype(jnp.float32) - reference.astype(jnp.float32))
    squared = squared.reshape(squared.shape[0], -1)
    total = jnp.mean(squared, axis=-1) if reduction == "root_mean_square" else jnp.sum(squared, axis=-1)
    return jnp.sqrt(total + EPSILON)


def multi_layer_distance(
    recovered: Sequence[Array], reference: Sequence[Array], weight: Shaped[Array, " b"], reduction: str
) -> Float[Array, ""]:
    """Sum over layers of the feature distance: Eq. 2 and 3 on FaceNet's four taps, Eq. 5 and 6 on VGG-19's five."""
    layers = zip(recovered, reference, strict=True)
    return weighted_mean(sum(feature_distance(a, b, reduction) for a, b in layers), weight)  # pyright: ignore[reportArgumentType]


def source_and_target(
    source: Float[Array, ""], target: Float[Array, ""], target_weight: float | int
) -> Float[Array, ""]:
    """L_id = L_srcid + alpha L_tgtid (Eq. 4), and L_perc = L_srcperc + beta L_tgtperc (Eq. 7)."""
    return source + target_weight * target


def attribute_loss(
    recovered: Float[Array, "b a"], reference: Float[Array, "b a"], weight: Shaped[Array, " b"]
) -> Float[Array, ""]:
    """Smooth L1 between the attributes of the recovered and the pristine target (Eq. 8), mean over attributes."""
    difference = jnp.abs(recovered.astype(jnp.float32) - reference.astype(jnp.float32))
    smooth = jnp.where(difference < 1.0, 0.5 * jnp.square(difference), difference - 0.5)
    return weighted_mean(jnp.mean(smooth, axis=-1), weight)


def patch_loss(
    recovered: Float[Array, "b m d"],
    reference: Float[Array, "b m d"],
    weight: Shaped[Array, " b"],
    reduction: str,
    inside: Float[Array, "b m d"] | None = None,
) -> Float[Array, ""]:
    """L2 distance over the masked patches (Eq. 9): their sum with `norm`, the mean of their RMS otherwise.

    Pixels where `inside` is 0 count for nothing, and a patch by its share of the others.
    """
    squared = jnp.square(recovered.astype(jnp.float32) - reference.astype(jnp.float32))
    squared = squared if inside is None else inside * squared
    if reduction == "norm":
        per_example = jnp.sum(jnp.sqrt(jnp.sum(squared, axis=-1) + EPSILON), axis=-1)
    elif inside is None:
        per_example = jnp.mean(jnp.sqrt(jnp.mean(squared, axis=-1) + EPSILON), axis=-1)
    else:
        known = jnp.mean(inside, axis=-1)
        distance = jnp.sqrt(jnp.mean(squared, axis=-1) / jnp.maximum(known, SMALLEST_SHARE) + EPSILON)
        per_example = jnp.sum(known * distance, axis=-1) / jnp.maximum(jnp.sum(known, axis=-1), SMALLEST_SHARE)
    return weighted_mean(per_example, weight)


def pixel_loss(
    recovered: Float[Array, "b h w 3"],
    reference: Float[Array, "b h w 3"],
    region: Float[Array, "b h w 1"],
    weight: Shaped[Array, " b"],
) -> Float[Array, ""]:
    """Mean absolute difference inside `region`, in [0, 1] by pixel.

    Not in the paper, whose recovered source meets its reference in features alone; for data whose source has the pose
    of the forgery (docs/departures.md).
    """
    difference = jnp.mean(jnp.abs(recovered - reference).astype(jnp.float32), axis=-1, keepdims=True)
    area = jnp.sum(region, axis=(1, 2, 3))
    return weighted_mean(jnp.sum(region * difference, axis=(1, 2, 3)) / jnp.maximum(area, 1.0), weight)


def classification_loss(logit: Float[Array, " b"], is_forgery: Shaped[Array, " b"]) -> Float[Array, ""]:
    """Binary cross-entropy of the ISM's verdict, forged (1) or pristine (0); Sec. III-B names no loss for it."""
    return jnp.mean(_cross_entropy(logit.astype(jnp.float32), is_forgery.astype(jnp.float32)))


def segmentation_loss(
    map_logits: Float[Array, "b h w 1"],
    source_mask: Float[Array, "b h w 1"],
    weight: Shaped[Array, " b"],
    inside: Float[Array, "b h w 1"] | None = None,
) -> Float[Array, ""]:
    """Binary cross-entropy of the source map, as logits, against a known mask in [0, 1], mean over pixels.

    Not in the paper, which leaves the map free; without it the map may collapse, since the masking that it guides has
    no gradient (docs/departures.md). Pixels where `inside` is 0 count for nothing.
    """
    entropy = _cross_entropy(map_logits.astype(jnp.float32), source_mask.astype(jnp.float32))
    if inside is None:
        return weighted_mean(jnp.mean(entropy, axis=(1, 2, 3)), weight)
    known = jnp.maximum(jnp.mean(inside, axis=(1, 2, 3)), SMALLEST_SHARE)
    return weighted_mean(jnp.mean(inside * entropy, axis=(1, 2, 3)) / known, weight)


def _cross_entropy(logit: Array, label: Array) -> Array:
    return jnp.maximum(logit, 0.0) - logit * label + jnp.log1p(jnp.exp(-jnp.abs(logit)))
