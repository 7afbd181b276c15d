import jax.numpy as jnp
import numpy as np
import pytest

from dfrec_jax.nets.resize import align_corners_matrix, resize_align_corners


def test_by_hand():
    x = np.array([0.0, 3.0, 9.0], np.float32).reshape(1, 3, 1, 1)
    wide = resize_align_corners(jnp.asarray(np.repeat(x, 2, axis=2)), (7, 2))
    np.testing.assert_allclose(wide[0, :, 0, 0], [0, 1, 2, 3, 5, 7, 9], atol=1e-6)  # corners on corners


@pytest.mark.parametrize(("size", "new_size"), [(14, 56), (56, 224), (4, 16), (1, 4), (5, 1), (8, 3)])
def test_rows_sum_to_one_and_weigh_neighbours(size, new_size):
    matrix = align_corners_matrix(size, new_size)
    np.testing.assert_allclose(matrix.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(  # a straight line stays one, from corner to corner
        matrix @ np.arange(size), np.linspace(0, size - 1, new_size) if new_size > 1 else [0], atol=1e-5
    )
    assert matrix.min() >= 0 and (matrix > 0).sum(axis=1).max() <= 2
