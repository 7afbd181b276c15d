"""What a denoiser with learned variances is trained by (Nichol and Dhariwal 2021, Sec. 3.1): the mean squared error of
the noise (Ho et al. 2020, Eq. 14), and the variational bound, of which the variance alone learns.
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from dfrec_jax.baselines.adm_unet import Denoised
from dfrec_jax.baselines.diffusion import Diffusion

BOUND_WEIGHT = 0.001  # lambda of L_hybrid, Eq. 16; the bound is a sum over all steps
HALF_LEVEL = 1 / 255  # half the distance of two levels of an 8-bit picture in [-1, 1]


class DiffusionLoss(NamedTuple):
    """Each term, unweighted, and `total`, which is minimised."""

    noise: Float[Array, ""]
    bound: Float[Array, ""]  # in bits for each value of a picture, all steps together
    total: Float[Array, ""]


def noised(
    diffusion: Diffusion, steps: Int[Array, " b"], images: Float[Array, "b h w c"], noise: Float[Array, "b h w c"]
) -> Float[Array, "b h w c"]:
    """x_t of pictures in [-1, 1], each at its own step (Ho et al., Eq. 4)."""
    return _of(diffusion.signal, steps) * images + _of(diffusion.noise, steps) * noise


def diffusion_loss(
    diffusion: Diffusion,
    steps: Int[Array, " b"],
    images: Float[Array, "b h w c"],
    noise: Float[Array, "b h w c"],
    denoised: Denoised,
    weights: Float[Array, "b h w 1"],
) -> DiffusionLoss:
    """L_simple + 0.001 L_vlb of what the network said of `noised(...)`, at steps drawn uniformly.

    Args:
      diffusion: all steps of training.
      steps: of the examples.
      images: RGB in [-1, 1].
      noise: that was added.
      denoised: of the network.
      weights: of pixels in the means; 0 where the picture has none.
    """
    mean = lambda values: jnp.sum(weights * values) / jnp.maximum(jnp.sum(weights) * values.shape[-1], 1.0)  # noqa: E731
    of_noise = mean(jnp.square(denoised.noise - noise))
    bound = len(diffusion.timesteps) * mean(bound_terms(diffusion, steps, images, noise, denoised))
    return DiffusionLoss(of_noise, bound, of_noise + BOUND_WEIGHT * bound)


def bound_terms(
    diffusion: Diffusion,
    steps: Int[Array, " b"],
    images: Float[Array, "b h w c"],
    noise: Float[Array, "b h w c"],
    denoised: Denoised,
) -> Float[Array, "b h w c"]:
    """The step's term of the variational bound for each value, in bits (Ho et al., Eq. 5).

    It is the divergence of the step back that the network describes from the one that knows the picture; of the last
    step back, to the picture itself, minus the logarithm of the probability of the picture's 8-bit level. The mean has
    no gradient, or this noisy term would disturb what the mean learns from the noise.
    """
    x = noised(diffusion, steps, images, noise)
    at = lambda values: _of(values, steps)  # noqa: E731
    said = (x - at(diffusion.noise) * jax.lax.stop_gradient(denoised.noise)) / at(diffusion.signal)
    true_mean, mean = (at(diffusion.clean_weight) * clean + at(diffusion.noisy_weight) * x for clean in (images, said))
    share = (denoised.variance + 1) / 2
    log_variance = share * at(diffusion.largest_log_variance) + (1 - share) * at(diffusion.smallest_log_variance)
    divergence = gaussian_divergence(true_mean, at(diffusion.smallest_log_variance), mean, log_variance)
    is_last = (steps == 0)[:, None, None, None]
    return jnp.where(is_last, -level_log_likelihood(images, mean, log_variance), divergence) / math.log(2)


def gaussian_divergence(
    mean: Float[Array, "*#s"],
    log_variance: Float[Array, "*#s"],
    other: Float[Array, "*#s"],
    other_log: Float[Array, "*#s"],
) -> Float[Array, "*#s"]:
    """KL divergence of the normal distribution (`mean`, `log_variance`) from the other one, in nats."""
    ratio = log_variance - other_log
    return 0.5 * (jnp.exp(ratio) - 1 - ratio + jnp.square(mean - other) * jnp.exp(-other_log))


def level_log_likelihood(
    images: Float[Array, "*#s"], mean: Float[Array, "*#s"], log_variance: Float[Array, "*#s"]
) -> Float[Array, "*#s"]:
    """Logarithm of the probability of a level's bin; the bins of black and white are open (Ho et al., Eq. 13)."""
    scale = jnp.exp(-log_variance / 2)
    above = jax.scipy.stats.norm.cdf(scale * (images - mean + HALF_LEVEL))
    below = jax.scipy.stats.norm.cdf(scale * (images - mean - HALF_LEVEL))
    above, below = jnp.where(images > 0.999, 1.0, above), jnp.where(images < -0.999, 0.0, below)
    return jnp.log(jnp.maximum(above - below, 1e-12))


def _of(values: Float[Array, " t"], steps: Int[Array, " b"]) -> Float[Array, "b 1 1 1"]:
    return values[steps][:, None, None, None]
