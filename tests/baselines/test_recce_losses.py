"""RECCE's losses by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dfrec_jax.baselines import recce_losses as losses
from dfrec_jax.baselines.recce import RecceOutput

IS_FORGERY = jnp.array([False, False, True])


def test_below_the_flood_the_gradient_turns_round():
    np.testing.assert_allclose(losses.flooded(jnp.array(0.5)), 0.5)
    np.testing.assert_allclose(losses.flooded(jnp.array(0.01)), 0.07, rtol=1e-5)
    assert jax.grad(losses.flooded)(0.5) == 1 and jax.grad(losses.flooded)(0.01) == -1


def test_forgeries_are_not_reconstructed():
    reconstruction = jnp.array([0.0, 0.5, 9.0])[:, None, None, None] * jnp.ones((3, 2, 2, 3))
    image = jnp.full((3, 2, 2, 3), 0.25)
    np.testing.assert_allclose(losses.reconstruction_loss(reconstruction, image, IS_FORGERY), 0.25)
    gradient = jax.grad(lambda x: losses.reconstruction_loss(x, image, IS_FORGERY))(reconstruction)
    assert (gradient[2] == 0).all() and (gradient[:2] != 0).all()
    assert losses.reconstruction_loss(reconstruction, image, jnp.ones(3, bool)) == 0


def test_correlations_by_hand():
    matrix = losses.correlations(jnp.array([[1.0, 0.0], [2.0, 0.0], [0.0, 3.0], [-1.0, 0.0]]))
    np.testing.assert_allclose(matrix[0], [1, 1, 0.5, 0], atol=1e-6)


def test_the_metric_loss_by_hand():
    features = jnp.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])  # the forgery is the first real face
    # The two real faces correlate by 1/2; with the forgery one by 1, one by 1/2: 1 - 0.5 + 0.75, for each set.
    np.testing.assert_allclose(losses.metric_loss([features] * 3, IS_FORGERY), 3 * 1.25, rtol=1e-5)


def test_the_metric_loss_is_zero_where_real_faces_agree_and_forgeries_are_opposite():
    features = jnp.array([[1.0, 0.0], [3.0, 0.0], [-1.0, 0.0]])
    np.testing.assert_allclose(losses.metric_loss([features], IS_FORGERY), 0, atol=1e-6)


@pytest.mark.parametrize("is_forgery", [[True, True, True], [False, True, True], [False, False, False]])
def test_the_metric_loss_is_finite_without_pairs_of_a_kind(is_forgery):
    features = jnp.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    loss, gradient = jax.value_and_grad(lambda x: losses.metric_loss([x], jnp.array(is_forgery)))(features)
    assert np.isfinite(loss) and np.isfinite(gradient).all()


def test_the_sum():
    image = jnp.zeros((2, 2, 2, 3))
    output = RecceOutput(jnp.zeros(2), image + 0.5, (jnp.array([[1.0, 0.0], [0.0, 1.0]]),))
    loss = losses.recce_loss(output, image, jnp.array([False, True]))
    np.testing.assert_allclose(loss.classification, np.log(2), rtol=1e-5)
    np.testing.assert_allclose(loss.metric, 1.5, rtol=1e-5)  # no pair of real faces: 1 - 0 + 0.5
    np.testing.assert_allclose(loss.total, np.log(2) + 0.1 * 0.5 + 0.1 * 1.5, rtol=1e-5)
