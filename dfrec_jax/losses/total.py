"""The loss, Eq. 10: an entry in `TERMS` for each of its terms, and what the terms are computed from."""

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray
from ml_collections import ConfigDict

from dfrec_jax.frozen.network import FaceFeatures, Perceptors
from dfrec_jax.losses import terms
from dfrec_jax.models.dfrec import DfrecOutput
from dfrec_jax.models.ism import IsmOutput
from dfrec_jax.nets import joining
from dfrec_jax.nets.patches import patchify


class FeaturePair(NamedTuple):
    """What the frozen networks see of a recovered face and of its reference."""

    recovered: FaceFeatures
    reference: FaceFeatures  # without gradients


class Given(NamedTuple):
    """What the terms of a batch are computed from."""

    loss: ConfigDict  # config.loss
    output: DfrecOutput
    batch: Mapping[str, Array]
    patch_size: int
    has_source: Bool[Array, " b"]  # whose recovered source is compared with its reference
    has_source_features: Bool[Array, " s"]  # of the rows in `source`: the same in features, aligned by landmarks
    has_target: Bool[Array, " b"]
    has_target_features: Bool[Array, " r"]  # of the rows in `target`
    target: FeaturePair
    source: FeaturePair | None  # None with loss.source_features=0
    inside: Float[Array, "b h w 1"] | None  # 0 on pixels whose truth is not known; None: all are known


def _distance(given: Given, role: str, target_weight: float) -> Array | None:
    """L_src + target_weight L_tgt of Eq. 4 and 7, on the features of `role`."""
    if not getattr(given.target.reference, role):
        return None

    def distance(pair: FeaturePair, is_given: Array) -> Array:
        recovered, reference = (getattr(features, role) for features in pair)
        return terms.multi_layer_distance(recovered, reference, is_given, given.loss.reduction)

    source = (
        0.0 if given.source is None else given.loss.source_features * distance(given.source, given.has_source_features)
    )
    return terms.source_and_target(
        jnp.asarray(source), distance(given.target, given.has_target_features), target_weight
    )


def _identity(given: Given) -> Array | None:
    return _distance(given, "identity", given.loss.target_identity)  # alpha


def _perceptual(given: Given) -> Array | None:
    return _distance(given, "perceptual", given.loss.target_perceptual)  # beta


def _attribute(given: Given) -> Array | None:
    recovered, reference = (features.attributes for features in given.target)
    return terms.attribute_loss(recovered[0], reference[0], given.has_target_features) if reference else None


def _patch(given: Given) -> Array:
    patches = patchify(given.batch["target"], given.patch_size)
    masked = lambda patches: jnp.take_along_axis(patches, given.output.idx_mask[..., None], axis=1)  # noqa: E731
    inside = None
    if given.inside is not None:
        inside = masked(patchify(jnp.broadcast_to(given.inside, given.batch["target"].shape), given.patch_size))
    return terms.patch_loss(
        given.output.target_patches, masked(patches), given.has_target, given.loss.reduction, inside
    )


def _classification(seen: DfrecOutput | IsmOutput, batch: Mapping[str, Array]) -> Array | None:
    return None if seen.logit is None else terms.classification_loss(seen.logit, batch["is_forgery"])


def _segmentation(seen: DfrecOutput | IsmOutput, batch: Mapping[str, Array], loss: ConfigDict) -> Array | None:
    if seen.map_logits is None:
        return None
    has_mask = batch["has_mask"] if loss.pristine_map else batch["has_mask"] & batch["is_forgery"]
    return terms.segmentation_loss(seen.map_logits, batch["source_mask"], has_mask, batch.get("inside_mask"))


def _source_pixels(given: Given) -> Array:
    batch = given.batch
    return terms.pixel_loss(
        given.output.source_face,
        batch.get("posed_source", batch["source"]),
        batch["source_mask"] if given.inside is None else given.inside * batch["source_mask"],
        given.has_source & batch["has_mask"] & batch.get("has_posed_source", True),
    )


class Term(NamedTuple):
    """One term of the loss; metrics call it `loss_<name>`."""

    name: str
    compute: Callable[[Given], Array | None]  # a scalar; None, which counts as 0, where what it needs is left out
    weight: str | None  # the field of config.loss that multiplies it; None: 1
    role: str | None = None  # the frozen network that is loaded and run where the term counts


# L = L_id + lambda_1 L_perc + lambda_2 L_attr + lambda_3 L_patch (Eq. 10), and below them what the paper leaves to the
# ISM and one term of our own. A new term is its function in `terms.py`, a line here, and its weight's default.
TERMS = (
    Term("identity", _identity, weight=None, role="identity"),  # L_id, Eq. 4
    Term("perceptual", _perceptual, weight="perceptual", role="perceptual"),  # lambda_1 L_perc, Eq. 7
    Term("attribute", _attribute, weight="attribute", role="attributes"),  # lambda_2 L_attr, Eq. 8
    Term("patch", _patch, weight="patch"),  # lambda_3 L_patch, Eq. 9
    Term("classification", lambda given: _classification(given.output, given.batch), weight="classification"),
    Term("segmentation", lambda given: _segmentation(given.output, given.batch, given.loss), weight="segmentation"),
    Term("source_pixels", _source_pixels, weight="source_pixels"),
)


def weight_of(term: Term, loss: ConfigDict) -> float:
    """What multiplies `term` in the sum, by `config.loss`."""
    return 1.0 if term.weight is None else loss[term.weight]


def needed_roles(loss: ConfigDict) -> set[str]:
    """The roles of frozen networks that some term of a weight above 0 looks at."""
    return {term.role for term in TERMS if term.role and weight_of(term, loss) > 0}


def weighted_sum(values: Mapping[str, Array], loss: ConfigDict) -> Float[Array, ""]:
    """L of Eq. 10, of what `loss_terms` returned, or `ism_terms`."""
    weights = {term.name: weight_of(term, loss) for term in TERMS}
    return jnp.asarray(sum(weights[name] * value for name, value in values.items()))


def loss_terms(
    output: DfrecOutput,
    batch: Mapping[str, Array],
    perceptors: Perceptors,
    loss: ConfigDict,
    *,
    patch_size: int,
    key: PRNGKeyArray | None = None,
    num_groups: int = 1,
) -> dict[str, Float[Array, ""]]:
    """Every term for one batch by its name, unweighted.

    Args:
      output: what DFREC made of `batch["image"]`.
      batch: `source` and `target` float32 [b, h, w, 3] in [0, 1]; `source_mask` float32 [b, h, w, 1] in [0, 1];
        `is_forgery`, `has_source`, `has_target`, `has_mask` bool [b]; `landmarks` [b, 5, 2] of the input, the target
        and both recovered faces; `source_landmarks` of the source: where they are NaN its features are not compared.
        Where sources have poses of their own, `posed_source` as `forge.Forgery` has it, and `has_posed_source`. Where
        pictures may end within their crop, `inside_mask`, float32 [b, h, w, 1]: where it is 0 nothing is learned.
        Where there are photographs with hidden faces, `is_photograph`.
      perceptors: the frozen networks; gradients flow through them to the recovered faces, not to the references. The
        term of a role that has none is 0.
      loss: `config.loss`: alpha and beta enter here, the lambdas in `weighted_sum`.
      patch_size: side of a patch in pixels.
      key: of the draw of the rows that the frozen networks look at, where `loss.target_rows` or `loss.source_rows` is
        below 1. Means over them are unbiased, so that no weight changes.
      num_groups: equal blocks of rows, of each of which so many are drawn: the devices along the batch, so that nothing
        is sent between them.
    """
    has_source, has_target = batch["has_source"], batch["has_target"]
    if loss.pristine_map:
        is_recovered = batch["is_forgery"] | batch.get("is_photograph", False)
        has_source, has_target = has_source & is_recovered, has_target & is_recovered
    landmarks, source_landmarks = batch["landmarks"], batch["source_landmarks"]
    is_found = jnp.all(jnp.isfinite(source_landmarks), axis=(1, 2))
    source_landmarks = jnp.where(is_found[:, None, None], source_landmarks, landmarks)  # NaN would reach the gradients
    inside = batch.get("inside_mask")
    target_face, source_face = output.target_face, output.source_face
    if inside is not None:  # what was recovered beyond the picture's border is looked at by no network
        target_face = inside * target_face + (1 - inside) * batch["target"]
        source_face = inside * source_face + (1 - inside) * batch["image"]
    has_source_features = has_source & is_found
    take = _drawn_rows(key, "target", has_target, loss.target_rows, num_groups)
    has_target_features = take(has_target)
    faces, references = [(take(target_face), take(landmarks))], [(take(batch["target"]), take(landmarks))]
    if loss.source_features > 0:  # a recovered source has the pose of the input, its reference one of its own
        take = _drawn_rows(key, "source", has_source_features, loss.source_rows, num_groups)
        has_source_features = take(has_source_features)
        faces.append((take(source_face), take(landmarks)))
        references.append((take(batch["source"]), take(source_landmarks)))
    recovered = _features(perceptors, faces)
    reference = jax.lax.stop_gradient(_features(perceptors, references))
    target, *source = (FeaturePair(*pair) for pair in zip(recovered, reference, strict=True))
    given = Given(
        loss=loss,
        output=output,
        batch=batch,
        patch_size=patch_size,
        has_source=has_source,
        has_source_features=has_source_features,
        has_target=has_target,
        has_target_features=has_target_features,
        target=target,
        source=source[0] if source else None,
        inside=inside,
    )
    values = {term.name: term.compute(given) for term in TERMS}
    return {name: jnp.zeros((), jnp.float32) if value is None else value for name, value in values.items()}


def ism_terms(seen: IsmOutput, batch: Mapping[str, Array], loss: ConfigDict) -> dict[str, Float[Array, ""]]:
    """The two terms of the ISM's own, by name, unweighted: all that it learns from alone.

    Args:
      seen: what the ISM said of `batch["image"]`.
      batch: as of `loss_terms`, of which it needs `is_forgery`, `source_mask`, `has_mask` and `inside_mask`.
      loss: `config.loss`.
    """
    values = {"classification": _classification(seen, batch), "segmentation": _segmentation(seen, batch, loss)}
    return {name: value for name, value in values.items() if value is not None}


def _drawn_rows(
    key: PRNGKeyArray | None, face: str, is_given: Bool[Array, " b"], share: float, num_groups: int
) -> Callable[[Array], Array]:
    """Takes `share` of the rows of each group, rounded up, drawn among those that are given, as far as these go."""
    if share == 1:
        return lambda value: value
    assert key is not None  # whoever asks for a share has a key
    draw = jax.random.uniform(jax.random.fold_in(key, ("target", "source").index(face)), is_given.shape)
    grouped = lambda value: value.reshape(num_groups, -1, *value.shape[1:])  # noqa: E731
    places = jnp.argsort(grouped(draw + ~is_given), axis=1)[:, : math.ceil(share * len(is_given) / num_groups)]
    take = jax.vmap(lambda value, places: value[places])
    return lambda value: take(grouped(value), places).reshape(-1, *value.shape[1:])


def _features(perceptors: Perceptors, faces: list[tuple[Array, Array]]) -> list[FaceFeatures]:
    """Features of several batches of pictures, each with its landmarks, in one pass of each network.

    Attributes are those of the first batch, the targets, alone: Eq. 8 asks for no others.
    """
    lengths = [len(pictures) for pictures, _ in faces]
    pictures, landmarks = (joining.join(parts) for parts in zip(*faces, strict=True))
    of_batch = lambda place: partial(joining.part_of, lengths=lengths, place=place)  # noqa: E731
    features = perceptors(pictures.astype(jnp.float32), landmarks, of_attributes=of_batch(0))
    attributes, features = features.attributes, features._replace(attributes=())
    first, *others = (jax.tree.map(of_batch(place), features) for place in range(len(faces)))
    return [first._replace(attributes=attributes), *others]
