"""Sampling and warps against SciPy's and scikit-image's, the membrane against a direct solve, colours by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.interpolate
import scipy.ndimage
import skimage.transform

from dfrec_jax.forging import colour, warping
from dfrec_jax.forging import reference as other_means
from dfrec_jax.forging.face_region import pixel_grid
from dfrec_jax.forging.gradient import gradient_blend, membrane
from tests.faces_made_up import made_up_face


def test_sample_equals_scipy_also_beyond_the_border():
    rng = np.random.default_rng(0)
    image, at = rng.uniform(0, 1, (12, 15, 2)).astype(np.float32), rng.uniform(-9, 24, (7, 9, 2)).astype(np.float32)
    got = jax.jit(warping.sample)(jnp.asarray(image), jnp.asarray(at))
    for channel in range(2):
        want = scipy.ndimage.map_coordinates(image[..., channel], [at[..., 1], at[..., 0]], order=1, mode="mirror")
        np.testing.assert_allclose(got[..., channel], want, atol=1e-5)


def test_similarity_equals_scikit_image():
    _, moving = made_up_face(0, 64)
    _, fixed = made_up_face(1, 64)
    want = skimage.transform.SimilarityTransform.from_estimate(fixed, moving)(
        np.asarray(pixel_grid(5, 5)).reshape(-1, 2)
    )
    got = warping.similarity(jnp.asarray(moving), jnp.asarray(fixed), pixel_grid(5, 5))
    np.testing.assert_allclose(np.asarray(got).reshape(-1, 2), want, atol=1e-3)


def test_a_solve_equals_numpys_also_where_pivots_are_needed():
    rng = np.random.default_rng(0)
    systems, right = rng.normal(size=(5, 7, 7)).astype(np.float32), rng.normal(size=(5, 7, 2)).astype(np.float32)
    systems[:, np.arange(7), np.arange(7)] = 0
    got = jax.jit(jax.vmap(warping.solve))(systems, right)
    np.testing.assert_allclose(got, np.linalg.solve(systems.astype(np.float64), right), rtol=1e-3, atol=1e-4)


def test_thin_plate_equals_scipy():
    _, moving = made_up_face(2, 64)
    _, fixed = made_up_face(3, 64)
    centre, at = fixed.mean(axis=0), np.asarray(pixel_grid(64, 64))[::7, ::7]
    unit = np.sqrt(np.mean(np.sum((fixed - centre) ** 2, axis=1)))
    spline = scipy.interpolate.RBFInterpolator(
        (fixed - centre) / unit, moving, kernel="thin_plate_spline", smoothing=0.01, degree=1
    )
    want = spline((at.reshape(-1, 2) - centre) / unit).reshape(at.shape)
    got = jax.jit(warping.thin_plate)(jnp.asarray(moving), jnp.asarray(fixed), jnp.asarray(at))
    np.testing.assert_allclose(got, want, atol=0.02)
    flow = jax.jit(warping.thin_plate_flow, static_argnums=(2, 3))(jnp.asarray(moving), jnp.asarray(fixed), 64, 64)
    flow = flow[::7, ::7]
    assert np.abs(np.asarray(flow) - want).mean() < 0.1, "interpolated between nodes"


def test_stretch_meets_its_nodes_and_corners():
    nodes = jnp.arange(8, dtype=jnp.float32).reshape(2, 2, 2)
    stretched = warping.stretch(nodes, 5, 3)
    np.testing.assert_allclose(stretched[::4, ::2], nodes, atol=1e-6)
    np.testing.assert_allclose(stretched[2, 1], nodes.mean(axis=(0, 1)), atol=1e-6)


@pytest.mark.parametrize("stiffness", [0.0, 4e-4, 1e-2])
def test_membrane_equals_a_direct_solve(stiffness):
    size = 112
    rng = np.random.default_rng(1)
    difference = scipy.ndimage.gaussian_filter(rng.normal(0, 6, (size, size, 2)), (8, 8, 0)).astype(np.float32)
    x, y = np.meshgrid(np.arange(size), np.arange(size))
    inside = ((x - 60) ** 2 / 30**2 + (y - 50) ** 2 / 40**2 < 1)[..., None].astype(np.float32)
    want = other_means.membrane(difference, inside > 0, stiffness)
    got = np.asarray(jax.jit(membrane, static_argnums=2)(jnp.asarray(difference), jnp.asarray(inside), stiffness))
    assert np.abs(got - want).max() < 0.06 * np.abs(difference).max()
    assert np.abs(got - want).mean() < 0.01 * np.abs(difference).max()


def test_gradient_blend_hides_a_constant_difference():
    background = jnp.asarray(made_up_face(5, 56)[0]) * 0.5 + 0.25
    inside = jnp.zeros((56, 56, 1)).at[14:40, 12:44].set(1.0)
    blended = jax.jit(gradient_blend, static_argnums=3)(background + 0.1, background, inside, 0.0)
    np.testing.assert_allclose(blended, background, atol=2e-3)


def test_matched_colours_have_the_moments_of_the_reference():
    rng = np.random.default_rng(0)
    image = jnp.asarray(rng.normal(0.4, 0.05, (16, 16, 3)), jnp.float32)
    reference = jnp.asarray(rng.normal(0.6, 0.06, (16, 16, 3)), jnp.float32)
    weight = jnp.zeros((16, 16, 1)).at[4:12, 4:12].set(1.0)
    for match in (colour.match_mean, colour.match_colours):
        matched = match(image, reference, weight)[4:12, 4:12]
        np.testing.assert_allclose(matched.mean(axis=(0, 1)), reference[4:12, 4:12].mean(axis=(0, 1)), atol=1e-5)
    inside = reference[4:12, 4:12]
    spread = [np.asarray(colour.multiply(x, colour.RGB_TO_YCC)).std(axis=(0, 1)) for x in (matched, inside)]
    np.testing.assert_allclose(*spread, rtol=1e-3)
