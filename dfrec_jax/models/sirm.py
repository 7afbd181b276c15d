"""Source Identity Recovery Module (Sec. III-C): the source face, and what is left of the target's identity."""

from typing import Any, NamedTuple

import flax.linen as nn
import jax.numpy as jnp
from einops import rearrange
from jaxtyping import Array, Float

from dfrec_jax.nets import initialisation
from dfrec_jax.nets.changes import changed, without_grid
from dfrec_jax.nets.normalisation import batch_norm
from dfrec_jax.nets.patches import fold, unfold
from dfrec_jax.nets.pooling import max_pool
from dfrec_jax.nets.unet import ConvBlock, UpConv


class SirmOutput(NamedTuple):
    """What the SIRM finds in a source region."""

    source_face: Float[Array, "b h w 3"]  # recovered, in (0, 1)
    source_features: Float[Array, "b f"]  # f_s, pooled over the bottleneck
    target_features: Float[Array, "b f"]  # f_t, pooled over the bottleneck
    target_tokens: Float[Array, "b k t"] | None  # f_t as the TIRM takes it, never negative; None where it takes none
    target_levels: tuple[Array, ...]  # f_t and what stands above it, [b, h, w, _]: the image, each level, f_t's grid


class TargetTokens(NamedTuple):
    """What a last block on f_t makes for the TIRM."""

    features: int = 196  # channels of that block
    axis: str = "position"  # a token of each place of f_t's grid, or, as released, of each 'channel', over the grid


class AttentionGate(nn.Module):
    """Gate on one skip connection of the SIRM's decoder (the triangles of Fig. 2).

    As released, and unlike Attention U-Net, a second sigmoid of the skip alone is added to the gate, so that the factor
    lies in (0, 2).

    Attributes:
      features: hidden channels.
      dtype: of the computation; parameters stay float32.
    """

    features: int
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(
        self, gate: Float[Array, "b h w g"], skip: Float[Array, "b h w c"], *, train: bool
    ) -> Float[Array, "b h w c"]:
        """Returns `skip`, each pixel scaled."""

        def conv_norm(x: Array, features: int, name: str) -> Array:
            x = nn.Conv(features, (1, 1), kernel_init=initialisation.CONV, dtype=self.dtype, name=f"{name}_conv")(x)
            return batch_norm(train=train, name=f"{name}_norm", dtype=self.dtype)(x)

        joint = nn.relu(conv_norm(gate, self.features, "gate") + conv_norm(skip, self.features, "skip"))
        joint = nn.sigmoid(conv_norm(joint, 1, "psi"))
        own = nn.Conv(1, (1, 1), kernel_init=initialisation.CONV, use_bias=False, dtype=self.dtype, name="own_psi")(
            conv_norm(skip, self.features, "own")
        )
        return skip * (joint + nn.sigmoid(own))


class Sirm(nn.Module):
    """A U-Net whose bottleneck is split: the first half, f_s, decodes to the source face, the second is f_t.

    Attributes:
      features: channels of each level above the bottleneck, finest first.
      bottleneck: channels of f_s and f_t together.
      tokens: the target tokens; None where the TIRM takes none.
      stem: side of the squares of pixels that are one place of the first level: 1 as released; 2 halves every grid, and
        the last convolution says what each pixel of a square becomes.
      residual: the network sees the image beside the source region, and the source face starts as a copy of it: what to
        change is learned, where the map says that a pixel is source.
      dtype: of the computation; parameters and outputs stay float32.
    """

    features: tuple[int, ...] = (32, 64, 128, 256)
    bottleneck: int = 1024
    tokens: TargetTokens | None = TargetTokens()
    stem: int = 1
    residual: bool = False
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(
        self,
        source_region: Float[Array, "b h w 3"],
        image: Float[Array, "b h w 3"] | None = None,
        source_map: Float[Array, "b h w 1"] | float = 1.0,
        *,
        train: bool,
    ) -> SirmOutput:
        """Takes I_src^seg, RGB in [0, 1], whose sides are multiples of stem * 2 ** len(features).

        `image` is I, the first of `target_levels`, the region where it is None; with m_s, `source_map`, a `residual`
        source is made from it.
        """
        image = source_region if image is None else image
        f, skips = self._encode(source_region, image, train)
        f_s, f_t = jnp.split(f, 2, axis=-1)
        return SirmOutput(
            source_face=self._decode(f_s, skips, image, source_map, train),
            source_features=_pool(f_s),
            target_features=_pool(f_t),
            target_tokens=self._target_tokens(f_t, train),
            target_levels=(image, *skips, f_t),
        )

    def _encode(self, source_region: Array, image: Array, train: bool) -> tuple[Array, list[Array]]:
        """The bottleneck, and each level above it, finest first."""
        x = jnp.concatenate([source_region, image], axis=-1) - 0.5 if self.residual else source_region
        x, skips = fold(x, self.stem), []
        for level, features in enumerate(self.features):
            x = ConvBlock(features, self.dtype, name=f"encode_{level}")(x, train=train)
            skips.append(x)
            x = max_pool(x)
        return ConvBlock(self.bottleneck, self.dtype, name="bottleneck")(x, train=train), skips

    def _decode(
        self, x: Array, skips: list[Array], image: Array, source_map: Array | float, train: bool
    ) -> Float[Array, "b h w 3"]:
        """The source face of f_s and the gated skips."""
        for level, features in reversed(list(enumerate(self.features))):
            x = UpConv(features, self.dtype, name=f"up_{level}")(x, train=train)
            skip = AttentionGate(features // 2, self.dtype, name=f"gate_{level}")(x, skips[level], train=train)
            x = jnp.concatenate([skip, x], axis=-1)
            x = ConvBlock(features, self.dtype, name=f"decode_{level}")(x, train=train)
        start = nn.initializers.zeros if self.residual else initialisation.CONV
        logits = unfold(nn.Conv(3 * self.stem**2, (1, 1), kernel_init=start, name="to_rgb")(x), self.stem)
        if self.residual:
            return changed(image, source_map * without_grid(logits, self.stem))
        return nn.sigmoid(logits)

    def _target_tokens(self, f_t: Float[Array, "b i j c"], train: bool) -> Float[Array, "b k t"] | None:
        if self.tokens is None:
            return None
        maps = ConvBlock(self.tokens.features, self.dtype, name="target_tokens")(f_t, train=train)
        pattern = "b i j d -> b (i j) d" if self.tokens.axis == "position" else "b i j k -> b k (i j)"
        return rearrange(maps.astype(jnp.float32), pattern)


def _pool(features: Float[Array, "b i j c"]) -> Float[Array, "b c"]:
    return jnp.mean(features, axis=(1, 2), dtype=jnp.float32)
