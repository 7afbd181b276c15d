import tracemalloc

import numpy as np
import pytest

from dfrec_jax.metrics import bootstrap
from dfrec_jax.metrics.attributes import balanced_accuracy

# Six pictures of three people; attributes: told rightly but once, always answered with no, never there, half unknown.
LABELS = np.array([[1, 1, -1, 0], [1, -1, -1, 1], [1, -1, -1, -1], [1, -1, -1, 0], [-1, -1, -1, 0], [-1, -1, -1, 0]])
LOGITS = np.array(
    [[2, -1, -1, 5], [3, -1, -1, 1], [1, -1, -1, -1], [-1, -1, -1, 5], [-2, -1, -1, 5], [-1, -1, -1, 5.0]]
)
PEOPLE = np.array(["a", "a", "b", "b", "c", "c"])


def test_by_hand():
    measured = balanced_accuracy(LOGITS, LABELS, PEOPLE)
    np.testing.assert_allclose(measured.each, [(3 / 4 + 1) / 2, 0.5, np.nan, 1.0])
    assert measured.mean == pytest.approx((0.875 + 0.5 + 1.0) / 3)
    assert measured.num_positive.tolist() == [4, 1, 0, 1] and measured.num_known.tolist() == [6, 6, 6, 2]
    assert measured.low is measured.high is None  # three people are too few


def test_a_logit_of_zero_says_no():
    measured = balanced_accuracy(np.zeros((2, 1)), np.array([[1], [-1]]), np.arange(2))
    assert measured.each.tolist() == [0.5]


def test_the_interval_is_over_people_and_not_over_pictures():
    """Ten people of a hundred equal pictures each: a thousand pictures, and no more certainty than ten give."""
    rng = np.random.default_rng(0)
    labels, is_right = np.where(np.arange(10) % 2, 1, -1), np.array([True] * 7 + [False] * 3)
    logits = np.where(is_right, labels, -labels).astype(float)
    alone = balanced_accuracy(logits[:, None], labels[:, None], np.arange(10))
    repeated = [np.repeat(values, 100) for values in (logits, labels, np.arange(10))]
    shuffled = rng.permutation(1000)
    many = balanced_accuracy(repeated[0][shuffled, None], repeated[1][shuffled, None], repeated[2][shuffled])
    assert (many.mean, many.low, many.high) == pytest.approx((alone.mean, alone.low, alone.high))
    assert alone.low < alone.mean < alone.high and alone.high - alone.low > 0.3


def test_as_many_people_as_pictures_take_little_memory():
    rng = np.random.default_rng(0)
    labels, logits = rng.choice([-1, 1], size=(6_000, 2)), rng.normal(size=(6_000, 2))
    tracemalloc.start()
    balanced_accuracy(logits, labels, np.arange(6_000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60e6  # a table of people by pictures has 36 MB as bits of truth and 288 MB as numbers


def test_people_are_drawn_as_in_one_block(monkeypatch):
    rng = np.random.default_rng(1)
    labels, logits, people = rng.integers(-1, 2, size=(90, 3)), rng.normal(size=(90, 3)), rng.integers(20, size=90)
    whole = balanced_accuracy(logits, labels, people, seed=5)
    draws = np.random.default_rng(5).multinomial(20, np.full(20, 1 / 20), 1000)
    means = []
    for times in draws[:, people]:  # of each resample, how often each picture stands in it
        halves = []
        for attribute in range(3):
            shares = [
                np.average((logits[:, attribute] > 0)[labels[:, attribute] == sign] == (sign > 0),
                           weights=times[labels[:, attribute] == sign])
                for sign in (1, -1)
            ]  # fmt: skip
            halves.append(np.mean(shares))
        means.append(np.mean(halves))
    assert (whole.low, whole.high) == pytest.approx(tuple(np.percentile(means, [2.5, 97.5])), rel=1e-12)
    monkeypatch.setattr(bootstrap, "DRAWS_AT_A_TIME", 7 * 20)
    in_parts = balanced_accuracy(logits, labels, people, seed=5)
    assert (in_parts.low, in_parts.high) == (whole.low, whole.high)


def test_where_hardly_a_resample_has_both_values_there_is_no_interval():
    """One person of six has the attribute: a third of all resamples lack that person, and must not make it NaN."""
    labels, people = np.where(np.arange(6) == 0, 1, -1)[:, None], np.arange(6)
    measured = balanced_accuracy(labels.astype(float), labels, people)
    assert measured.mean == 1 and measured.low is measured.high is None
    none = balanced_accuracy(labels.astype(float), np.ones_like(labels), people)
    assert np.isnan(none.mean) and none.low is None
    usual = balanced_accuracy(np.ones((40, 1)), np.where(np.arange(40) < 4, 1, -1)[:, None], np.arange(40))
    assert usual.low == usual.high == 0.5, "the one resample in a hundred that lacks the four is left out"
