"""Whom a trace head is to find: by their other pictures, never by the frame that was swapped."""

import jax.numpy as jnp
import numpy as np
import pytest

from dfrec_jax.config import trace
from dfrec_jax.config.errors import ConfigError
from dfrec_jax.models.residual import unit
from dfrec_jax.records import joint
from dfrec_jax.training.tasks import trace_people
from dfrec_jax.training.tasks.trace_people import NOBODY, People
from tests import tiny


def _people():
    """Three people: two pictures, three, and one."""
    pictures = unit(jnp.asarray(np.random.default_rng(0).normal(size=(6, 4)), jnp.float32))
    person = jnp.array([0, 0, 1, 1, 1, 2])
    sums = jnp.stack([pictures[:2].sum(axis=0), pictures[2:5].sum(axis=0), pictures[5]])
    return People(pictures, person, sums, jnp.array([2.0, 3.0, 1.0]), jnp.array([1, NOBODY, 0, 2]))


def test_a_person_is_known_by_their_other_pictures():
    people = _people()
    frame = unit(people.embeddings[jnp.array([1, 3, 5, 0])] + 0.01)  # as training may have changed its colours
    own, has_others = trace_people.others_of(people, jnp.array([0, 1, 2, NOBODY]), frame)
    np.testing.assert_array_equal(has_others, [True, True, False, False])
    np.testing.assert_allclose(own[0], people.embeddings[0], atol=1e-5)
    np.testing.assert_allclose(own[1], unit(people.embeddings[2:3] + people.embeddings[4:5])[0], atol=1e-5)


def test_ranks_are_among_everybody_with_the_frame_left_out():
    people = _people()
    query, place, own = people.embeddings[:1], jnp.array([0]), people.embeddings[1:2]
    found = trace_people.cosines(people, query, place, own)
    np.testing.assert_allclose(found[0, 0], jnp.sum(query * own), atol=1e-6)
    np.testing.assert_allclose(found[0, 1:], (query @ unit(people.sums).T)[0, 1:], atol=1e-6)
    assert int(trace_people.ranks(found, place)[0]) == 1 + int((found[0, 1:] >= found[0, 0]).sum())


def _config(prepared, dataset):
    config = trace.trace()
    config.image_size, config.data.dir, config.data.dataset = 48, str(prepared), dataset
    return config


def test_the_people_of_a_split_are_its_pristine_faces(prepared):
    split = joint.open_split(str(prepared), "faces", "train")
    people = trace_people.people_of(_config(prepared, "faces"), "train", tiny.network())
    assert len(people.embeddings) == len(split.pristine) and float(people.counts.sum()) == len(split.pristine)
    whose = np.asarray(people.place)[split.index.source_id[split.pristine]]
    np.testing.assert_array_equal(people.person, whose)
    for number in range(len(people.sums)):
        mine = people.embeddings[np.asarray(people.person) == number]
        np.testing.assert_allclose(people.sums[number], mine.sum(axis=0), rtol=1e-5)


def test_people_with_one_picture_each_are_refused(prepared):
    with pytest.raises(ConfigError, match="two such people are needed"):
        trace_people.people_of(_config(prepared, "triplets"), "train", tiny.network())


def test_so_many_pictures_of_each_are_taken():
    numbers, person = np.array([3, 4, 7, 8, 9, 12]), np.array([5, 2, 5, 5, 2, 5])
    np.testing.assert_array_equal(trace_people._first_of_each(numbers, person, 2), [3, 4, 7, 9])
    np.testing.assert_array_equal(trace_people._first_of_each(numbers, person, 9), numbers)
