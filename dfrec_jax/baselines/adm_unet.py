"""The ADM U-Net (Dhariwal and Nichol 2021), which RePaint denoises with.

Architecture and names of tensors are openai/guided-diffusion's (MIT), with the settings that RePaint's networks share:
scale-shift norms, resampling in residual blocks, learned variances, no classes.
"""

from typing import Any, NamedTuple

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from dfrec_jax.baselines.adm_blocks import GridAttention, ResidualBlock, conv, group_norm, time_features
from dfrec_jax.nets import initialisation
from dfrec_jax.weights.layers import convolution, dense
from dfrec_jax.weights.rules import Rule


class Denoised(NamedTuple):
    """What the network says of a noisy picture."""

    noise: Float[Array, "b h w 3"]  # epsilon
    variance: Float[Array, "b h w 3"]  # about -1 to 1: from the smallest that the step back may have to the largest


class AdmUnet(nn.Module):
    """Residual blocks down to the smallest grid and up again, each step up joined by what left at its step down.

    Attributes:
      image_size: side of the pictures, a multiple of 2 ** (number of levels - 1).
      features: channels of the first level.
      multipliers: of `features`, one for each level.
      num_blocks: residual blocks of a level on the way down; one more on the way up.
      attention_sides: grids that have this side attend to themselves; the smallest always does.
      head_features: channels of an attention head, a divisor of those levels' channels.
      drop_rate: of every residual block.
      dtype: of the computation; parameters, norms, softmax and outputs stay float32.
    """

    image_size: int = 256
    features: int = 256
    multipliers: tuple[int, ...] = (1, 1, 2, 2, 4, 4)
    num_blocks: int = 2
    attention_sides: tuple[int, ...] = (32, 16, 8)
    head_features: int = 64
    drop_rate: float = 0.0
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Float[Array, "b h w 3"], timesteps: Int[Array, " b"], *, train: bool = False) -> Denoised:
        """Takes noisy RGB, pictures in [-1, 1] before the noise, and their times among those of training.

        Raises:
          ValueError: for pictures of another size than `image_size`.
        """
        if x.shape[1:3] != (self.image_size, self.image_size):
            raise ValueError(f"this network takes pictures of {self.image_size} px a side, not {x.shape[1:3]}")
        time = self._embed(timesteps)
        x, skips = self._down(x, time, train)
        x = self._up(self._middle(x, time, train), skips, time, train)
        x = nn.silu(group_norm(x, "norm_out"))
        noise, variance = jnp.split(conv(6, "to_rgb", jnp.float32, starts_at_zero=True)(x), 2, axis=-1)
        return Denoised(noise, variance)

    def _embed(self, timesteps: Int[Array, " b"]) -> Float[Array, "b t"]:
        """What the residual blocks are told of the time."""
        hidden = time_features(timesteps.astype(jnp.float32), self.features)
        for name in ("time_in", "time_out"):
            hidden = nn.silu(hidden) if name == "time_out" else hidden
            hidden = nn.Dense(4 * self.features, kernel_init=initialisation.CONV, dtype=self.dtype, name=name)(hidden)
        return hidden

    def _down(self, x: Array, time: Array, train: bool) -> tuple[Array, list[Array]]:
        """The smallest grid, and what every step on the way leaves behind."""
        x = conv(self.features, "input_0", self.dtype)(x)
        skips = [x]
        for level, multiplier in enumerate(self.multipliers):
            for _ in range(self.num_blocks):
                x = self._block(multiplier * self.features, f"input_{len(skips)}")(x, time, train=train)
                skips.append(self._attend(x, level, f"input_{len(skips)}_attention"))
                x = skips[-1]
            if level < len(self.multipliers) - 1:
                x = self._block(x.shape[-1], f"input_{len(skips)}", "down")(x, time, train=train)
                skips.append(x)
        return x, skips

    def _middle(self, x: Array, time: Array, train: bool) -> Float[Array, "b i j c"]:
        x = self._block(x.shape[-1], "middle_0")(x, time, train=train)
        x = GridAttention(self.head_features, self.dtype, name="middle_attention")(x)
        return self._block(x.shape[-1], "middle_2")(x, time, train=train)

    def _up(self, x: Array, skips: list[Array], time: Array, train: bool) -> Float[Array, "b h w c"]:
        """Back to the first grid, by what the way down left, the last of it first."""
        remaining, index = list(skips), 0
        for level, multiplier in reversed(list(enumerate(self.multipliers))):
            for _ in range(self.num_blocks + 1):
                joined = jnp.concatenate([x, remaining.pop()], axis=-1)
                x = self._block(multiplier * self.features, f"output_{index}")(joined, time, train=train)
                x = self._attend(x, level, f"output_{index}_attention")
                index += 1
            if level:
                x = self._block(x.shape[-1], f"output_{index - 1}_up", "up")(x, time, train=train)
        return x

    def _block(self, features: int, name: str, resampling: str = "none") -> ResidualBlock:
        return ResidualBlock(features, resampling, self.drop_rate, self.dtype, name=name)

    def _attend(self, x: Array, level: int, name: str) -> Array:
        if self.image_size // 2**level not in self.attention_sides:
            return x
        return GridAttention(self.head_features, self.dtype, name=name)(x)


def _norm(source: str, target: str) -> tuple[Rule, ...]:
    return (Rule(rf"{source}\.weight", f"params/{target}/scale"), Rule(rf"{source}\.bias", f"params/{target}/bias"))


def _residual(source: str, target: str) -> tuple[Rule, ...]:
    return (
        *_norm(rf"{source}\.in_layers\.0", f"{target}/norm_in"),
        *convolution(rf"{source}\.in_layers\.2", f"{target}/conv_in"),
        *dense(rf"{source}\.emb_layers\.1", f"{target}/time"),
        *_norm(rf"{source}\.out_layers\.0", f"{target}/norm_out"),
        *convolution(rf"{source}\.out_layers\.3", f"{target}/conv_out"),
        *convolution(rf"{source}\.skip_connection", f"{target}/shortcut"),
    )


def _attention(source: str, target: str) -> tuple[Rule, ...]:
    rules = _norm(rf"{source}\.norm", f"{target}/norm")
    for theirs, ours in (("qkv", "qkv"), ("proj_out", "out")):
        kernel = Rule(
            rf"{source}\.{theirs}\.weight", f"params/{target}/{ours}/kernel", lambda kernel: kernel[:, :, 0].T
        )
        rules += (kernel, Rule(rf"{source}\.{theirs}\.bias", f"params/{target}/{ours}/bias"))
    return rules


# A step of the way down or up holds, in a row: a residual block, attention where its level has it, and, at the end of a
# level on the way up, a second residual block, which enlarges. So a residual block behind a first one enlarges.
RULES: tuple[Rule, ...] = (
    *dense(r"time_embed\.0", "time_in"),
    *dense(r"time_embed\.2", "time_out"),
    *convolution(r"input_blocks\.0\.0", "input_0"),
    *_residual(r"(input|output)_blocks\.(\d+)\.0", r"\1_\2"),
    *_attention(r"(input|output)_blocks\.(\d+)\.1", r"\1_\2_attention"),
    *_residual(r"output_blocks\.(\d+)\.[12]", r"output_\1_up"),
    *_residual(r"middle_block\.([02])", r"middle_\1"),
    *_attention(r"middle_block\.1", "middle_attention"),
    *_norm(r"out\.0", "norm_out"),
    *convolution(r"out\.2", "to_rgb"),
)
