import jax.numpy as jnp
import numpy as np
import pytest

from dfrec_jax.baselines.adm_unet import Denoised
from dfrec_jax.baselines.diffusion import linear_diffusion, picture_before, step_back, step_forth

WAY = linear_diffusion(50)
RNG = np.random.default_rng(0)
CLEAN, NOISE = (jnp.asarray(RNG.uniform(-1, 1, (2, 3, 3, 3)), jnp.float32) for _ in range(2))


def test_all_steps_are_those_of_training():
    whole = linear_diffusion(1000)
    np.testing.assert_array_equal(whole.timesteps, np.arange(1000))
    np.testing.assert_allclose(whole.betas, np.linspace(1e-4, 0.02, 1000), rtol=1e-4)


def test_fewer_steps_reach_the_same_noise():
    whole, few = linear_diffusion(1000), linear_diffusion(250)
    assert few.timesteps[0] == 0 and few.timesteps[-1] == 999 and len(few.timesteps) == 250
    np.testing.assert_allclose(few.noise, whole.noise[few.timesteps], rtol=1e-6)
    np.testing.assert_allclose(np.cumprod(1 - few.betas), few.signal**2, rtol=1e-4)
    np.testing.assert_allclose(few.signal**2 + few.noise**2, 1, rtol=1e-6)


@pytest.mark.parametrize("num_steps", [1, 1001])
def test_a_number_of_steps_that_was_not_trained_is_refused(num_steps):
    with pytest.raises(ValueError, match=f"num_steps={num_steps}: must be from 2 to 1000"):
        linear_diffusion(num_steps)


def test_a_step_back_is_bayes_rule():
    """The step before is N(signal x_0, noise^2) by the way there and x_t / sqrt(1 - beta), up to beta, by x_t."""
    step = 20
    x = WAY.signal[step] * CLEAN + WAY.noise[step] * NOISE
    prior, likelihood = 1 / WAY.noise_before[step] ** 2, (1 - WAY.betas[step]) / WAY.betas[step]
    variance = 1 / (prior + likelihood)
    mean = variance * (prior * WAY.signal_before[step] * CLEAN + likelihood * x / np.sqrt(1 - WAY.betas[step]))
    for share, want in ((-1.0, variance), (1.0, WAY.betas[step])):
        said = Denoised(NOISE, jnp.full_like(NOISE, share))
        still, moved = (step_back(WAY, jnp.array(step), x, said, fresh * jnp.ones_like(x)) for fresh in (0, 1))
        np.testing.assert_allclose(still, mean, rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose((moved - still) ** 2, np.full(x.shape, want), rtol=1e-3)


def test_the_last_step_back_is_the_picture_whatever_the_draw():
    step = jnp.array(0)
    x = WAY.signal[0] * CLEAN + WAY.noise[0] * NOISE
    back = step_back(WAY, step, x, Denoised(NOISE, jnp.ones_like(x)), 100 * NOISE)
    np.testing.assert_allclose(back, CLEAN, atol=1e-5)
    np.testing.assert_array_equal(picture_before(WAY, step, CLEAN, 100 * NOISE), CLEAN)


def test_pictures_are_clipped():
    step = jnp.array(0)
    back = step_back(
        WAY, step, jnp.full((1, 1, 1, 3), 7.0), Denoised(*2 * [jnp.zeros((1, 1, 1, 3))]), jnp.zeros((1, 1, 1, 3))
    )
    np.testing.assert_allclose(back, 1, rtol=1e-5)


def test_a_step_forth_goes_where_the_diffusion_goes():
    step = jnp.array(20)
    before = picture_before(WAY, step, CLEAN, jnp.zeros_like(CLEAN))
    np.testing.assert_allclose(step_forth(WAY, step, before, 0 * NOISE), WAY.signal[20] * CLEAN, rtol=1e-5)
    added = step_forth(WAY, step, 0 * CLEAN, jnp.ones_like(NOISE))
    np.testing.assert_allclose(
        added**2 + (1 - WAY.betas[20]) * WAY.noise_before[20] ** 2, WAY.noise[20] ** 2, rtol=1e-4
    )
