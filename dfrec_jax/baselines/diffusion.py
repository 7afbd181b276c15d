"""Gaussian diffusion (Ho et al. 2020) with learned variances, in fewer steps than training (Nichol, Dhariwal 2021)."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from dfrec_jax.baselines.adm_unet import Denoised

FIRST_BETA, LAST_BETA = 1e-4, 0.02  # of the linear schedule over 1000 steps


class Diffusion(NamedTuple):
    """A picture's way to noise, step by step, and what its way back needs; each field has a value for each step.

    x_t = signal x_0 + noise epsilon, and one step adds (1 - beta) of the step before to beta of new variance.
    """

    timesteps: Int[Array, " t"]  # what the network calls the step: its place among those of training
    betas: Float[Array, " t"]
    signal: Float[Array, " t"]  # square root of alpha-bar
    noise: Float[Array, " t"]  # square root of 1 - alpha-bar
    signal_before: Float[Array, " t"]  # of the step before, nearer to the picture, which step 0 reaches
    noise_before: Float[Array, " t"]
    clean_weight: Float[Array, " t"]  # of the predicted picture in the mean of the step before
    noisy_weight: Float[Array, " t"]  # of x_t in it
    smallest_log_variance: Float[Array, " t"]  # of the step before: were the picture known
    largest_log_variance: Float[Array, " t"]  # were nothing known of it


def linear_diffusion(num_steps: int = 250, num_trained: int = 1000) -> Diffusion:
    """`num_steps` of the `num_trained` steps of training, the first and last among them, evenly spaced.

    Raises:
      ValueError: for fewer than 2 steps or more than were trained.
    """
    if not 2 <= num_steps <= num_trained:
        raise ValueError(f"num_steps={num_steps}: must be from 2 to {num_trained}, the steps of training")
    scale = 1000 / num_trained
    trained = np.cumprod(1 - np.linspace(scale * FIRST_BETA, scale * LAST_BETA, num_trained))
    timesteps = np.round(np.linspace(0, num_trained - 1, num_steps)).astype(np.int32)
    after = trained[timesteps]  # alpha-bar, in float64: 1 - alpha-bar of the first steps has few digits left
    before = np.concatenate([[1.0], after[:-1]])
    betas = 1 - after / before
    variance = betas * (1 - before) / (1 - after)
    variance[0] = variance[1]  # 0, of which there is no logarithm; the last step back is drawn without noise anyway
    values = (
        betas,
        np.sqrt(after),
        np.sqrt(1 - after),
        np.sqrt(before),
        np.sqrt(1 - before),
        betas * np.sqrt(before) / (1 - after),
        (1 - before) * np.sqrt(1 - betas) / (1 - after),
        np.log(variance),
        np.log(betas),
    )
    return Diffusion(jnp.asarray(timesteps), *(jnp.asarray(value, jnp.float32) for value in values))


def step_back(
    diffusion: Diffusion,
    step: Int[Array, ""],
    x: Float[Array, "b h w c"],
    denoised: Denoised,
    fresh_noise: Float[Array, "b h w c"],
) -> Float[Array, "b h w c"]:
    """A draw of the step before `step` from x at `step` and what the network said of it.

    The picture that the network's noise leaves is clipped to [-1, 1], as guided-diffusion does by default.
    """
    clean = jnp.clip((x - diffusion.noise[step] * denoised.noise) / diffusion.signal[step], -1, 1)
    mean = diffusion.clean_weight[step] * clean + diffusion.noisy_weight[step] * x
    share = (denoised.variance + 1) / 2
    log_variance = share * diffusion.largest_log_variance[step] + (1 - share) * diffusion.smallest_log_variance[step]
    return mean + jnp.where(step > 0, jnp.exp(log_variance / 2) * fresh_noise, 0)


def picture_before(
    diffusion: Diffusion, step: Int[Array, ""], images: Float[Array, "b h w c"], fresh_noise: Float[Array, "b h w c"]
) -> Float[Array, "b h w c"]:
    """`images` with as much noise as the step before `step` has; before step 0, none."""
    return diffusion.signal_before[step] * images + diffusion.noise_before[step] * fresh_noise


def step_forth(
    diffusion: Diffusion, step: Int[Array, ""], x: Float[Array, "b h w c"], fresh_noise: Float[Array, "b h w c"]
) -> Float[Array, "b h w c"]:
    """A draw of `step` from x at the step before it."""
    beta = diffusion.betas[step]
    return jnp.sqrt(1 - beta) * x + jnp.sqrt(beta) * fresh_noise
