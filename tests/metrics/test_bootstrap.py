"""Means and their intervals."""

import tracemalloc

import numpy as np
import pytest

from dfrec_jax.metrics import bootstrap
from dfrec_jax.metrics.bootstrap import mean_of_clusters, mean_with_interval, statistic_with_interval


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


def test_each_cluster_counts_once_however_many_values_it_has():
    means = np.random.default_rng(1).normal(size=8)
    few = mean_of_clusters(means, np.arange(8))
    many = mean_of_clusters(np.repeat(means, np.arange(1, 9)), np.repeat(np.arange(8), np.arange(1, 9)))
    assert many.value == pytest.approx(means.mean()) and many.n == 36
    assert (many.low, many.high) == pytest.approx((few.low, few.high)) and few.low < few.value < few.high
    assert mean_of_clusters(np.array([1.0, np.nan, 3.0]), np.array([0, 0, 1])) == (2.0, None, None, 2, 2)
    with pytest.raises(ValueError, match="no finite value"):
        mean_of_clusters(np.array([np.nan]), np.array([0]))


def test_infinities_are_left_out_and_the_count_says_so():
    assert mean_with_interval(np.array([1.0, np.inf]), np.array([0, 1])).n == 1
    with pytest.raises(ValueError, match="no finite value"):
        mean_with_interval(np.array([np.nan]), np.array([0]))


def test_many_people_take_little_memory_and_draw_what_one_block_would(monkeypatch):
    rng = np.random.default_rng(2)
    values, people = rng.normal(size=20_000), np.arange(20_000)
    tracemalloc.start()
    estimate = mean_with_interval(values, people, num_resamples=400)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 80e6  # a table of all draws alone has 64 MB, and two more were made of it
    draws = np.random.default_rng(0).integers(20_000, size=(400, 20_000))
    assert (estimate.low, estimate.high) == tuple(np.percentile(values[draws].mean(axis=1), [2.5, 97.5]))
    monkeypatch.setattr(bootstrap, "DRAWS_AT_A_TIME", 7 * 50)
    few = mean_with_interval(values[:50], people[:50])
    monkeypatch.undo()
    assert few == mean_with_interval(values[:50], people[:50])


def test_the_interval_of_a_statistic_is_the_mean_s_where_the_statistic_is_the_mean():
    rng = np.random.default_rng(3)
    values, people = rng.normal(size=90), rng.integers(12, size=90)
    of_mean = mean_with_interval(values, people)
    of_statistic = statistic_with_interval(lambda chosen: values[chosen].mean(), people)
    assert of_statistic == pytest.approx(of_mean, rel=1e-12)


def test_a_statistic_without_a_value_has_no_interval():
    kinds = np.arange(12) == 0  # a third of the resamples hold nobody of the one kind

    def share(chosen):
        return kinds[chosen].mean() if kinds[chosen].any() else np.nan

    estimate = statistic_with_interval(share, np.arange(12))
    assert (estimate.value, estimate.low, estimate.high, estimate.n) == (1 / 12, None, None, 12)
    assert statistic_with_interval(share, np.zeros(12)).low is None  # one person
