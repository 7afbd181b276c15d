"""The search is exact, whatever the blocks."""

import numpy as np
import pytest

from dfrec_jax.tracing.ranking import best, rank


def _blocks(rows, size):
    return (rows[start : start + size] for start in range(0, len(rows), size))


@pytest.mark.parametrize("size", [1, 7, 100])
def test_blocks_change_nothing(size):
    rng = np.random.default_rng(0)
    rows, queries = rng.standard_normal((100, 8), np.float32), rng.standard_normal((3, 8), np.float32)
    found = best(queries, _blocks(rows, size), 10)
    scores = queries @ rows.T
    np.testing.assert_array_equal(found.rows, np.argsort(-scores, axis=1)[:, :10])
    np.testing.assert_allclose(found.scores, -np.sort(-scores, axis=1)[:, :10], rtol=1e-5)


@pytest.mark.parametrize("size", [2, 3, 50])
def test_of_equal_scores_the_earlier_row_is_first(size):
    rows = np.ones((50, 4), np.float32)
    rows[[10, 20]] *= 2
    np.testing.assert_array_equal(best(np.ones((1, 4), np.float32), _blocks(rows, size), 5).rows, [[10, 20, 0, 1, 2]])


def test_fewer_rows_than_are_asked_for_are_all_given():
    assert best(np.ones((1, 2), np.float32), iter([np.eye(2, dtype=np.float32)]), 9).rows.shape == (1, 2)


def test_what_cannot_be_searched_is_refused():
    with pytest.raises(ValueError, match="NaN"):
        best(np.full((1, 2), np.nan, np.float32), iter([np.eye(2, dtype=np.float32)]), 1)
    with pytest.raises(ValueError, match="no row"):
        best(np.ones((1, 2), np.float32), iter(()), 1)


def test_a_tie_does_not_better_a_rank():
    assert rank(np.array([0.5, 0.9, 0.5, 0.1], np.float32), 0) == 3
    assert rank(np.array([0.5, 0.9, 0.5, 0.1], np.float32), 1) == 1
