import numpy as np
import pytest

from dfrec_jax.metrics.verification import best_threshold, verify


def test_best_threshold_by_hand():
    similarity, is_same = np.array([0.1, 0.9, 0.4, 0.6, 0.5]), np.array([False, True, False, True, True])
    np.testing.assert_allclose(best_threshold(similarity, is_same), 0.45)


def test_equal_similarities_are_not_parted():
    # A cut inside the three 0.5s would be right everywhere; what remains possible is right four times of five.
    similarity, is_same = np.array([0.5, 0.5, 0.5, 0.2, 0.9]), np.array([True, True, False, False, True])
    threshold = best_threshold(similarity, is_same)
    assert np.sum((similarity >= threshold) == is_same) == 4


def test_the_threshold_comes_from_the_other_folds():
    # Each fold is separable, at 0.5 and at 0.8: the other's threshold is right on three pairs of four.
    similarity = np.array([0.4, 0.3, 0.6, 0.7, 0.75, 0.6, 0.85, 0.9])
    is_same = np.array([False, False, True, True] * 2)
    fold = np.array([0] * 4 + [1] * 4)
    result = verify(similarity, is_same, fold)
    np.testing.assert_allclose(result.thresholds, [0.8, 0.5])
    np.testing.assert_allclose(result.accuracies, [0.5, 0.5])
    assert result.accuracy == 0.5


def test_chance_is_half():
    rng = np.random.default_rng(0)
    result = verify(rng.standard_normal(2000), rng.integers(0, 2, 2000).astype(bool), np.arange(2000) % 10)
    assert abs(result.accuracy - 0.5) < 0.05 and result.standard_error < 0.03


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="1 fold"):
        verify(np.zeros(4), np.zeros(4, bool), np.zeros(4, int))
    with pytest.raises(ValueError, match="NaN"):
        verify(np.array([np.nan, 1.0]), np.zeros(2, bool), np.arange(2))
