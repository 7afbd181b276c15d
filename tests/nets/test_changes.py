import jax.numpy as jnp
import numpy as np

from dfrec_jax.nets.changes import DARKEST, changed

IMAGE = jnp.linspace(0, 1, 5).reshape(1, 1, 5, 1).repeat(3, axis=3)


def test_no_change_gives_the_image_back_but_for_its_extremes():
    got = changed(IMAGE, jnp.zeros_like(IMAGE))[0, 0, :, 0]
    np.testing.assert_allclose(got, [DARKEST, 0.25, 0.5, 0.75, 1 - DARKEST], rtol=1e-5)


def test_changes_are_of_the_log_odds():
    got = changed(IMAGE, jnp.full_like(IMAGE, np.log(3.0)))[0, 0, 1:4, 0]
    np.testing.assert_allclose(got, [0.5, 0.75, 0.9], rtol=1e-5)  # odds of 1/3, 1 and 3, times three
