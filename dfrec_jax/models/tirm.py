"""Target Identity Recovery Module (Sec. III-D): the masked patches, recovered from the visible ones and f_t (Eq. 1)."""

from typing import Any, NamedTuple

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from dfrec_jax.models.mae import IdentityFusionDecoder, MaskedEncoder
from dfrec_jax.models.masking import Masking, PatchSplit, patch_scores, semantic_guided_masking
from dfrec_jax.nets import initialisation
from dfrec_jax.nets.normalisation import imagenet_normalise
from dfrec_jax.nets.patches import gather_rows, patchify, prepend, put_rows, unpatchify
from dfrec_jax.nets.transformer import VitSize


class TirmOutput(NamedTuple):
    """What the TIRM makes of an image."""

    target_face: Float[Array, "b h w 3"]  # the input, with the predictions in place of the masked patches
    target_patches: Float[Array, "b m d"]  # the predictions at idx_mask, in (0, 1)
    masked_image: Float[Array, "b h w 3"]  # the input, black where patches are masked
    visible_tokens: Float[Array, "b t e"]  # G_enc(l(x^sv) + p^sv) of Eq. 1, before f_t is concatenated
    split: PatchSplit


class Tirm(nn.Module):
    """Masks the image by Algorithm 1 and recovers the masked patches by Eq. 1.

    Attributes:
      masking: the numbers of Algorithm 1.
      patch_size: rho, side of a patch in pixels.
      encoder_size: of G_enc; ViT-L's by default.
      decoder_size: of G_dec.
      fusion: 'position' takes a target token for each patch and joins those of the kept patches to their embeddings;
        'grid' joins those of the masked patches to the mask tokens as well; 'rank' takes one for each kept patch, in
        the order of `idx_keep`; 'none' takes none (Table VI).
      pixels: see `IdentityFusionDecoder`; 'unet' with 'position' or 'grid' only.
      as_released: tokens as the published checkpoint has them, with learned positions, and with one list of indices for
        patches and for tokens, where the class token comes first: the encoder sees the patch left of each kept one.
        Otherwise patch i is token i + 1, the class token is always visible, and positions are fixed.
      imagenet_norm: whether the encoder sees pixels normalised by ImageNet's mean and deviation.
      identity_width: of the embedding that says who the target may be, as `identity`; 0: none is taken.
      remat: recompute each block in the backward pass.
      dtype: of the computation; parameters and outputs stay float32.
    """

    masking: Masking
    patch_size: int = 16
    encoder_size: VitSize = VitSize(1024, 24, 16)
    decoder_size: VitSize = VitSize(512, 4, 16)
    fusion: str = "position"
    pixels: str = "linear"
    as_released: bool = False
    imagenet_norm: bool = False
    identity_width: int = 0
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
        identity: Float[Array, "b e"] | None = None,
        decoder_map: Float[Array, "b h w 1"] | None = None,
        *,
        train: bool = False,
    ) -> TirmOutput:
        """Recovers the target face.

        Args:
          image: I, RGB in [0, 1].
          source_map: m_s.
          target_tokens: f_t of the SIRM: n rows for 'position' and 'grid', one for each kept patch for 'rank', None for
            'none'.
          noise: uniform in [0, 1), n values an example.
          levels: `SirmOutput.target_levels`, which 'unet' pixels take; their last grid is that of the patches.
          identity: of `identity_width`; None is rows of zeros, which say nothing.
          decoder_map: what the decoder takes for m_s, where that is another than the `source_map` that masks.
          train: batch statistics of the 'unet' pixels.

        Raises:
          ValueError: for an identity that this TIRM does not take, where `target_tokens` does not fit `fusion`, and for
            'unet' pixels without `levels`.
        """
        if self.identity_width == 0 and identity is not None:
            raise ValueError("identity is given to a TIRM of identity_width=0, which takes none; leave it None")
        if self.identity_width and identity is None:
            identity = jnp.zeros((len(image), self.identity_width), jnp.float32)
        split = self.mask(source_map, noise)
        idx_keep, idx_mask = self._token_indices(split)
        patches = patchify(image, self.patch_size)

        pixels = imagenet_normalise(image) if self.imagenet_norm else image
        encoder = MaskedEncoder(
            size=self.encoder_size,
            learned_positions=self.as_released,
            remat=self.remat,
            dtype=self.dtype,
            name="encoder",
        )
        visible_tokens = encoder(patchify(pixels, self.patch_size), idx_keep)
        fused_tokens = self._fuse(visible_tokens, target_tokens, split)
        masked_rows = None
        if self.fusion == "grid" and target_tokens is not None:
            masked_rows = gather_rows(target_tokens, split.idx_mask)
        decoder = IdentityFusionDecoder(
            patch_size=self.patch_size,
            size=self.decoder_size,
            pixels=self.pixels,
            learned_positions=self.as_released,
            remat=self.remat,
            dtype=self.dtype,
            name="decoder",
        )
        target_patches = decoder(
            fused_tokens,
            idx_keep,
            idx_mask,
            patches.shape[1] + 1,
            masked_rows,
            levels,
            source_map if decoder_map is None else decoder_map,
            identity,
            train=train,
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
        """Algorithm 1."""
        return semantic_guided_masking(patch_scores(source_map, self.patch_size), noise, self.masking)

    def _token_indices(self, split: PatchSplit) -> PatchSplit:
        if self.as_released:
            return split
        class_token = jnp.zeros((split.idx_keep.shape[0], 1), split.idx_keep.dtype)
        return PatchSplit(jnp.concatenate([class_token, split.idx_keep + 1], axis=1), split.idx_mask + 1)

    def _fuse(
        self, visible_tokens: Float[Array, "b k e"], target_tokens: Float[Array, "b _ t"] | None, split: PatchSplit
    ) -> Float[Array, "b k f"]:
        """The concatenation of Eq. 1; the class token, where it is visible, gets a learned row of its own."""
        num_keep = self.masking.num_keep
        num_rows = {"none": 0, "rank": num_keep}.get(self.fusion, num_keep + split.idx_mask.shape[1])
        if num_rows != (0 if target_tokens is None else target_tokens.shape[1]):
            raise ValueError(
                f"fusion={self.fusion!r} takes {num_rows} target tokens and got "
                f"{None if target_tokens is None else target_tokens.shape[1]}; see Sirm.tokens"
            )
        if target_tokens is None:
            return visible_tokens
        if self.fusion != "rank":
            target_tokens = gather_rows(target_tokens, split.idx_keep)
        if not self.as_released:
            class_row = self.param("class_target_token", initialisation.token, (1, 1, target_tokens.shape[-1]))
            target_tokens = prepend(class_row, target_tokens)
        return jnp.concatenate([visible_tokens, target_tokens], axis=-1)
