"""IDSIM and Acc_id by hand, and the relations that any implementation must satisfy."""

import numpy as np
import pytest

from dfrec_jax.metrics import identity


def test_cosine_by_hand():
    a = np.array([[3.0, 4.0], [1.0, 0.0], [0.0, 0.0]])
    b = np.array([[4.0, 3.0], [-2.0, 0.0], [1.0, 0.0]])
    np.testing.assert_allclose(identity.cosine(a, b), [24 / 25, -1.0, 0.0])
    np.testing.assert_allclose(identity.cosine(a[:2], a[:2]), 1.0)


def test_copying_the_input_judges_every_face_real():
    similarity = np.ones(10)
    is_forgery = np.arange(10) < 3
    assert identity.judged_real(similarity).all()
    assert identity.balanced_accuracy(identity.judged_real(similarity), is_forgery) == 0.5


def test_the_threshold_is_exceeded_not_met():
    assert identity.judged_real(np.array([0.9, 0.91])).tolist() == [False, True]


def test_balanced_accuracy_by_hand():
    is_forgery = np.array([True, True, True, False])
    judged_real = np.array([False, False, True, True])
    assert identity.balanced_accuracy(judged_real, is_forgery) == pytest.approx((2 / 3 + 1) / 2)
    assert np.isnan(identity.balanced_accuracy(judged_real[:3], is_forgery[:3]))


def test_area_under_roc_by_hand():
    score = np.array([0.9, 0.5, 0.5, 0.1])
    is_positive = np.array([True, True, False, False])
    assert identity.area_under_roc(score, is_positive) == pytest.approx((1 + 1 + 0.5 + 1) / 4)
    assert np.isnan(identity.area_under_roc(score[:2], is_positive[:2]))


def test_the_roc_curve_by_hand_and_its_area():
    score, is_positive = np.array([0.9, 0.8, 0.8, 0.1]), np.array([True, True, False, False])
    false_positives, true_positives = identity.roc_curve(score, is_positive)
    np.testing.assert_allclose(false_positives, [0, 0, 0.5, 1])
    np.testing.assert_allclose(true_positives, [0, 0.5, 1, 1])
    area = np.trapezoid(true_positives, false_positives)
    np.testing.assert_allclose(area, identity.area_under_roc(score, is_positive))


def test_a_roc_curve_of_one_kind_is_refused():
    with pytest.raises(ValueError, match="positives and negatives"):
        identity.roc_curve(np.array([0.1, 0.2]), np.array([True, True]))


def test_a_curve_is_kept_by_its_corners():
    score, is_positive = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.5]), np.array([1, 1, 0, 1, 1, 0], bool)
    x, y = identity.thinned(*identity.roc_curve(score, is_positive))
    np.testing.assert_allclose(x, [0, 0, 0.5, 0.5, 1])
    np.testing.assert_allclose(y, [0, 0.5, 0.5, 0.75, 1])


@pytest.mark.parametrize("distance", [0.0, 2.0])
def test_a_long_curve_is_kept_by_two_hundred_points(distance):
    rng = np.random.default_rng(0)
    is_positive = np.arange(20_000) < 4_000
    score = rng.normal(size=20_000) + distance * is_positive
    x, y = identity.thinned(*identity.roc_curve(score, is_positive))
    assert 150 < len(x) <= 200 and (x[0], y[0], x[-1], y[-1]) == (0, 0, 1, 1)
    assert (np.diff(x) >= 0).all() and (np.diff(y) >= 0).all()
    assert np.trapezoid(y, x) == pytest.approx(identity.area_under_roc(score, is_positive), abs=1e-3)


def test_recalls_and_their_mean_by_hand():
    is_forgery = np.array([True, True, True, True, False, False])
    is_judged_real = np.array([True, False, False, False, True, False])
    assert identity.fake_recall(is_judged_real, is_forgery) == 0.75
    assert identity.real_recall(is_judged_real, is_forgery) == 0.5
    assert identity.balanced_accuracy(is_judged_real, is_forgery) == 0.625
    assert np.isnan(identity.real_recall(is_judged_real[:4], is_forgery[:4]))


@pytest.mark.parametrize(
    ("score", "rate"),
    [
        ([0.1, 0.2, 0.8, 0.9], 0.0),  # parted
        ([0.8, 0.9, 0.1, 0.2], 1.0),  # the wrong way round
        ([0.1, 0.8, 0.2, 0.9], 0.5),
        ([0.5, 0.5, 0.5, 0.5], 0.5),  # says nothing
    ],
)
def test_equal_error_rate_by_hand(score, rate):
    is_positive = np.array([False, False, True, True])
    assert identity.equal_error_rate(np.array(score), is_positive) == pytest.approx(rate)


def test_equal_error_rate_needs_both_kinds():
    assert np.isnan(identity.equal_error_rate(np.ones(3), np.ones(3, bool)))
