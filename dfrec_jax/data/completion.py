"""What the device does to a batch of a prepared data set before the model sees it: forging, then paired augmentation.

The host has only decoded JPEG. Every draw depends on the run's key and on the place of a row in the stream of all
batches (`example`). The key is an argument: a seed in the program would have each training seed compiled by itself.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from dfrec_jax.data import rows
from dfrec_jax.data.paired_augmentation import AUGMENTED, UNCHANGED, Augmentation, augment, to_8_bits, to_float
from dfrec_jax.examples import fields
from dfrec_jax.examples.fields import Use
from dfrec_jax.forging import candidate_region, forge
from dfrec_jax.forging.neural import harmonised
from dfrec_jax.forging.neural.autoencoder import Autoencode
from dfrec_jax.forging.perturbing import lose_resolution

Batch = Mapping[str, Array]
Complete = Callable[[Mapping[str, Any], PRNGKeyArray], dict[str, Array]]
ForgeRow = Callable[..., forge.Forgery]  # (draw, source, target, source_points, target_points), pictures in [0, 1]
REDUCED = 1  # of a row: a draw beside those of its forgery


def already_complete(batch: Mapping[str, Any], key: PRNGKeyArray) -> dict[str, Array]:
    """The `Complete` of a batch in which nothing is left to do."""
    del key
    return dict(batch)


def make_completion(
    *,
    kinds: tuple[int, ...],
    num_groups: int,
    leak: tuple[float, float],
    reduced: float = 1.0,
    augmentation: Augmentation = UNCHANGED,
    changed_masks: bool = False,
    harmonise: ForgeRow | None = None,
) -> Complete:
    """The function from a batch as it leaves the host, and the run's key, to one that the model can be trained on.

    Args:
      kinds: of the rows, `rows.row_kinds`: by them so much room is made for each kind in each group of rows, and no
        more. Which rows are of a kind the batch itself says (`kind`), so that groups may stand in any order. A row
        that finds no room left stays its pristine target, and says so: no forgery, without source, target and mask.
      num_groups: equal blocks of rows that are never mixed: the devices along the batch, so that nothing is sent
        between them.
      leak: range of the share of the target in a warped swap.
      reduced: probability that the picture behind a forgery that is made here loses resolution as its recipe says, and
        that a pristine face does, by the ranges of the same recipes: no resampling tells the two apart.
      augmentation: of every row.
      changed_masks: whether a recorded forgery without a mask gets one where it differs from its target, which must be
        the very frame that it was made of.
      harmonise: how a row of `rows.NEURAL` is forged: `neural_forger`.

    Raises:
      ValueError: where there are such rows and no `harmonise`, or where the rows do not fall into so many equal groups.
    """
    if len(kinds) % num_groups:
        raise ValueError(f"{len(kinds)} rows do not fall into {num_groups} equal groups")
    if rows.NEURAL in kinds and harmonise is None:
        raise ValueError("rows of harmonised swaps need the autoencoder that draws them")
    recipes = {rows.BI: forge.BI, rows.SWAP: forge.SWAP._replace(leak=leak), rows.NEURAL: harmonised.RECIPE}
    forgers: dict[int, ForgeRow] = {kind: partial(forge.forge, recipes[kind]) for kind in (rows.BI, rows.SWAP)}
    if harmonise is not None:
        forgers[rows.NEURAL] = harmonise
    rooms = {kind: rows.most_in_a_group(kinds, kind, num_groups) for kind in recipes if kind in kinds}
    lowest = [recipes[kind].resolution for kind in kinds if kind in recipes]
    augment_row = partial(augment, augmentation=augmentation)

    def complete(batch: Batch, key: PRNGKeyArray) -> dict[str, Array]:
        keys = jax.vmap(partial(jax.random.fold_in, key))(batch["example"])
        pair = jax.vmap(lambda key: jax.random.split(key))(keys)
        fields.check(batch)
        if rows.REAL in kinds and lowest:
            batch = {**batch, **_with_lost_resolution(batch, pair[:, 0], lowest, reduced)}
        batch = {**batch, "posed_source": batch["source"], "has_posed_source": jnp.zeros(len(keys), bool)}
        if changed_masks and rows.RECORDED in kinds:
            batch |= _with_changed_masks(batch)
        if rows.PHOTOGRAPH in kinds:
            batch |= _with_hidden_faces(batch, pair[:, 0])
        for kind, room in rooms.items():
            draw = partial(_draw, recipe=recipes[kind], reduced=reduced)
            batch |= _forge_rows(forgers[kind], draw, batch, pair[:, 0], batch["kind"] == kind, room, num_groups)
        given = {name: batch[name] for name in AUGMENTED}
        has_references = batch["is_forgery"] | batch.get("is_photograph", False)
        augmented = jax.vmap(augment_row)(pair[:, 1], given | {"is_forgery": has_references})
        batch |= augmented | {"is_forgery": batch["is_forgery"]}
        return fields.without(batch, Use.FORGING)

    return complete


def neural_forger(autoencode: Autoencode, size: int) -> ForgeRow:
    """How a harmonised warped swap is made of a pair.

    Args:
      autoencode: the autoencoder of faces. It becomes part of the compiled program: of a million parameters, 4 MB.
      size: side of its faces.
    """

    return partial(harmonised.forge_harmonised, autoencode, size)


def _draw(key: PRNGKeyArray, recipe: forge.Recipe, reduced: float) -> forge.ForgingDraw:
    """A forgery's draw, in which the picture behind it keeps its resolution where it is not to be reduced."""
    draw = forge.draw_forging(key, recipe)
    is_reduced = jax.random.uniform(jax.random.fold_in(key, REDUCED)) < reduced
    return draw._replace(resolution=draw.resolution.at[1].set(jnp.where(is_reduced, draw.resolution[1], 1.0)))


def _with_lost_resolution(batch: Batch, keys: Array, lowest: list[float], reduced: float) -> dict[str, Array]:
    """Pristine faces at the resolutions of the pictures behind the forgeries; each is its own source and target.

    Args:
      batch: of the host.
      keys: of the rows.
      lowest: shares of the side: of the recipe of each row that is forged, so that each is drawn as often.
      reduced: see `make_completion`.
    """

    def lose(key: PRNGKeyArray, image: Array) -> Array:
        of_whom, is_reduced, share = jax.random.uniform(jax.random.fold_in(key, REDUCED), (3,))
        least = jnp.asarray(lowest)[jnp.floor(of_whom * len(lowest)).astype(jnp.int32)]
        share = jnp.where(is_reduced < reduced, least + (1 - least) * share, 1.0)
        return to_8_bits(lose_resolution(to_float(image), share))

    is_real = (batch["kind"] == rows.REAL)[:, None, None, None]
    image = jax.vmap(lose)(keys, batch["image"])
    return {name: jnp.where(is_real, image, batch[name]) for name in ("image", "source", "target")}


def _forge_rows(
    forger: ForgeRow,
    draw: Callable[[PRNGKeyArray], forge.ForgingDraw],
    batch: Batch,
    keys: Array,
    is_chosen: Array,
    room: int,
    num_groups: int,
) -> dict[str, Array]:
    """The chosen rows forged, `room` at most in a group; groups stay apart, so that shards do."""
    grouped = lambda value: value.reshape(num_groups, -1, *value.shape[1:])  # noqa: E731
    chosen = grouped(is_chosen)
    num_rows = chosen.shape[1]
    first = jnp.argsort(~chosen, axis=1, stable=True)[:, :room]
    places = jnp.where(jnp.take_along_axis(chosen, first, axis=1), first, num_rows)  # no place of a row: outside
    take = jax.vmap(lambda value, places: value[jnp.minimum(places, num_rows - 1)])
    put = jax.vmap(lambda value, places, made: value.at[places].set(made, mode="drop"))

    def forge_row(key: Array, source: Array, target: Array, source_points: Array, target_points: Array):
        return forger(draw(key), to_float(source), to_float(target), source_points, target_points)

    pair = batch["source"], batch["target"], batch["source_points"], batch["target_points"]
    made = jax.vmap(jax.vmap(forge_row))(*(take(grouped(value), places) for value in (keys, *pair)))
    forged = {
        name: put(grouped(batch[name]), places, to_8_bits(value)).reshape(batch[name].shape)
        for name, value in made._asdict().items()
    }
    is_made = put(jnp.zeros_like(chosen), places, jnp.ones_like(places, bool)).reshape(is_chosen.shape)
    is_left_out = is_chosen & ~is_made
    kept = {name: batch[name] & ~is_left_out for name in ("is_forgery", "has_source", "has_target", "has_mask")}
    return forged | kept | {"has_posed_source": batch["has_posed_source"] | is_made}


def _with_changed_masks(batch: Batch) -> dict[str, Array]:
    """The masks of recorded forgeries that have none: made here, since a mask that was stored would be that of one crop
    and one rule."""

    def mask_of(image: Array, target: Array, landmarks: Array, inside: Array) -> Array:
        points = candidate_region.points_of_five(landmarks, image.shape[0])
        pictures = to_float(image), to_float(target)
        return to_8_bits(candidate_region.changed_mask(*pictures, points, to_float(inside)))

    is_found = jnp.all(jnp.isfinite(batch["landmarks"]), axis=(1, 2))
    is_made = (batch["kind"] == rows.RECORDED) & ~batch["has_mask"] & batch["has_target"] & is_found
    made = jax.vmap(mask_of)(batch["image"], batch["target"], batch["landmarks"], batch["inside_mask"])
    return {
        "source_mask": jnp.where(is_made[:, None, None, None], made, batch["source_mask"]),
        "has_mask": batch["has_mask"] | is_made,
    }


def _with_hidden_faces(batch: Batch, keys: Array) -> dict[str, Array]:
    """The regions that are hidden of photographs, drawn about their landmarks."""
    size = batch["image"].shape[1]

    def region_of(key: Array, points: Array) -> Array:
        return to_8_bits(forge.source_weight(forge.draw_forging(key, forge.HIDDEN), points, size))

    is_photograph = batch["kind"] == rows.PHOTOGRAPH
    drawn = jax.vmap(region_of)(keys, batch["target_points"])
    mask = jnp.where(is_photograph[:, None, None, None], drawn, batch["source_mask"])
    return {"source_mask": mask, "is_photograph": is_photograph}
