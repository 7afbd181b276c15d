"""Target Identity Recovery Module (Sec. III-D): the masked patches, recovered from the visible ones and f_t (Eq. 1)."""

from typing import Any, NamedTuple

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
from einops import rearrange
from jaxtyping import Array, Float, Int

from dfrec_jax.models.masking import PatchSplit, patch_scores, semantic_guided_masking
from dfrec_jax.models.sirm import ConvBlock, UpConv
from dfrec_jax.nets import initialisation
from dfrec_jax.nets.changes import changed, without_grid
from dfrec_jax.nets.normalisation import imagenet_normalise
from dfrec_jax.nets.patches import fold, gather_rows, patchify, put_rows, sincos_positions, unfold, unpatchify
from dfrec_jax.nets.transformer import Transformer


class TirmOutput(NamedTuple):
    """What the TIRM makes of an image."""

    target_face: Float[Array, "b h w 3"]  # the input, with the predictions in place of the masked patches
    target_patches: Float[Array, "b m d"]  # the predictions at idx_mask, in (0, 1)
    masked_image: Float[Array, "b h w 3"]  # the input, black where patches are masked
    visible_tokens: Float[Array, "b t e"]  # G_enc(l(x^sv) + p^sv) of Eq. 1, before f_t is concatenated
    split: PatchSplit


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
      width: of the tokens.
      depth: number of blocks.
      num_heads: divides `width`.
      learned_positions: see `TokenPositions`.
      remat: recompute each block in the backward pass.
      dtype: of the computation; parameters stay float32.
    """

    width: int = 1024
    depth: int = 24
    num_heads: int = 16
    learned_positions: bool = False
    remat: bool = False
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(
        self, patches: Float[Array, "b n d"], idx_tokens: Int[Array, "b k"] | None = None
    ) -> Float[Array, "b k e"]:
        """Encodes the tokens at `idx_tokens`, all where it is None; token 0 is the class token, i + 1 is patch i."""
        tokens = nn.Dense(self.width, kernel_init=initialisation.DENSE, dtype=self.dtype, name="patch_embedding")(
            patches
        )
        tokens = _prepend(self.param("class_token", initialisation.token, (1, 1, self.width)), tokens)
        tokens = TokenPositions(self.learned_positions, name="positions")(tokens)
        if idx_tokens is not None:
            tokens = gather_rows(tokens, idx_tokens)
        return Transformer(self.depth, self.num_heads, self.dtype, self.remat, name="transformer")(tokens)


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
            x = jnp.concatenate([skip, x], axis=-1)
            x = ConvBlock(features[level], self.dtype, name=f"decode_{level}")(x, train=train)
        changes = nn.Conv(3 * stem**2, (1, 1), kernel_init=nn.initializers.zeros, name="to_rgb")(x)
        return changed(image, source_map * without_grid(unfold(changes, stem), stem))


class IdentityFusionDecoder(nn.Module):
    """G_dec of Eq. 1: encoded tokens with f_t beside them; masked tokens are filled in and become pixels.

    Attributes:
      patch_size: rho, side of a patch in pixels.
      width: of the decoder's tokens.
      depth: number of blocks.
      num_heads: divides `width`.
      pixels: 'linear', a linear map from each masked token to its patch, as MAE has it, or 'unet', `UNetPixels`.
      learned_positions: see `TokenPositions`.
      remat: recompute each block in the backward pass.
      dtype: of the computation; parameters and the prediction stay float32.
    """

    patch_size: int
    width: int = 512
    depth: int = 4
    num_heads: int = 16
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
        *,
        train: bool = False,
    ) -> Float[Array, "b m d"]:
        """Predicts the pixels, in (0, 1), of the tokens at `idx_mask`; both index sets address tokens.

        `masked_rows` are the target tokens of the masked patches, where the fusion uses them; `levels` and `source_map`
        are those of `UNetPixels`, for which token i + 1 is patch i of a grid.
        """
        known = nn.Dense(self.width, kernel_init=initialisation.DENSE, dtype=self.dtype, name="fusion")(fused_tokens)
        mask_token = self.param("mask_token", initialisation.token, (1, 1, self.width)).astype(known.dtype)
        tokens = jnp.broadcast_to(mask_token, (known.shape[0], num_tokens, self.width))
        if masked_rows is not None:
            hints = nn.Dense(self.width, kernel_init=initialisation.DENSE, dtype=self.dtype, name="masked_fusion")
            tokens = put_rows(tokens, idx_mask, mask_token + hints(masked_rows))
        tokens = put_rows(tokens, idx_keep, known)
        tokens = TokenPositions(self.learned_positions, name="positions")(tokens)
        tokens = Transformer(self.depth, self.num_heads, self.dtype, self.remat, name="transformer")(tokens)
        if self.pixels == "linear":
            masked = gather_rows(tokens, idx_mask)
            num_values = 3 * self.patch_size**2
            return nn.sigmoid(nn.Dense(num_values, kernel_init=initialisation.DENSE, name="to_pixels")(masked))
        if levels is None or source_map is None:
            raise ValueError("pixels='unet' takes the levels of the SIRM and the source map, and got none")
        grid = rearrange(tokens[:, 1:], "b (i j) d -> b i j d", j=levels[-1].shape[2])
        picture = UNetPixels(self.dtype, name="to_pixels")(grid, levels, source_map, train=train)
        return gather_rows(patchify(picture, self.patch_size), idx_mask - 1)


class Tirm(nn.Module):
    """Masks the image by Algorithm 1 and recovers the masked patches by Eq. 1.

    The released code uses one list of patch indices for tokens too, where the class token comes first, so that it shows
    the encoder the patch left of each kept one; `token_index='patch'` repeats that, for the published checkpoint.

    Attributes:
      num_keep: patches that stay visible.
      patch_size: rho, side of a patch in pixels.
      full_map_threshold: see `semantic_guided_masking`.
      patch_threshold: see `semantic_guided_masking`.
      noise_scale: see `semantic_guided_masking`.
      width: of the encoder's tokens.
      depth: of the encoder.
      heads: of the encoder.
      decoder_width: of the decoder's tokens.
      decoder_depth: of the decoder.
      decoder_heads: of the decoder.
      fusion: 'position' takes a target token for each patch and joins those of the kept patches to their embeddings;
        'grid' joins those of the masked patches to the mask tokens as well; 'rank' takes one for each kept patch, in
        the order of `idx_keep`; 'none' takes none (Table VI).
      pixels: see `IdentityFusionDecoder`; 'unet' with 'position' or 'grid' only.
      token_index: 'shifted' (patch i is token i + 1, the class token always visible) or 'patch'.
      learned_positions: see `TokenPositions`.
      imagenet_norm: whether the encoder sees pixels normalised by ImageNet's mean and deviation.
      remat: recompute each block in the backward pass.
      dtype: of the computation; parameters and outputs stay float32.
    """

    num_keep: int
    patch_size: int = 16
    full_map_threshold: float = 0.9
    patch_threshold: float = 0.5
    noise_scale: float = 0.1
    width: int = 1024
    depth: int = 24
    heads: int = 16
    decoder_width: int = 512
    decoder_depth: int = 4
    decoder_heads: int = 16
    fusion: str = "position"
    pixels: str = "linear"
    token_index: str = "shifted"
    learned_positions: bool = False
    imagenet_norm: bool = False
    remat: bool = False
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(
        self,
        image: Float[Array, "b h w 3"],
        source_map: Float[Array, "b h w 1"],
        target_tokens: Float[Array, "b _ t"] | None,
        noise: Float[Array, "b n"],
        levels: tuple[Array, ...] | None = None,
        *,
        train: bool = False,
    ) -> TirmOutput:
        """Recovers the target face.

        Args:
          image: I, RGB in [0, 1].
          source_map: m_s.
          target_tokens: f_t of the SIRM: n rows for 'position' and 'grid', `num_keep` for 'rank', None for 'none'.
          noise: uniform in [0, 1), n values an example.
          levels: `SirmOutput.target_levels`, which 'unet' pixels take; their last grid is that of the patches.
          train: batch statistics of the 'unet' pixels.

        Raises:
          ValueError: where `target_tokens` does not fit `fusion`, and for 'unet' pixels without `levels`.
        """
        split = self.mask(source_map, noise)
        patches = patchify(image, self.patch_size)
        idx_keep, idx_mask = self._token_indices(split)

        pixels = imagenet_normalise(image) if self.imagenet_norm else image
        encoder = MaskedEncoder(
            self.width, self.depth, self.heads, self.learned_positions, self.remat, self.dtype, name="encoder"
        )
        visible_tokens = encoder(patchify(pixels, self.patch_size), idx_keep)

        decoder = IdentityFusionDecoder(
            self.patch_size,
            self.decoder_width,
            self.decoder_depth,
            self.decoder_heads,
            self.pixels,
            self.learned_positions,
            self.remat,
            self.dtype,
            name="decoder",
        )
        fused_tokens = self._fuse(visible_tokens, target_tokens, split)
        masked_rows = None
        if self.fusion == "grid" and target_tokens is not None:
            masked_rows = gather_rows(target_tokens, split.idx_mask)
        target_patches = decoder(
            fused_tokens, idx_keep, idx_mask, patches.shape[1] + 1, masked_rows, levels, source_map, train=train
        )

        num_rows = image.shape[1] // self.patch_size
        recovered = put_rows(patches, split.idx_mask, target_patches)
        masked = put_rows(patches, split.idx_mask, jnp.zeros_like(target_patches))
        return TirmOutput(
            target_face=unpatchify(recovered, self.patch_size, num_rows),
            target_patches=target_patches,
            masked_image=unpatchify(masked, self.patch_size, num_rows),
            visible_tokens=visible_tokens,
            split=split,
        )

    def mask(self, source_map: Float[Array, "b h w 1"], noise: Float[Array, "b n"]) -> PatchSplit:
        """Algorithm 1 with the module's thresholds."""
        return semantic_guided_masking(
            patch_scores(source_map, self.patch_size),
            noise,
            num_keep=self.num_keep,
            full_map_threshold=self.full_map_threshold,
            patch_threshold=self.patch_threshold,
            noise_scale=self.noise_scale,
        )

    def _token_indices(self, split: PatchSplit) -> PatchSplit:
        if self.token_index == "patch":
            return split
        class_token = jnp.zeros((split.idx_keep.shape[0], 1), split.idx_keep.dtype)
        return PatchSplit(jnp.concatenate([class_token, split.idx_keep + 1], axis=1), split.idx_mask + 1)

    def _fuse(
        self, visible_tokens: Float[Array, "b k e"], target_tokens: Float[Array, "b _ t"] | None, split: PatchSplit
    ) -> Float[Array, "b k f"]:
        """The concatenation of Eq. 1; the class token, where it is visible, gets a learned row of its own."""
        num_patches = self.num_keep + split.idx_mask.shape[1]
        num_rows = {"none": 0, "rank": self.num_keep}.get(self.fusion, num_patches)
        if num_rows != (0 if target_tokens is None else target_tokens.shape[1]):
            raise ValueError(
                f"fusion={self.fusion!r} takes {num_rows} target tokens and got "
                f"{None if target_tokens is None else target_tokens.shape[1]}; see Sirm.token_features and token_axis"
            )
        if target_tokens is None:
            return visible_tokens
        if self.fusion != "rank":
            target_tokens = gather_rows(target_tokens, split.idx_keep)
        if self.token_index != "patch":
            class_row = self.param("class_target_token", initialisation.token, (1, 1, target_tokens.shape[-1]))
            target_tokens = _prepend(class_row, target_tokens)
        return jnp.concatenate([visible_tokens, target_tokens], axis=-1)


def _prepend(row: Float[Array, "1 1 d"], rows: Float[Array, "b n d"]) -> Float[Array, "b n+1 d"]:
    return jnp.concatenate([jnp.broadcast_to(row, (rows.shape[0], 1, row.shape[-1])).astype(rows.dtype), rows], axis=1)
