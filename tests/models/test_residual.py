"""What is left of an embedding beside a visible person, and embeddings made as noisy."""

import jax
import jax.numpy as jnp
import numpy as np

from dfrec_jax.models import residual

DRAWN = np.random.default_rng(0).normal(size=(2, 400, 64)).astype(np.float32)
UNIT = tuple(residual.unit(jnp.asarray(vectors)) for vectors in DRAWN)


def test_the_residual_of_a_sum_is_the_hidden_part():
    visible, hidden = UNIT
    hidden = residual.without_component(hidden, visible)
    swap = residual.unit(0.9 * visible + 0.2 * hidden)
    np.testing.assert_allclose(residual.without_component(swap, visible), hidden, atol=1e-4)
    np.testing.assert_allclose(residual.without_component(swap, 3 * visible), hidden, atol=1e-4)


def test_of_a_face_that_cannot_be_aligned_nothing_is_left():
    swap, visible = UNIT[0], UNIT[1].at[0, 0].set(jnp.nan)
    made = residual.beside(swap, visible)
    np.testing.assert_array_equal(made[0], 0)
    np.testing.assert_allclose(made[1:], residual.without_component(swap, visible)[1:], atol=1e-6)
    np.testing.assert_allclose(residual.beside(swap, UNIT[1][:1])[0], residual.without_component(*UNIT)[0], atol=1e-6)


def test_of_a_swap_that_is_its_own_source_nothing_is_left():
    swap, other = UNIT
    nearly = residual.unit(swap + 0.005 * residual.without_component(other, swap))
    np.testing.assert_array_equal(residual.beside(swap, swap), 0)
    np.testing.assert_array_equal(residual.beside(swap, nearly), 0)


def test_noisy_embeddings_have_the_cosine_that_was_asked_for_and_nothing_of_the_visible_person():
    embedding, visible = UNIT
    made = residual.made_noisy(jax.random.key(0), embedding, visible, (0.2, 0.4))
    np.testing.assert_allclose(jnp.linalg.norm(made, axis=-1), 1.0, rtol=1e-5)
    np.testing.assert_allclose(jnp.sum(made * visible, axis=-1), 0.0, atol=1e-5)
    cosine = jnp.sum(made * residual.without_component(embedding, visible), axis=-1)
    assert 0.199 < cosine.min() < 0.22 and 0.38 < cosine.max() < 0.401


def test_none_is_zeros_and_never_nan():
    made = residual.or_none(jnp.array([[1.0, 0], [0, 1], [jnp.nan, 0]]), jnp.array([True, False, True]))
    np.testing.assert_array_equal(made, [[1, 0], [0, 0], [0, 0]])
