"""Likelihood ratios: by hand where a hand can, else against what they must be of known distributions."""

import numpy as np
import pytest

from dfrec_jax.metrics import likelihood_ratio as lr


def _normal(n, m, seed=0):
    """Scores of N(1, 1) and N(-1, 1), of which ln LR = 2 * score."""
    rng = np.random.default_rng(seed)
    return rng.normal(1, 1, n), rng.normal(-1, 1, m)


def test_the_fit_finds_the_ratio_of_two_normal_distributions():
    for n, m in ((20_000, 20_000), (20_000, 2_000)):  # however many there are of each
        found = lr.fit(*_normal(n, m))
        assert found.slope == pytest.approx(2, abs=0.1) and found.intercept == pytest.approx(0, abs=0.1)


def test_the_fit_is_where_the_gradient_is_zero():
    same, different = _normal(40, 300)
    found = lr.fit(same, different)
    miss = 1 / (1 + np.exp(found.log_lr(same)))
    false = 1 / (1 + np.exp(-found.log_lr(different)))
    assert miss.mean() == pytest.approx(false.mean(), abs=1e-4)  # by the intercept, which no ridge holds


def test_scores_that_speak_for_nothing_give_ratios_of_one():
    found = lr.fit(np.array([0.0, 0.1, 0.2]), np.array([0.8, 0.9]))
    assert found.slope == 0 and abs(found.intercept) < 1e-4
    parted = lr.fit(np.array([0.8, 0.9]), np.array([0.0, 0.1, 0.2]))
    assert np.isfinite(list(parted)).all()
    with pytest.raises(ValueError, match="0 scores under H1 and 1 under H2"):
        lr.fit(np.array([]), np.array([1.0]))
    with pytest.raises(ValueError, match="NaN"):
        lr.fit(np.array([np.nan]), np.array([1.0]))


def test_cllr_by_hand():
    assert lr.cllr(np.zeros(3), np.zeros(2)) == pytest.approx(1)
    log_lr = np.log([3.0, 1 / 3])
    # of H1: log2(4/3) and log2(4); of H2: log2(4/3)
    assert lr.cllr(log_lr, np.log([1 / 3])) == pytest.approx((np.log2(4 / 3) + 2) / 4 + np.log2(4 / 3) / 2)
    assert lr.cllr(np.array([np.inf]), np.array([-np.inf])) == 0


def test_the_best_monotone_ratios_by_hand():
    # in order: H2, H1, H2, H1: the middle two are pooled, a half each, and LR = 1
    same, different = lr.best_monotone(np.array([2.0, 4.0]), np.array([1.0, 3.0]))
    np.testing.assert_allclose(same, [0, np.inf])
    np.testing.assert_allclose(different, [-np.inf, 0], atol=1e-12)
    assert lr.cllr_min(np.array([2.0, 4.0]), np.array([1.0, 3.0])) == pytest.approx(0.5)
    assert lr.cllr_min(np.ones(2), np.ones(5)) == pytest.approx(1)  # ties are one place


def test_cllr_min_is_below_cllr_and_the_order_alone_decides_it():
    same, different = _normal(200, 500)
    log_lr = 5 * same + 1, 5 * different + 1
    assert lr.cllr_min(*log_lr) == pytest.approx(lr.cllr_min(same**3, different**3))
    assert lr.cllr_min(*log_lr) < lr.cllr(2 * same, 2 * different) < lr.cllr(*log_lr)


def test_empirical_cross_entropy_is_cllr_at_even_odds_and_the_priors_where_nothing_is_known():
    same, different = _normal(50, 80)
    found = lr.empirical_cross_entropy(same, different, np.array([-1.0, 0.0]))
    assert found[1] == pytest.approx(lr.cllr(same, different))
    prior = 1 / 11
    neutral = lr.empirical_cross_entropy(np.zeros(2), np.zeros(2), np.array([-1.0]))[0]
    assert neutral == pytest.approx(-prior * np.log2(prior) - (1 - prior) * np.log2(1 - prior))


def test_bounds_of_perfect_scores_are_as_many_as_there_are():
    same, different = np.full(30, 50.0), np.full(900, -50.0)
    low, high = lr.supported_bounds(same, different, 30, 900)
    # upper: 1/31 + t/901 <= 1; lower: 1/31 + t/901 <= t
    assert 10 ** (high / np.log(10)) == pytest.approx(901 * 30 / 31, rel=0.03)
    assert 10 ** (low / np.log(10)) == pytest.approx(1 / 31 / (1 - 1 / 901), rel=0.03)
    assert lr.supported_bounds(same, different, 30, 90)[1] < high  # fewer independent ones support less


def test_bounds_shrink_with_misleading_ratios_and_vanish_with_useless_ones():
    same, different = np.full(30, 50.0), np.full(900, -50.0)
    bounds = lr.supported_bounds(same, different, 30, 900)
    misled = lr.supported_bounds(same, np.append(different[:-9], [50.0] * 9), 30, 900)
    assert 0 < misled[1] < np.log(100) < bounds[1] and misled[0] == pytest.approx(bounds[0], abs=0.05)
    assert lr.supported_bounds(np.zeros(30), np.zeros(900), 30, 900) == (0, 0)
    assert lr.supported_bounds(different, same, 30, 900) == (0, 0)
