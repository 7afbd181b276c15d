"""Which map is used, and what is left of an image without its region."""

import jax.numpy as jnp
import numpy as np
import pytest

from dfrec_jax.models.ism import IsmOutput
from dfrec_jax.models.region import KnownMap, told, used_map, without_region

MAPS = jnp.array([0.8, 0.1, 0.0])[:, None, None, None] * jnp.ones((3, 4, 4, 1))
SEEN = IsmOutput(MAPS, None, jnp.log(jnp.array([3.0, 1.0, 1 / 3])))  # probabilities of 3/4, 1/2 and 1/4
REGION = jnp.zeros((3, 4, 4, 1)).at[:, 1:3].set(1.0)


@pytest.mark.parametrize(
    ("verdict", "weights"), [("map", [1, 1, 1]), ("product", [0.75, 0.5, 0.25]), ("gate", [1, 0, 0])]
)
def test_the_head_says_whether_the_map_is_used(verdict, weights):
    used = used_map(SEEN, verdict, 0.6)
    np.testing.assert_allclose(used, MAPS * np.array(weights)[:, None, None, None], rtol=1e-6)


@pytest.mark.parametrize("verdict", ["map", "product", "gate"])
def test_a_caller_who_knows_is_believed_and_the_region_takes_an_empty_maps_place(verdict):
    is_swap = jnp.array([True, True, False])
    np.testing.assert_array_equal(
        used_map(SEEN, verdict, 0.6, is_swap), MAPS * jnp.array([1, 1, 0])[:, None, None, None]
    )
    used = used_map(SEEN, verdict, 0.6, is_swap, REGION)
    np.testing.assert_array_equal(used[0], MAPS[0])
    np.testing.assert_array_equal(used[1], REGION[1])  # a map of 0.1 leaves the face out
    assert not used[2].any()


def test_the_region_of_a_hidden_example_is_gray_and_its_surroundings_are_as_they_were():
    image = jnp.asarray(np.random.default_rng(0).random((3, 4, 4, 3), np.float32))
    maps = jnp.stack([REGION[0], 0.25 * REGION[1], REGION[2]])
    seen, used = without_region(image, maps, jnp.array([True, True, False]))
    np.testing.assert_array_equal(seen[2], image[2])
    np.testing.assert_array_equal(used[2], maps[2])
    np.testing.assert_array_equal(seen[:2, 0], image[:2, 0])
    np.testing.assert_allclose(seen[0, 1:3], 0.5, rtol=1e-6)
    np.testing.assert_allclose(seen[1, 1:3], (image[1, 1:3] + 0.5) / 2, rtol=1e-6)
    np.testing.assert_array_equal(used[1], 2 * maps[1])  # half hidden, so half to be made


def test_what_a_caller_tells():
    assert told("network", REGION) == {}
    given = told("given", REGION)
    assert given["is_swap"].all() and given["face_region"] is REGION
    known_map = told("region", REGION)["known_map"]
    assert isinstance(known_map, KnownMap)
    np.testing.assert_array_equal(known_map.or_else(MAPS), REGION)
