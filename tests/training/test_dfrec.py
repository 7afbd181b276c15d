"""What DFREC's training counts beside its losses."""

import jax.numpy as jnp

from dfrec_jax.training.dfrec import count_missing


def test_examples_without_a_source_or_a_target_are_counted():
    batch = {"has_source": jnp.array([True, False, False, True]), "has_target": jnp.array([True, True, True, False])}
    assert count_missing(batch) == {"without_source": 2.0, "without_target": 1.0}
