"""Eq. 2-9 by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dfrec_jax.losses import terms

ONES = jnp.ones(2)


def test_feature_distance_by_hand():
    recovered = jnp.array([[3.0, 4.0], [0.0, 1.0]])
    reference = jnp.array([[0.0, 0.0], [0.0, 1.0]])  # norms 5 and 0
    np.testing.assert_allclose(terms.feature_distance(recovered, reference, "norm"), [5.0, 0.0], atol=2e-6)
    rms = terms.feature_distance(recovered, reference, "root_mean_square")
    np.testing.assert_allclose(rms, [5 / np.sqrt(2), 0.0], atol=2e-6)


def test_feature_distance_rejects_a_broadcast():
    with pytest.raises(TypeError):  # jaxtyping: b differs; NumPy's rules would have broadcast in silence
        terms.feature_distance(jnp.ones((4, 8)), jnp.ones((1, 8)), "norm")


def test_layers_are_summed_and_examples_averaged():
    recovered = (jnp.array([[1.0], [0.0]]), jnp.array([[0.0, 3.0], [4.0, 0.0]]))
    reference = (jnp.zeros((2, 1)), jnp.zeros((2, 2)))
    np.testing.assert_allclose(
        terms.multi_layer_distance(recovered, reference, ONES, "norm"), (1 + 3 + 0 + 4) / 2, rtol=1e-5
    )


def test_examples_without_a_reference_count_for_nothing():
    values = jnp.array([1.0, 100.0])
    np.testing.assert_allclose(terms.weighted_mean(values, jnp.array([True, False])), 1.0)
    assert terms.weighted_mean(values, jnp.array([False, False])) == 0.0


def test_alpha_weighs_the_target():
    np.testing.assert_allclose(terms.source_and_target(jnp.array(1.0), jnp.array(3.0), 2.0), 7.0)


def test_smooth_l1_by_hand():
    recovered = jnp.array([[0.5, 3.0], [0.0, 0.0]])
    loss = terms.attribute_loss(recovered, jnp.zeros((2, 2)), ONES)
    np.testing.assert_allclose(loss, ((0.125 + 2.5) / 2 + 0) / 2, rtol=1e-6)


def test_patch_loss_by_hand():
    recovered = jnp.array([[[3.0, 4.0], [0.0, 1.0]]])
    reference = jnp.array([[[0.0, 0.0], [0.0, 0.0]]])
    np.testing.assert_allclose(terms.patch_loss(recovered, reference, jnp.ones(1), "norm"), 6.0, rtol=1e-5)
    rms = terms.patch_loss(recovered, reference, jnp.ones(1), "root_mean_square")
    np.testing.assert_allclose(rms, (5 + 1) / np.sqrt(2) / 2, rtol=1e-5)


def test_cross_entropies_by_hand_and_where_they_saturate():
    logit = jnp.array([0.0, 100.0, -100.0])
    loss = terms.classification_loss(logit, jnp.array([True, True, True]))
    np.testing.assert_allclose(loss, (np.log(2) + 0 + 100) / 3, rtol=1e-5)
    mask = jnp.zeros((1, 2, 2, 1))
    np.testing.assert_allclose(terms.segmentation_loss(mask, mask + 0.25, jnp.ones(1)), np.log(2), rtol=1e-5)


@pytest.mark.parametrize("reduction", ["norm", "root_mean_square"])
def test_a_face_that_equals_its_reference_has_finite_gradients(reduction):
    zeros, weight = jnp.zeros((2, 3, 4)), jnp.ones(2)
    for term in (
        lambda x: terms.multi_layer_distance((x,), (zeros,), weight, reduction),
        lambda x: terms.patch_loss(x, zeros, weight, reduction),
    ):
        assert np.isfinite(jax.grad(term)(zeros)).all()


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
@pytest.mark.parametrize("reduction", ["norm", "root_mean_square"])
def test_a_gradient_points_along_the_difference_however_small(dtype, reduction):
    reference = jnp.zeros((1, 64), dtype)
    recovered = (1e-4 * jax.random.normal(jax.random.key(0), (1, 64))).astype(dtype)
    of_distance = lambda x: terms.multi_layer_distance((x,), (reference,), jnp.ones(1), reduction)  # noqa: E731
    gradient, difference = np.float32(jax.grad(of_distance)(recovered)), np.float32(recovered)
    length = np.linalg.norm(gradient)
    assert np.sum(gradient * difference) / (length * np.linalg.norm(difference)) > 0.999
    np.testing.assert_allclose(length, 1.0 if reduction == "norm" else 1 / np.sqrt(64), rtol=0.02)


def test_pixel_loss_is_the_mean_difference_inside_the_region():
    reference = jnp.full((3, 4, 4, 3), 0.5)
    recovered = reference.at[0, :2].add(0.2).at[0, 2:].add(0.4).at[1].add(0.1)
    region = jnp.zeros((3, 4, 4, 1)).at[0, :2].set(1.0).at[1].set(1.0)  # the third has none
    loss = lambda weight: terms.pixel_loss(recovered, reference, region, jnp.asarray(weight))  # noqa: E731
    np.testing.assert_allclose(loss([True, True, False]), 0.15, rtol=1e-5)
    np.testing.assert_allclose(loss([True, False, True]), 0.1, rtol=1e-5)
