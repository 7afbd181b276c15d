"""RePaint (Lugmayr et al., CVPR 2022): inpainting by a diffusion model that never saw a mask.

Written from the paper's Algorithm 1 and its description of jumps.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from dfrec_jax.baselines.adm_unet import AdmUnet, Denoised
from dfrec_jax.baselines.diffusion import Diffusion, picture_before, step_back, step_forth

Denoiser = Callable[[Float[Array, "b h w 3"], Int[Array, " b"]], Denoised]


class Resampling(NamedTuple):
    """How the way back to the picture is walked; the defaults are the paper's for faces.

    Attributes:
      num_steps: of the diffusion.
      jump_length: steps between the places from which the walk jumps back towards noise, and of each jump.
      num_resamples: how often each stretch between two such places is walked; 1 never jumps.
    """

    num_steps: int = 250
    jump_length: int = 10
    num_resamples: int = 10

    def times(self) -> np.ndarray:
        """The steps in the order in which they are reached, from num_steps - 1, pure noise, to -1, the picture.

        Where the next is lower the network is asked, where it is higher noise is added.

        Raises:
          ValueError: for a field below 1.
        """
        for name, value in self._asdict().items():
            if value < 1:
                raise ValueError(f"{name}={value}: must be 1 or more")
        times = []
        for step in reversed(range(self.num_steps)):
            times.append(step)
            if step % self.jump_length == 0 and step + self.jump_length < self.num_steps:
                up = range(step + 1, step + self.jump_length + 1)
                times += [*up, *reversed(range(step, up[-1]))] * (self.num_resamples - 1)
        return np.array([*times, -1], np.int32)


def repaint(
    denoise: Denoiser,
    keys: Key[Array, " b"],
    images: Float[Array, "b h w 3"],
    is_known: Float[Array, "b h w 1"],
    diffusion: Diffusion,
    times: Int[Array, " s"],
) -> Float[Array, "b h w 3"]:
    """Draws what may stand where `images` are not known (Algorithm 1); all noise is of an example's own key.

    After each step back the known pixels are set to the picture's, with the noise that is due there, so that the next
    step fits the rest to them; some steps forth, and back again, let the rest settle. Known pixels end as they were, to
    the bit. The paper gives a step forth the variance of the step before; here it is the diffusion's own.

    Args:
      denoise: the network: noisy pictures and their times -> noise and variance. Its weights must reach it through the
        arguments of the jitted caller; jit would write those of a closure into the program.
      keys: one for each example, so that it gets the same draw alone and in any batch.
      images: RGB in [-1, 1]; where not known, of no effect.
      is_known: 1 where a pixel is kept, 0 where it is drawn; between them the two are mixed.
      diffusion: as many steps as `times` begins with, and one.
      times: of `Resampling.times`.
    """

    def draw(index: Int[Array, ""]) -> Float[Array, "b h w 3"]:
        fold = jax.vmap(jax.random.fold_in, (0, None))
        return jax.vmap(lambda key: jax.random.normal(key, images.shape[1:]))(fold(keys, index))

    def back(x: Array, step: Array, index: Array) -> Array:
        denoised = denoise(x, jnp.full(x.shape[:1], diffusion.timesteps[step]))
        drawn = step_back(diffusion, step, x, denoised, draw(2 * index))
        known = picture_before(diffusion, step, images, draw(2 * index + 1))
        return is_known * known + (1 - is_known) * drawn

    def forth(x: Array, step: Array, index: Array) -> Array:
        return step_forth(diffusion, step + 1, x, draw(2 * index))

    def move(x: Array, between: tuple[Array, Array, Array]) -> tuple[Array, None]:
        step, next_step, index = between
        return jax.lax.cond(next_step < step, back, forth, x, step, index), None

    num_moves = times.shape[0] - 1
    moves = (times[:-1], times[1:], jnp.arange(num_moves))
    return jax.lax.scan(move, draw(jnp.array(2 * num_moves)), moves)[0]


def recover(
    network: AdmUnet,
    variables: Any,
    keys: Key[Array, " b"],
    images: Float[Array, "b h w 3"],
    is_known: Float[Array, "b h w 1"],
    diffusion: Diffusion,
    times: Int[Array, " s"],
) -> Float[Array, "b h w 3"]:
    """As `repaint`, of RGB in [0, 1] by a trained network, in [0, 1]; to be jitted with `network` static."""

    def denoise(x: Array, timesteps: Array) -> Denoised:
        denoised: Any = network.apply(variables, x, timesteps)
        return denoised

    painted = repaint(denoise, keys, 2 * images - 1, is_known, diffusion, times)
    return is_known * images + (1 - is_known) * jnp.clip((painted + 1) / 2, 0, 1)
