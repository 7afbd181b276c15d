import numpy as np
import pytest

from dfrec_jax.metrics.fid import Gaussian, fid, fit_gaussian, frechet_distance


def test_frechet_distance_by_hand():
    a = Gaussian(np.array([0.0, 0.0]), np.diag([4.0, 9.0]))
    b = Gaussian(np.array([3.0, 4.0]), np.diag([1.0, 4.0]))  # 25 + (2 - 1)^2 + (3 - 2)^2
    np.testing.assert_allclose(frechet_distance(a, b), 27.0, rtol=1e-12)


def test_frechet_distance_of_singular_covariances_by_hand():
    a = Gaussian(np.zeros(2), np.array([[2.0, 2.0], [2.0, 2.0]]))  # along (1, 1), variance 4
    b = Gaussian(np.zeros(2), np.array([[1.0, -1.0], [-1.0, 1.0]]))  # along (1, -1), variance 2
    np.testing.assert_allclose(frechet_distance(a, b), 6.0, rtol=1e-12)


def test_it_is_symmetric_and_zero_for_equal_sets():
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((50, 16)), rng.standard_normal((10, 16)) + 1
    with pytest.warns(UserWarning, match="50 against 10 images"):
        forth = fid(a, b)
    with pytest.warns(UserWarning):
        np.testing.assert_allclose(fid(b, a), forth, rtol=1e-10)
    with pytest.warns(UserWarning):
        assert fid(a, a) < 1e-8 < forth


def test_enough_images_do_not_warn():
    features = np.random.default_rng(0).standard_normal((2048, 2))  # a warning would be an error here
    assert fid(features, features[::-1]) < 1e-8


def test_bad_features_are_refused():
    with pytest.raises(ValueError, match="at least 2"):
        fit_gaussian(np.zeros((1, 4)))
    with pytest.raises(ValueError, match="NaN"):
        fit_gaussian(np.full((3, 4), np.nan))
