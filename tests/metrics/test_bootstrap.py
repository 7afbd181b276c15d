"""Means and their intervals."""

import numpy as np
import pytest

from dfrec_jax.metrics.bootstrap import mean_with_interval


def test_mean_and_count():
    estimate = mean_with_interval(np.array([1.0, 2.0, 6.0]), np.array([0, 1, 2]))
    assert (estimate.value, estimate.n) == (3.0, 3)
    assert estimate.low is None  # three people are too few for an interval


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(0)
    covered = 0
    for seed in range(200):
        values = rng.normal(size=60)
        estimate = mean_with_interval(values, np.arange(60), num_resamples=300, seed=seed)
        covered += estimate.low <= 0.0 <= estimate.high
    assert 180 <= covered <= 199


def test_pictures_of_one_person_do_not_narrow_the_interval():
    people = np.random.default_rng(1).normal(size=20)
    once = mean_with_interval(people, np.arange(20))
    ten_times = mean_with_interval(np.repeat(people, 10), np.repeat(np.arange(20), 10))
    assert ten_times.n == 200
    assert ten_times.high - ten_times.low == pytest.approx(once.high - once.low, rel=1e-6)


def test_infinities_are_left_out_and_the_count_says_so():
    assert mean_with_interval(np.array([1.0, np.inf]), np.array([0, 1])).n == 1
    with pytest.raises(ValueError, match="no finite value"):
        mean_with_interval(np.array([np.nan]), np.array([0]))
