"""The people whom a trace head is trained, or validated, to find: their pristine pictures as a recogniser sees them.

They are a gallery as `dfrec trace` makes one, a person's embedding the mean of their pictures', but for one thing: the
frame that was swapped is never among the pictures of whoever is sought in it, as no examiner has it.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int
from ml_collections import ConfigDict

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.data import mixture
from dfrec_jax.frozen.network import FrozenNetwork
from dfrec_jax.models.residual import unit

BATCH = 64  # pictures that are embedded at a time
NOBODY = -1


class People(NamedTuple):
    """Everybody of one split who has a pristine picture with landmarks.

    Attributes:
      embeddings: of the pictures, of unit length.
      person: whose each is, a row of `sums`.
      sums: of each person's embeddings.
      counts: how many pictures each has.
      place: of each of the split's identities, the row of `sums`, or `NOBODY`.
    """

    embeddings: Float[Array, "n e"]
    person: Int[Array, " n"]
    sums: Float[Array, "p e"]
    counts: Float[Array, " p"]
    place: Int[Array, " i"]


def people_of(config: ConfigDict, name: str, network: FrozenNetwork) -> People:
    """Embeds the pristine pictures of a split, of each person the first `trace.pictures`.

    Args:
      config: of the run.
      name: of the split.
      network: the recogniser.

    Raises:
      ConfigError: where the split cannot be read, or fewer than two people have two pictures, of which one can be
        sought by the other.
    """
    split = mixture.split_of(config, name)
    embed = jax.jit(lambda network, images, landmarks: network(images, landmarks)["embedding"])
    chosen = _first_of_each(split.pristine, split.index.source_id[split.pristine], config.trace.pictures)
    found, whose = [], []
    for start in range(0, len(chosen), BATCH):
        numbers = np.resize(chosen[start : start + BATCH], BATCH)  # one shape: compiled once
        examples = [split.example(int(number), config.image_size) for number in numbers]
        images = np.stack([example["image"] for example in examples]).astype(np.float32) / 255
        landmarks = np.stack([example["landmarks"] for example in examples]).astype(np.float32)
        rows = np.asarray(embed(network, images, landmarks), np.float32)[: len(chosen) - start]
        is_seen = np.isfinite(rows).all(axis=1)
        found.append(rows[is_seen])
        whose.append(split.index.source_id[numbers[: len(rows)]][is_seen])
    names, person, counts = np.unique(np.concatenate(whose), return_inverse=True, return_counts=True)
    if (counts > 1).sum() < 2:
        raise ConfigError(
            f"{split.folder}: {(counts > 1).sum()} people have two pristine pictures or more, and two such people are "
            "needed: one picture is swapped, by the others the person is sought"
        )
    embeddings = np.concatenate(found)
    sums = np.zeros((len(names), embeddings.shape[1]), np.float32)
    np.add.at(sums, person, embeddings)
    place = np.full(len(split.names.identities), NOBODY, np.int32)
    place[names] = np.arange(len(names))
    columns = embeddings, person.astype(np.int32), sums, counts.astype(np.float32), place
    return People(*map(jnp.asarray, columns))


def _first_of_each(numbers: Int[np.ndarray, " n"], person: Int[np.ndarray, " n"], most: int) -> Int[np.ndarray, " m"]:
    """The numbers of the first `most` pictures of every person, in their order."""
    order = np.argsort(person, kind="stable")
    starts = np.flatnonzero(np.append(True, np.diff(person[order]) != 0))
    place = np.arange(len(order)) - np.repeat(starts, np.diff(np.append(starts, len(order))))
    return np.sort(numbers[order[place < most]])


def others_of(
    people: People, place: Int[Array, " b"], frame: Float[Array, "b e"]
) -> tuple[Float[Array, "b e"], Bool[Array, " b"]]:
    """Each person by their other pictures, and who has any.

    The picture that is most alike to `frame` among the person's own is left out: the frame itself, as training may have
    mirrored it, or changed its colours; where the frame is not among them one is left out all the same.

    Args:
      people: of the split.
      place: of the persons; `NOBODY` has none.
      frame: embeddings of the pictures that are to be left out.
    """
    is_own = people.person[None] == place[:, None]
    nearest = jnp.argmax(jnp.where(is_own, frame @ people.embeddings.T, -jnp.inf), axis=1)
    has_others = (place != NOBODY) & (people.counts[place] > 1)
    return unit(people.sums[place] - people.embeddings[nearest]), has_others


def cosines(
    people: People, queries: Float[Array, "b e"], place: Int[Array, " b"], own: Float[Array, "b e"]
) -> Float[Array, "b p"]:
    """Of each query with everybody; with the person sought, by `own` in place of all their pictures."""
    everybody = queries @ unit(people.sums).T
    with_own = jnp.sum(queries * own, axis=-1, keepdims=True)
    return jnp.where(jnp.arange(everybody.shape[1])[None] == place[:, None], with_own, everybody)


def ranks(found: Float[Array, "b p"], place: Int[Array, " b"]) -> Int[Array, " b"]:
    """Of the persons sought, 1 for the first; whoever is as alike counts as before."""
    own = jnp.take_along_axis(found, place[:, None], axis=1)
    return jnp.sum(found >= own, axis=1)
