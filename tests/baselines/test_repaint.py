from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dfrec_jax.baselines import repaint
from dfrec_jax.baselines.adm_unet import AdmUnet, Denoised
from dfrec_jax.baselines.diffusion import linear_diffusion
from dfrec_jax.baselines.repaint import Resampling
from tests import stand_in

DEVIATION, CORRELATION = 0.3, 0.9
NUM_STEPS = 50
LEFT_IS_KNOWN = jnp.array([1.0, 0.0]).reshape(1, 1, 2, 1)


def test_the_papers_schedule():
    times = Resampling(num_steps=250, jump_length=10, num_resamples=10).times()
    moves = np.diff(times)
    assert len(times) == 4571 and (moves == -1).sum() == 2410 and (moves == 1).sum() == 2160


def test_a_schedule_by_hand():
    assert Resampling(6, 2, 2).times().tolist() == [5, 4, 3, 2, 3, 4, 3, 2, 1, 0, 1, 2, 1, 0, -1]
    assert Resampling(3, 2, 1).times().tolist() == [2, 1, 0, -1]
    assert Resampling(3, 5, 4).times().tolist() == [2, 1, 0, -1]  # no room to jump


@pytest.mark.parametrize("field", Resampling._fields)
def test_a_schedule_of_nothing_is_refused(field):
    with pytest.raises(ValueError, match=f"{field}=0: must be 1 or more"):
        Resampling(**{field: 0}).times()


def two_pixels(x, timesteps):
    """The best that can be said of pictures of two pixels, normal and correlated: the score is known."""
    whole = linear_diffusion(1000)
    signal, noise = whole.signal[timesteps[0]], whole.noise[timesteps[0]]
    prior = DEVIATION**2 * jnp.array([[1, CORRELATION], [CORRELATION, 1]])
    inverse = jnp.linalg.inv(signal**2 * prior + noise**2 * jnp.eye(2))
    said = noise * jnp.einsum("vw,bhwc->bhvc", inverse, x)
    return Denoised(said, jnp.zeros_like(said))


@partial(jax.jit, static_argnames="resampling")
def paint(keys, images, resampling):
    is_known = jnp.broadcast_to(LEFT_IS_KNOWN, (*images.shape[:3], 1))
    diffusion = linear_diffusion(resampling.num_steps)
    return repaint.repaint(two_pixels, keys, images, is_known, diffusion, jnp.asarray(resampling.times()))


def pictures(num_pictures):
    images = jnp.full((num_pictures, 1, 2, 3), 0.3)
    return jax.random.split(jax.random.key(0), num_pictures), images.at[:, :, 1].set(jnp.nan_to_num(jnp.inf))


def test_known_pixels_come_back_and_the_others_fit_them():
    keys, images = pictures(256)
    drawn = paint(keys, images, Resampling(NUM_STEPS, 1, 6))
    np.testing.assert_array_equal(drawn[:, :, 0], images[:, :, 0])
    right = np.asarray(drawn[:, :, 1])
    mean, deviation = CORRELATION * 0.3, DEVIATION * np.sqrt(1 - CORRELATION**2)
    assert right.mean() == pytest.approx(mean, abs=0.03)
    assert right.std() == pytest.approx(deviation, rel=0.15)
    once = np.asarray(paint(keys, images, Resampling(NUM_STEPS, 1, 1)))[:, :, 1]  # what the paper's jumps are there for
    assert once.mean() < mean - 0.08 and once.std() > 1.2 * deviation


def test_a_step_forth_adds_the_noise_of_the_step_that_it_reaches():
    way, (keys, images) = linear_diffusion(50), pictures(2)
    moved = repaint.repaint(two_pixels, keys, images, 0 * images[..., :1], way, jnp.array([2, 3]))
    start, noise = (
        jax.vmap(lambda key, index=index: jax.random.normal(jax.random.fold_in(key, index), (1, 2, 3)))(keys)
        for index in (2, 0)  # draws are numbered by move, two a move; the start's comes after all
    )
    beta = way.betas[3]
    assert beta > 1.1 * way.betas[2]
    np.testing.assert_allclose(moved, np.sqrt(1 - beta) * start + np.sqrt(beta) * noise, rtol=1e-4, atol=1e-5)


def test_a_key_is_a_picture_alone_and_in_any_batch():
    keys, images = pictures(3)
    resampling = Resampling(8, 2, 2)
    together = paint(keys, images, resampling)
    np.testing.assert_array_equal(paint(keys, images, resampling), together)
    np.testing.assert_allclose(paint(keys[1:2], images[1:2], resampling), together[1:2], rtol=1e-5)
    assert len(np.unique(together[:, 0, 1, 0])) == 3


def test_a_network_paints_pictures():
    network = AdmUnet(image_size=4, features=8, multipliers=(1,), num_blocks=1, attention_sides=(), head_features=8)
    images = jnp.asarray(np.random.default_rng(0).random((2, 4, 4, 3), np.float32))
    is_known = jnp.zeros((2, 4, 4, 1)).at[:, 2:].set(1.0)
    variables = stand_in.variables(network, images, jnp.zeros(2, int))
    run = jax.jit(repaint.recover, static_argnums=0)
    keys, times = jax.random.split(jax.random.key(0)), jnp.asarray(Resampling(4, 2, 2).times())
    painted = run(network, variables, keys, images, is_known, linear_diffusion(4), times)
    np.testing.assert_array_equal(painted[:, 2:], images[:, 2:])
    assert 0 <= painted.min() and painted.max() <= 1 and (painted[:, :2] != images[:, :2]).any((1, 2, 3)).all()
