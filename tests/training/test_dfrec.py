"""What DFREC's training takes for known, and what it counts beside its losses."""

import jax
import jax.numpy as jnp
import numpy as np

from dfrec_jax.training.dfrec import count_missing, known_maps


def test_examples_without_a_source_or_a_target_are_counted():
    batch = {"has_source": jnp.array([True, False, False, True]), "has_target": jnp.array([True, True, True, False])}
    assert count_missing(batch) == {"without_source": 2.0, "without_target": 1.0}


def test_a_share_of_the_known_masks_is_given():
    batch = {"source_mask": jnp.ones((1000, 2, 2, 1)), "has_mask": jnp.arange(1000) % 2 == 0}
    draw = lambda share, seed=0: np.asarray(known_maps(batch, share, jax.random.key(seed)).is_known)  # noqa: E731
    assert known_maps(batch, 0.0, jax.random.key(0)) is None
    np.testing.assert_array_equal(draw(1.0), batch["has_mask"])
    assert 0.12 < draw(0.3).mean() < 0.18 and not draw(0.3)[1::2].any()
    assert not np.array_equal(draw(0.3), draw(0.3, seed=1))
