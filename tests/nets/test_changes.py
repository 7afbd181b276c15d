import jax.numpy as jnp
import numpy as np
import pytest

from dfrec_jax.nets.changes import DARKEST, changed, without_grid

IMAGE = jnp.linspace(0, 1, 5).reshape(1, 1, 5, 1).repeat(3, axis=3)


def test_no_change_gives_the_image_back_but_for_its_extremes():
    got = changed(IMAGE, jnp.zeros_like(IMAGE))[0, 0, :, 0]
    np.testing.assert_allclose(got, [DARKEST, 0.25, 0.5, 0.75, 1 - DARKEST], rtol=1e-5)


def test_changes_are_of_the_log_odds():
    got = changed(IMAGE, jnp.full_like(IMAGE, np.log(3.0)))[0, 0, 1:4, 0]
    np.testing.assert_allclose(got, [0.5, 0.75, 0.9], rtol=1e-5)  # odds of 1/3, 1 and 3, times three


@pytest.mark.parametrize("side", [2, 3])
def test_no_pattern_repeats_from_square_to_square(side):
    rows, columns = np.mgrid[: 4 * side, : 6 * side]
    square = np.arange(side * side, dtype=np.float32).reshape(side, side) ** 2
    tiled = jnp.asarray(square[rows % side, columns % side])[None, :, :, None]
    inside = np.s_[:, side:-side, side:-side]
    np.testing.assert_allclose(without_grid(tiled, side)[inside], square.mean(), rtol=1e-5)


def test_what_is_no_grid_stays():
    level = jnp.full((1, 6, 8, 3), 0.7)
    np.testing.assert_allclose(without_grid(level, 2), level, rtol=1e-6)
    step = jnp.zeros((1, 4, 6, 1)).at[:, :, 3:].set(1.0)
    np.testing.assert_allclose(without_grid(step, 2)[0, 0, :, 0], [0, 0, 0, 0.5, 1, 1])
    np.testing.assert_array_equal(without_grid(IMAGE, 1), IMAGE)  # a stem of 1 has no squares
