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
      token_features: channels of the last block on f_t, which become the target tokens; 0 where the TIRM takes none.
      token_axis: 'position' makes a token of each place of the bottleneck's grid, `token_features` wide; 'channel'
        makes one of each channel, its values over the grid flattened, as released.
      stem: side of the squares of pixels that are one place of the first level: 1 as released; 2 halves every grid, and
        the last convolution says what each pixel of a square becomes.
      residual: the network sees the image beside the source region, and the source face starts as a copy of it: what to
        change is learned, where the map says that a pixel is source.
      dtype: of the computation; parameters and outputs stay float32.
    """

    features: tuple[int, ...] = (32, 64, 128, 256)
    bottleneck: int = 1024
    token_features: int = 196
    token_axis: str = "position"
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
        x = jnp.concatenate([source_region, image], axis=-1) - 0.5 if self.residual else source_region
        x, skips = fold(x, self.stem), []
        for level, features in enumerate(self.features):
            x = ConvBlock(features, self.dtype, name=f"encode_{level}")(x, train=train)
            skips.append(x)
            x = max_pool(x)
        x = ConvBlock(self.bottleneck, self.dtype, name="bottleneck")(x, train=train)
        source, target = jnp.split(x, 2, axis=-1)

        x = source
        for level, features in reversed(list(enumerate(self.features))):
            x = UpConv(features, self.dtype, name=f"up_{level}")(x, train=train)
            skip = AttentionGate(features // 2, self.dtype, name=f"gate_{level}")(x, skips[level], train=train)
            x = jnp.concatenate([skip, x], axis=-1)
            x = ConvBlock(features, self.dtype, name=f"decode_{level}")(x, train=train)
        start = nn.initializers.zeros if self.residual else initialisation.CONV
        logits = unfold(nn.Conv(3 * self.stem**2, (1, 1), kernel_init=start, name="to_rgb")(x), self.stem)
        if self.residual:
            source_face = changed(image, source_map * without_grid(logits, self.stem))
        else:
            source_face = nn.sigmoid(logits)
        return SirmOutput(
            source_face, _pool(source), _pool(target), self._target_tokens(target, train), (image, *skips, target)
        )

    def _target_tokens(self, target: Float[Array, "b i j c"], train: bool) -> Float[Array, "b k t"] | None:
        if not self.token_features:
            return None
        maps = ConvBlock(self.token_features, self.dtype, name="target_tokens")(target, train=train)
        pattern = "b i j d -> b (i j) d" if self.token_axis == "position" else "b i j k -> b k (i j)"
        return rearrange(maps.astype(jnp.float32), pattern)


def _pool(features: Float[Array, "b i j c"]) -> Float[Array, "b c"]:
    return jnp.mean(features, axis=(1, 2), dtype=jnp.float32)
