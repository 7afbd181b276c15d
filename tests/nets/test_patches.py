import jax.numpy as jnp
import numpy as np
import pytest

from dfrec_jax.nets.patches import fold, gather_rows, patchify, put_rows, sincos_positions, unfold, unpatchify


def test_patchify_orders_row_column_channel():
    image = np.arange(4 * 6 * 3, dtype=np.float32).reshape(1, 4, 6, 3)
    patches = patchify(jnp.asarray(image), 2)
    assert patches.shape == (1, 6, 12)
    np.testing.assert_array_equal(patches[0, 4], image[0, 2:4, 2:4].reshape(-1))  # second row, second column
    np.testing.assert_array_equal(unpatchify(patches, 2, num_rows=2), image)


def test_fold_holds_the_patches_on_their_grid():
    image = jnp.arange(2 * 4 * 6 * 3, dtype=jnp.float32).reshape(2, 4, 6, 3)
    np.testing.assert_array_equal(fold(image, 2).reshape(2, 6, 12), patchify(image, 2))
    np.testing.assert_array_equal(unfold(fold(image, 2), 2), image)
    np.testing.assert_array_equal(fold(image, 1), image)


def test_put_rows_undoes_gather_rows():
    rows = jnp.arange(24.0).reshape(2, 4, 3)
    index = jnp.array([[2, 0], [1, 3]])
    picked = gather_rows(rows, index)
    np.testing.assert_array_equal(picked[0], rows[0][jnp.array([2, 0])])
    changed = put_rows(rows, index, picked + 100)
    np.testing.assert_array_equal(changed[0] - rows[0], np.array([100, 0, 100, 0])[:, None] * np.ones((1, 3)))
    np.testing.assert_array_equal(changed[1] - rows[1], np.array([0, 100, 0, 100])[:, None] * np.ones((1, 3)))


def test_positions_by_hand():
    table = sincos_positions(2, 3, 8)  # frequencies 1 and 1/100; columns first, each as sines, then cosines
    row, column = 1, 2
    want = [f(p * w) for p in (column, row) for f in (np.sin, np.cos) for w in (1.0, 0.01)]
    np.testing.assert_allclose(table[row * 3 + column], want, rtol=1e-6)
    assert len(np.unique(table.round(5), axis=0)) == 6
    with pytest.raises(ValueError, match="width=6"):
        sincos_positions(2, 2, 6)
