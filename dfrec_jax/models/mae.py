"""The masked autoencoder inside the TIRM: G_enc and G_dec of Eq. 1 (after MAE, He et al. 2022)."""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
from einops import rearrange
from jaxtyping import Array, Float, Int

from dfrec_jax.nets import initialisation
from dfrec_jax.nets.changes import changed, without_grid
from dfrec_jax.nets.patches import fold, gather_rows, patchify, prepend, put_rows, sincos_positions, unfold
from dfrec_jax.nets.transformer import Transformer, VitSize
from dfrec_jax.nets.unet import ConvBlock, UpConv


class TokenPositions(nn.Module):
    """Adds a position to each token: the class token, then the patches in the order of the grid.

    Attributes:
      learned: a stored table, as the released checkpoint has it; otherwise MAE's fixed sines and cosines, the class
        token at zero.
    """

    learned: bool = False

    @nn.compact
    def __call__(self, tokens: Float[Array, "b t d"]) -> Float[Array, "b t d"]:
        """Takes the tokens of a square grid. Raises ValueError for any other."""
        num_tokens, width = tokens.shape[1:]
        if self.learned:
            return tokens + self.param("table", initialisation.token, (1, num_tokens, width)).astype(tokens.dtype)
        side = round((num_tokens - 1) ** 0.5)
        if side * side != num_tokens - 1:
            raise ValueError(f"{num_tokens - 1} patches: fixed positions are those of a square grid")
        table = np.concatenate([np.zeros((1, width), np.float32), sincos_positions(side, side, width)])
        return tokens + jnp.asarray(table, tokens.dtype)[None]


class MaskedEncoder(nn.Module):
    """G_enc of Eq. 1: a ViT that sees a selection of its tokens only (MAE, He et al. 2022).

    Attributes:
      size: of the transformer; ViT-L's by default.
      learned_positions: see `TokenPositions`.
      remat: recompute each block in the backward pass.
      dtype: of the computation; parameters stay float32.
    """

    size: VitSize = VitSize(1024, 24, 16)
    learned_positions: bool = False
    remat: bool = False
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(
        self, patches: Float[Array, "b n d"], idx_tokens: Int[Array, "b k"] | None = None
    ) -> Float[Array, "b k e"]:
        """Encodes the tokens at `idx_tokens`, all where it is None; token 0 is the class token, i + 1 is patch i."""
        width, depth, num_heads = self.size
        tokens = nn.Dense(width, kernel_init=initialisation.DENSE, dtype=self.dtype, name="patch_embedding")(patches)
        tokens = prepend(self.param("class_token", initialisation.token, (1, 1, width)), tokens)
        tokens = TokenPositions(self.learned_positions, name="positions")(tokens)
        if idx_tokens is not None:
            tokens = gather_rows(tokens, idx_tokens)
        return Transformer(depth, num_heads, self.dtype, self.remat, name="transformer")(tokens)


class IdentityFusionDecoder(nn.Module):
    """G_dec of Eq. 1: encoded tokens with f_t beside them; masked tokens are filled in and become pixels.

    Attributes:
      patch_size: rho, side of a patch in pixels.
      size: of the transformer.
      pixels: 'linear', a linear map from each masked token to its patch, as MAE has it, or 'unet', `UNetPixels`.
      learned_positions: see `TokenPositions`.
      remat: recompute each block in the backward pass.
      dtype: of the computation; parameters and the prediction stay float32.
    """

    patch_size: int
    size: VitSize = VitSize(512, 4, 16)
    pixels: str = "linear"
    learned_positions: bool = False
    remat: bool = False
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(
        self,
        fused_tokens: Float[Array, "b k f"],
        idx_keep: Int[Array, "b k"],
        idx_mask: Int[Array, "b m"],
        num_tokens: int,
        masked_rows: Float[Array, "b m t"] | None = None,
        levels: tuple[Array, ...] | None = None,
        source_map: Float[Array, "b h w 1"] | None = None,
        identity: Float[Array, "b e"] | None = None,
        *,
        train: bool = False,
    ) -> Float[Array, "b m d"]:
        """Predicts the pixels, in (0, 1), of the tokens at `idx_mask`; both index sets address tokens.

        `masked_rows` are the target tokens of the masked patches, where the fusion uses them; `levels` and `source_map`
        are those of `UNetPixels`, for which token i + 1 is patch i of a grid. `identity`, zeros or an embedding of unit
        length, is added to every token and modulates `UNetPixels`; at the start of training it changes nothing.
        """
        width, depth, num_heads = self.size
        known = nn.Dense(width, kernel_init=initialisation.DENSE, dtype=self.dtype, name="fusion")(fused_tokens)
        mask_token = self.param("mask_token", initialisation.token, (1, 1, width)).astype(known.dtype)
        tokens = jnp.broadcast_to(mask_token, (known.shape[0], num_tokens, width))
        if masked_rows is not None:
            hints = nn.Dense(width, kernel_init=initialisation.DENSE, dtype=self.dtype, name="masked_fusion")
            tokens = put_rows(tokens, idx_mask, mask_token + hints(masked_rows))
        tokens = put_rows(tokens, idx_keep, known)
        if identity is not None:
            identity = identity * identity.shape[-1] ** 0.5  # entries of order one
            shift = nn.Dense(width, kernel_init=nn.initializers.zeros, dtype=self.dtype, name="identity")(identity)
            tokens = tokens + shift[:, None]
        tokens = TokenPositions(self.learned_positions, name="positions")(tokens)
        tokens = Transformer(depth, num_heads, self.dtype, self.remat, name="transformer")(tokens)
        if self.pixels == "linear":
            masked = gather_rows(tokens, idx_mask)
            num_values = 3 * self.patch_size**2
            return nn.sigmoid(nn.Dense(num_values, kernel_init=initialisation.DENSE, name="to_pixels")(masked))
        if levels is None or source_map is None:
            raise ValueError("pixels='unet' takes the levels of the SIRM and the source map, and got none")
        grid = rearrange(tokens[:, 1:], "b (i j) d -> b i j d", j=levels[-1].shape[2])
        picture = UNetPixels(self.dtype, name="to_pixels")(grid, levels, source_map, identity, train=train)
        return gather_rows(patchify(picture, self.patch_size), idx_mask - 1)


class UNetPixels(nn.Module):
    """From the decoder's tokens to pixels along the SIRM's levels: the way up of a U-Net that ends on the image itself.

    Training starts with the image as it is; what is learned is what to change in it, as far as the map says that a
    pixel is source: elsewhere the image is the target.

    Attributes:
      dtype: of the computation; parameters and the picture stay float32.
    """

    dtype: Any = jnp.float32

    @nn.compact
    def __call__(
        self,
        grid: Float[Array, "b i j d"],
        levels: tuple[Array, ...],
        source_map: Float[Array, "b h w 1"],
        identity: Float[Array, "b e"] | None = None,
        *,
        train: bool,
    ) -> Float[Array, "b h w 3"]:
        """Takes tokens on the grid of the last of `levels` (`SirmOutput.target_levels`); returns RGB in (0, 1)."""
        image, *skips, target = levels
        features, stem = [skip.shape[-1] for skip in skips], image.shape[1] // skips[0].shape[1]
        skips[0] = jnp.concatenate([fold(image, stem), skips[0]], axis=-1)
        x = jnp.concatenate([grid, target], axis=-1)
        for level, skip in reversed(list(enumerate(skips))):
            x = UpConv(features[level], self.dtype, name=f"up_{level}")(x, train=train)
            if identity is not None:
                x = self._modulated(x, identity, f"identity_{level}")
            x = jnp.concatenate([skip, x], axis=-1)
            x = ConvBlock(features[level], self.dtype, name=f"decode_{level}")(x, train=train)
        changes = nn.Conv(3 * stem**2, (1, 1), kernel_init=nn.initializers.zeros, name="to_rgb")(x)
        return changed(image, source_map * without_grid(unfold(changes, stem), stem))

    def _modulated(self, x: Float[Array, "b h w c"], identity: Float[Array, "b e"], name: str) -> Array:
        """Each channel scaled and shifted by the identity (FiLM, Perez et al. 2018)."""
        numbers = nn.Dense(2 * x.shape[-1], kernel_init=nn.initializers.zeros, dtype=self.dtype, name=name)(identity)
        scale, shift = jnp.split(numbers[:, None, None], 2, axis=-1)
        return x * (1 + scale) + shift
