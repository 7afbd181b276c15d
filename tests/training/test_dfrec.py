"""What DFREC's training takes for known, and what it counts beside its losses."""

import jax
import jax.numpy as jnp
import numpy as np

from dfrec_jax.training.dfrec import count_missing, known_maps, mean_maps


def test_examples_without_a_source_or_a_target_are_counted():
    batch = {"has_source": jnp.array([True, False, False, True]), "has_target": jnp.array([True, True, False, False])}
    batch |= {"is_forgery": jnp.array([True, True, True, False])}
    batch |= {"source_landmarks": jnp.ones((4, 5, 2)).at[0, 2].set(jnp.nan)}
    want = {"without_source": 2.0, "without_target": 2.0, "without_source_landmarks": 1.0, "left_unforged": 1.0}
    assert count_missing(batch) == want


def test_a_share_of_the_known_masks_is_given():
    numbers = jnp.arange(1000)
    batch = {"source_mask": jnp.ones((1000, 2, 2, 1)), "has_mask": numbers % 2 == 0, "is_forgery": numbers >= 100}
    draw = lambda share, seed=0, pristine=True: np.asarray(  # noqa: E731
        known_maps(batch, share, jax.random.key(seed), pristine=pristine).is_known
    )
    assert known_maps(batch, 0.0, jax.random.key(0), pristine=True) is None
    np.testing.assert_array_equal(draw(1.0), batch["has_mask"])
    np.testing.assert_array_equal(draw(1.0, pristine=False), batch["has_mask"] & batch["is_forgery"])
    assert 0.12 < draw(0.3).mean() < 0.18 and not draw(0.3)[1::2].any()
    assert not np.array_equal(draw(0.3), draw(0.3, seed=1))


def test_the_mean_map_of_forgeries_and_of_pristine_faces_stand_apart():
    maps = jnp.array([0.9, 0.7, 0.1, 0.2])[:, None, None, None] * jnp.ones((4, 2, 2, 1))
    means = mean_maps(maps, jnp.array([True, True, False, False]))
    np.testing.assert_allclose([means["mean_map_forged"], means["mean_map_pristine"]], [0.8, 0.15], rtol=1e-6)
