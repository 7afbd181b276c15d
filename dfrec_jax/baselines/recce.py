"""RECCE (Cao et al., CVPR 2022): a detector of forgeries that learns to reconstruct real faces alone.

Its reconstruction of a forgery is what tables of recovered targets compare. The names of tensors are those of its
authors' checkpoint (MIT); its layers stand in `xception.py` and `reasoning.py`, its losses in `recce_losses.py`.
"""

from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from dfrec_jax.baselines.reasoning import GraphReasoning, GuidedAttention, reasoning_rules
from dfrec_jax.baselines.xception import SeparableConv, XceptionBlock, block_rules, separable_rules
from dfrec_jax.nets import initialisation
from dfrec_jax.nets.normalisation import batch_norm
from dfrec_jax.nets.resize import resize_align_corners
from dfrec_jax.weights.layers import COUNTERS, convolution, dense
from dfrec_jax.weights.layers import batch_norm as batch_norm_rules
from dfrec_jax.weights.rules import Rule

IMAGE_SIZE = 299  # pixels of the published network's faces
NOISE = 1e-6  # deviation, as published: next to nothing on a scale of -1 to 1


class RecceOutput(NamedTuple):
    """What RECCE finds in a face, and what its losses look at."""

    logit: Float[Array, " b"]  # above 0: forged
    reconstruction: Float[Array, "b h w 3"]  # in [-1, 1]
    pooled: tuple[Array, ...]  # [b, _] each: the embedding and the decoder's features at twice and four times its grid


class Recce(nn.Module):
    """Xception with a decoder on its fourth block, whose features and failures are read on the way to the verdict.

    In training it draws from the streams `noise` and `dropout`.

    Attributes:
      width: multiplies the channels of every layer; 1 is the published size.
      drop_rate: of every dropout.
      dtype: of the computation; parameters and outputs stay float32.
    """

    width: float = 1.0
    drop_rate: float = 0.2
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, image: Float[Array, "b h w 3"], *, train: bool) -> RecceOutput:
        """Takes RGB in [-1, 1] of at least 32 px."""
        x = noisy(image, self.make_rng("noise")) if train else image
        embedding = self._entry_flow(x, train)
        reconstruction, at_twice, at_four_times = self._reconstruct(embedding, image.shape[1:3], train)
        x = self._blocks(embedding, range(5, 8), train)
        x += GraphReasoning(self._channels(256), self.drop_rate, self.dtype, name="reasoning")(
            x, at_twice, at_four_times, train=train
        )
        x = self._blocks(x, range(8, 9), train)
        failure = jnp.abs(image - reconstruction)
        x = GuidedAttention(self.drop_rate, self.dtype, name="attention")(x, failure, train=train)
        x = self._blocks(x, range(9, 12), train)
        pooled = _pool(self._exit_flow(x, train))
        logit = nn.Dense(1, kernel_init=initialisation.CONV, name="logit")(self._dropout(pooled, train))
        return RecceOutput(logit[:, 0], reconstruction, tuple(map(_pool, (embedding, at_twice, at_four_times))))

    def _entry_flow(self, x: Float[Array, "b h w 3"], train: bool) -> Float[Array, "b i j c"]:
        """The stem and blocks 1 to 4: a sixteenth of the image's grid."""
        for index, (channels, stride) in enumerate(((32, 2), (64, 1)), start=1):
            conv = nn.Conv(
                self._channels(channels),
                (3, 3),
                (stride, stride),
                "VALID",
                use_bias=False,
                kernel_init=initialisation.BACKBONE_CONV,
                dtype=self.dtype,
                name=f"conv{index}",
            )
            x = nn.relu(batch_norm(train=train, name=f"norm{index}", dtype=self.dtype)(conv(x)))
        for index, channels in enumerate((128, 256, 728), start=1):
            features = (self._channels(channels),) * 2
            x = XceptionBlock(features, 2, index > 1, self.dtype, name=f"block{index}")(x, train=train)
        return self._blocks(x, range(4, 5), train)

    def _blocks(self, x: Float[Array, "b i j c"], indices: range, train: bool) -> Float[Array, "b i j c"]:
        """Blocks of the middle flow, which keep grid and channels."""
        for index in indices:
            x = XceptionBlock((self._channels(728),) * 3, dtype=self.dtype, name=f"block{index}")(x, train=train)
        return x

    def _exit_flow(self, x: Float[Array, "b i j c"], train: bool) -> Float[Array, "b k l d"]:
        """Block 12 and two separable convolutions."""
        features = (self._channels(728), self._channels(1024))
        x = XceptionBlock(features, 2, dtype=self.dtype, name="block12")(x, train=train)
        for index, channels in enumerate((1536, 2048), start=3):
            x = SeparableConv(self._channels(channels), self.dtype, name=f"conv{index}")(x)
            x = nn.relu(batch_norm(train=train, name=f"norm{index}", dtype=self.dtype)(x))
        return x

    def _reconstruct(
        self, embedding: Float[Array, "b i j c"], shape: tuple[int, ...], train: bool
    ) -> tuple[Float[Array, "b h w 3"], Float[Array, "b 2*i 2*j d"], Float[Array, "b 4*i 4*j e"]]:
        """The face that the embedding stands for, and the features at twice and four times the embedding's grid."""
        x, seen = self._dropout(embedding, train), []
        for index, channels in enumerate((256, 128, 64)):
            x = SeparableConv(self._channels(channels), self.dtype, name=f"up_{index}_conv")(_doubled(x))
            x = nn.relu(batch_norm(train=train, name=f"up_{index}_norm", dtype=self.dtype)(x))
            if channels > 64:
                x = XceptionBlock(x.shape[-1:] * 3, dtype=self.dtype, name=f"decode_{index}")(x, train=train)
                seen.append(x)
        to_rgb = nn.Conv(3, (1, 1), use_bias=False, kernel_init=initialisation.CONV, name="to_rgb")
        reconstruction = resize_align_corners(jnp.tanh(to_rgb(x)), shape)
        return reconstruction, seen[0], seen[1]

    def _channels(self, published: int) -> int:
        return max(1, round(self.width * published))

    def _dropout(self, x: Array, train: bool) -> Array:
        return nn.Dropout(self.drop_rate, deterministic=not train)(x)


def noisy(image: Float[Array, "b h w 3"], key: Array) -> Float[Array, "b h w 3"]:
    """The image in [-1, 1] with white noise of deviation `NOISE`, which half of the examples get."""
    key_choice, key_noise = jax.random.split(key)
    is_chosen = jax.random.bernoulli(key_choice, 0.5, (image.shape[0], 1, 1, 1))
    noise = NOISE * jax.random.normal(key_noise, image.shape, image.dtype)
    return jnp.clip(image + is_chosen * noise, -1, 1)


def recover(network: Recce, variables: Any, images: Float[Array, "b h w 3"]) -> Float[Array, "b h w 3"]:
    """What `network` makes of RGB faces in [0, 1] of the size that it was trained on, in [0, 1]."""
    output: Any = network.apply(variables, 2 * images - 1, train=False)
    return jnp.clip((output.reconstruction + 1) / 2, 0, 1)


def _doubled(x: Float[Array, "b i j c"]) -> Float[Array, "b 2*i 2*j c"]:
    return jnp.repeat(jnp.repeat(x, 2, axis=1), 2, axis=2)


def _pool(features: Float[Array, "b i j c"]) -> Float[Array, "b c"]:
    return jnp.mean(features, axis=(1, 2), dtype=jnp.float32)


def _decoder_rules() -> tuple[Rule, ...]:
    """Three doublings, with a block behind the first two; the authors number all of them in a row."""
    rules = convolution(r"decoder6\.0", "to_rgb")
    for index in range(3):
        rules += separable_rules(rf"decoder{2 * index + 1}\.1", f"up_{index}_conv")
        rules += batch_norm_rules(rf"decoder{2 * index + 1}\.2", f"up_{index}_norm")
    for index in range(2):
        rules += block_rules(f"decoder{2 * index + 2}", f"decode_{index}")
    return rules


RULES: tuple[Rule, ...] = (
    *convolution(r"encoder\.conv([12])", r"conv\1"),
    *separable_rules(r"encoder\.conv([34])", r"conv\1"),
    *batch_norm_rules(r"encoder\.bn(\d)", r"norm\1"),
    *block_rules(r"encoder\.block(1)", r"block\1", starts_with_relu=False),
    *block_rules(r"encoder\.block(\d+)", r"block\1"),
    *_decoder_rules(),
    *reasoning_rules(),
    Rule(r"encoder\.fc\..*", None, reason="the ImageNet classifier, which RECCE does not use"),
    *dense("fc", "logit"),
    COUNTERS,
)
