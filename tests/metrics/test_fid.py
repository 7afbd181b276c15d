import numpy as np
import pytest
import scipy.linalg

from dfrec_jax.metrics.fid import Gaussian, Moments, fid, frechet_distance


def features(n: int, width: int = 16, seed: int = 0) -> np.ndarray:
    """Like pool3's: not negative, of means far from 0, correlated."""
    rng = np.random.default_rng(seed)
    mixed = rng.standard_normal((n, width)) @ rng.standard_normal((width, width)) / np.sqrt(width)
    return np.maximum(mixed + 0.5 + 0.1 * seed, 0).astype(np.float32)


def distance_as_pytorch_fid(a: np.ndarray, b: np.ndarray) -> float:
    """Mean, np.cov and a general matrix square root of the product, as pytorch-fid 0.3 has them."""
    (mean_a, cov_a), (mean_b, cov_b) = ((x.astype(np.float64).mean(axis=0), np.cov(x.T)) for x in (a, b))
    root = scipy.linalg.sqrtm(cov_a @ cov_b)
    return float(((mean_a - mean_b) ** 2).sum() + np.trace(cov_a) + np.trace(cov_b) - 2 * np.trace(root).real)


def test_frechet_distance_by_hand():
    a = Gaussian(np.array([0.0, 0.0]), np.diag([4.0, 9.0]))
    b = Gaussian(np.array([3.0, 4.0]), np.diag([1.0, 4.0]))  # 25 + (2 - 1)^2 + (3 - 2)^2
    np.testing.assert_allclose(frechet_distance(a, b), 27.0, rtol=1e-12)


def test_frechet_distance_of_singular_covariances_by_hand():
    a = Gaussian(np.zeros(2), np.array([[2.0, 2.0], [2.0, 2.0]]))  # along (1, 1), variance 4
    b = Gaussian(np.zeros(2), np.array([[1.0, -1.0], [-1.0, 1.0]]))  # along (1, -1), variance 2
    np.testing.assert_allclose(frechet_distance(a, b), 6.0, rtol=1e-12)


def test_moments_by_hand():
    gaussian = Moments.of(np.array([[1.0, 0.0], [3.0, 2.0]], np.float32)).compute()
    np.testing.assert_array_equal(gaussian.mean, [2, 1])
    np.testing.assert_array_equal(gaussian.covariance, [[2, 2], [2, 2]])


def test_it_is_pytorch_fids_arithmetic_on_two_thousand_pictures():
    a, b = features(2000, 96), features(2000, 96, seed=1)
    np.testing.assert_allclose(fid(Moments.of(a), Moments.of(b)), distance_as_pytorch_fid(a, b), rtol=1e-6)


@pytest.mark.parametrize("sizes", [[1] * 200, [7] * 28 + [4], [199, 1], [128, 72]])
def test_it_is_the_same_however_the_set_is_divided(sizes):
    a, b = features(200), features(200, seed=1)
    whole = fid(Moments.of(a), Moments.of(b))
    shuffled = a[np.random.default_rng(0).permutation(200)]
    parts = [Moments.of(part) for part in np.split(shuffled, np.cumsum(sizes)[:-1])]
    hosts = [Moments.empty(), Moments.empty(), Moments.empty()]
    for number, part in enumerate(parts):  # three hosts, the last of which may have nothing
        hosts[number % 3] = hosts[number % 3].merge(part)
    merged = hosts[0].merge(hosts[1]).merge(hosts[2])
    np.testing.assert_allclose(fid(merged, Moments.of(b)), whole, rtol=1e-10)


def test_it_is_symmetric_and_zero_for_equal_sets_and_duplicates_change_little():
    """FIDELITY 5.4, 1 and 9."""
    a, b = Moments.of(features(500)), Moments.of(features(300, seed=1))
    np.testing.assert_allclose(fid(a, b), fid(b, a), rtol=1e-10)
    assert fid(a, a) < 1e-8 < fid(a, b)
    np.testing.assert_allclose(fid(a.merge(a), b.merge(b)), fid(a, b), rtol=0.01)  # n - 1 is not n


def test_a_set_smaller_than_the_features_are_wide_warns(monkeypatch):
    with pytest.warns(UserWarning, match="50 against 10 images: below 16"):
        fid(Moments.of(features(50)), Moments.of(features(10)))
    monkeypatch.setattr("dfrec_jax.metrics.fid.frechet_distance", lambda a, b: 0.0)
    wide = Moments(2047, np.zeros(2048), np.zeros((2048, 2048)))
    with pytest.warns(UserWarning, match="2047 against 2048 images: below 2048"):
        fid(wide, wide.replace(count=2048))


def test_bad_features_are_refused():
    with pytest.raises(ValueError, match="0 sample: a covariance needs at least 2"):
        Moments.empty().compute()
    with pytest.raises(ValueError, match="at least 2"):
        Moments.of(np.zeros((1, 4))).compute()
    with pytest.raises(ValueError, match="NaN"):
        Moments.of(np.full((3, 4), np.nan))
