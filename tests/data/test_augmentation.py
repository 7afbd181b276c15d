import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dfrec_jax.data.augmentation import augment
from dfrec_jax.frozen.blocks import resize

STILL = {"flip": 0.0, "jitter": 0.0, "zoom": (1.0, 1.0), "shift": 0.0}


@pytest.fixture
def picture():
    return jnp.asarray(np.random.default_rng(0).random((32, 32, 3), np.float32))


def test_without_augmentation_it_is_the_networks_own_resizing(picture):
    got = augment(jax.random.key(0), picture, 16, **STILL)
    np.testing.assert_allclose(got, resize(picture[None], 16, 16, antialias=True)[0], atol=1e-5)


def test_flip_mirrors(picture):
    got = augment(jax.random.key(0), picture, 32, **{**STILL, "flip": 1.0})
    np.testing.assert_allclose(got, picture[:, ::-1], atol=1e-6)


def test_zoom_enlarges_about_the_centre():
    disc = jnp.asarray((np.hypot(*np.mgrid[-15.5:16, -15.5:16]) < 8)[..., None].repeat(3, -1).astype(np.float32))
    got = augment(jax.random.key(0), disc, 64, **{**STILL, "zoom": (1.5, 1.5)})
    want = np.hypot(*np.mgrid[-31.5:32, -31.5:32]) < 8 * 2 * 1.5
    assert np.mean((np.asarray(got[..., 0]) > 0.5) != want) < 0.02


def test_shift_stays_within_its_bounds():
    dot = jnp.zeros((33, 33, 3)).at[16, 16].set(1.0)
    moved = jax.vmap(lambda key: augment(key, dot, 33, **{**STILL, "shift": 0.25}))(
        jax.random.split(jax.random.key(0), 64)
    )
    rows, columns = np.unravel_index(np.asarray(moved[..., 0]).reshape(64, -1).argmax(1), (33, 33))
    places = np.stack([rows, columns]) - 16
    assert np.abs(places).max() <= 9 and np.ptp(places, axis=1).min() > 10


def test_colours_change_and_stay_in_range(picture):
    got = augment(jax.random.key(1), picture, 32, **{**STILL, "jitter": 0.5})
    assert float(jnp.abs(got - picture).mean()) > 0.01
    assert 0 <= float(got.min()) and float(got.max()) <= 1
    again = augment(jax.random.key(1), picture, 32, **{**STILL, "jitter": 0.5})
    np.testing.assert_array_equal(got, again)
