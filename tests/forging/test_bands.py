"""Frequency bands: what is coarse comes from one picture, what is fine from the other."""

import jax.numpy as jnp
import numpy as np

from dfrec_jax.forging import bands

SIZE = 32


def _waves(period):
    x = np.sin(2 * np.pi * np.arange(SIZE) / period)
    return jnp.asarray(np.broadcast_to(0.5 + 0.2 * x[None, :, None], (SIZE, SIZE, 3)), jnp.float32)


def test_a_blur_keeps_a_flat_picture_and_the_mean_of_a_point():
    flat = jnp.full((SIZE, SIZE, 3), 0.3)
    np.testing.assert_allclose(bands.blurred(flat, jnp.float32(4)), 0.3, rtol=1e-5)
    point = jnp.zeros((SIZE, SIZE, 1)).at[16, 16].set(1.0)
    found = bands.blurred(point, jnp.float32(2))
    want = 1 / (2 * np.pi * 2**2)  # the Gaussian's density at its centre
    np.testing.assert_allclose([found.sum(), found[16, 16, 0]], [1.0, want], rtol=1e-3)


def test_light_comes_from_one_picture_and_detail_from_the_other():
    fine, coarse = _waves(4), _waves(64)
    found = bands.mixed(fine, coarse, (jnp.float32(4), jnp.float32(1)), 0.5)
    inner = slice(12, 20)  # a blur of 4 pixels ends at the border
    want = 0.5 + (bands.blurred(coarse, jnp.float32(4)) - 0.5) + (fine - bands.blurred(fine, jnp.float32(1)))
    np.testing.assert_allclose(found[inner, inner], want[inner, inner], atol=0.15)
    same = bands.mixed(fine, fine, (jnp.float32(4), jnp.float32(1)), 0.3)
    np.testing.assert_allclose(same, fine, atol=1e-5)  # of one picture the bands are the picture again


def test_the_middle_is_shared():
    fine, coarse = _waves(12), jnp.full((SIZE, SIZE, 3), 0.5)
    spread = [
        float(jnp.std(bands.mixed(fine, coarse, (jnp.float32(4), jnp.float32(0.5)), share)[8:24, 8:24]))
        for share in (0.0, 0.5, 1.0)
    ]
    assert spread[0] < 0.3 * spread[1] < 0.3 * spread[2]
