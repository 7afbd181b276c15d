"""What DFREC's training counts beside its losses."""

import jax.numpy as jnp
import numpy as np

from dfrec_jax.training.tasks.dfrec import count_missing, mean_maps


def test_examples_without_a_source_or_a_target_are_counted():
    batch = {"has_source": jnp.array([True, False, False, True]), "has_target": jnp.array([True, True, False, False])}
    batch |= {"is_forgery": jnp.array([True, True, True, False])}
    batch |= {"source_landmarks": jnp.ones((4, 5, 2)).at[0, 2].set(jnp.nan)}
    want = {"without_source": 2.0, "without_target": 2.0, "without_source_landmarks": 1.0, "left_unforged": 1.0}
    assert count_missing(batch) == want


def test_the_mean_map_of_forgeries_and_of_pristine_faces_stand_apart():
    maps = jnp.array([0.9, 0.7, 0.1, 0.2])[:, None, None, None] * jnp.ones((4, 2, 2, 1))
    means = mean_maps(maps, jnp.array([True, True, False, False]))
    np.testing.assert_allclose([means["mean_map_forged"], means["mean_map_pristine"]], [0.8, 0.15], rtol=1e-6)
