"""What the denoiser learns by: values by hand, and which part of the network each term teaches."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dfrec_jax.baselines import diffusion_losses
from dfrec_jax.baselines.adm_unet import Denoised
from dfrec_jax.baselines.diffusion import linear_diffusion
from dfrec_jax.baselines.diffusion_losses import diffusion_loss, gaussian_divergence, level_log_likelihood

WAY = linear_diffusion(1000)
RNG = np.random.default_rng(0)
IMAGES, NOISE = (jnp.asarray(RNG.uniform(-1, 1, (2, 2, 2, 3)), jnp.float32) for _ in range(2))
WHOLE = jnp.ones((2, 2, 2, 1))
STEPS = jnp.array([400, 700])


def loss(noise, variance, weights=WHOLE, steps=STEPS):
    return diffusion_loss(WAY, steps, IMAGES, NOISE, Denoised(noise, variance), weights)


def test_two_normal_distributions_by_hand():
    got = gaussian_divergence(jnp.array(1.0), jnp.log(4.0), jnp.array(3.0), jnp.log(9.0))
    assert float(got) == pytest.approx(math.log(3 / 2) + (4 + 4) / (2 * 9) - 0.5, rel=1e-5)
    assert float(gaussian_divergence(*2 * (jnp.array(0.3), jnp.array(-2.0)))) == 0


def test_the_levels_of_a_picture_share_the_probability_among_themselves():
    levels = jnp.linspace(-1, 1, 256)
    for mean, deviation in ((0.2, 0.3), (-1.0, 0.01)):
        log = level_log_likelihood(levels, jnp.full(256, mean), jnp.full(256, 2 * math.log(deviation)))
        assert float(jnp.exp(log).sum()) == pytest.approx(1, abs=1e-3)
    by_hand = 0.5 * (math.erf(1 / 255 / 0.01 / math.sqrt(2)) - math.erf(-1 / 255 / 0.01 / math.sqrt(2)))
    log = level_log_likelihood(levels[100], levels[100], jnp.array(2 * math.log(0.01)))
    assert float(log) == pytest.approx(math.log(by_hand), rel=1e-3)


def test_a_perfect_network_has_no_loss_but_the_last_levels():
    found = loss(NOISE, jnp.full_like(NOISE, -1.0))
    assert float(found.noise) == 0 and float(found.bound) == pytest.approx(0, abs=1e-4)
    assert float(loss(NOISE, jnp.full_like(NOISE, -1.0), steps=jnp.array([0, 700])).bound) > 0


def test_the_whole_is_the_noise_and_a_thousandth_of_all_steps():
    """The bound of one step, a thousand times over, and a thousandth of that: the bits of the step itself."""
    found = loss(NOISE + 0.5, jnp.zeros_like(NOISE))
    assert float(found.noise) == pytest.approx(0.25)
    bits = []
    for step in (400, 700):
        log = 0.5 * float(WAY.largest_log_variance[step] + WAY.smallest_log_variance[step])
        ratio = float(WAY.smallest_log_variance[step]) - log
        # An error of 0.5 in the noise moves the mean by clean_weight * noise / signal * 0.5.
        moved = float(WAY.clean_weight[step] * WAY.noise[step] / WAY.signal[step]) * 0.5
        bits.append(0.5 * (math.exp(ratio) - 1 - ratio + moved**2 * math.exp(-log)) / math.log(2))
    assert float(found.bound) == pytest.approx(1000 * np.mean(bits), rel=2e-3)
    assert float(found.total) == pytest.approx(0.25 + np.mean(bits), rel=2e-3)


def test_the_bound_teaches_the_variance_alone_and_weights_leave_pixels_out():
    def of(noise, variance, name):
        return getattr(loss(noise, variance), name)

    noise, variance = NOISE + 0.5, jnp.zeros_like(NOISE)
    by_bound = jax.grad(of, (0, 1))(noise, variance, "bound")
    assert not by_bound[0].any() and by_bound[1].all()
    by_noise = jax.grad(of, (0, 1))(noise, variance, "noise")
    assert by_noise[0].all() and not by_noise[1].any()
    first = loss(noise.at[1].add(7.0), variance, WHOLE.at[1].set(0.0))
    assert float(first.noise) == pytest.approx(0.25) and float(loss(noise, variance, 0 * WHOLE).total) == 0


def test_noise_is_added_by_each_examples_own_step():
    x = diffusion_losses.noised(WAY, jnp.array([0, 999]), IMAGES, NOISE)
    np.testing.assert_allclose(x[0], IMAGES[0], atol=0.02)
    np.testing.assert_allclose(x[1], NOISE[1], atol=0.02)
