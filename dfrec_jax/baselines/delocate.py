"""Delocate-min: a masked autoencoder of real faces that hides parts of the face (after Hu et al., IJCAI 2024).

No code of Delocate's authors is public, and of its first stage, recovery, sizes are not known: this is the least that
its description asks for, by this project. Its second stage localises forgeries and recovers nothing.
"""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Key

from dfrec_jax.baselines.facial_parts import part_shares
from dfrec_jax.losses.terms import SMALLEST_SHARE, weighted_mean
from dfrec_jax.models.masking import Masking, draw_noise
from dfrec_jax.models.tirm import Tirm, TirmOutput
from dfrec_jax.nets.patches import gather_rows, patchify, put_rows, unpatchify
from dfrec_jax.nets.transformer import VitSize

NEVER = 2.0  # a full map is none of its cases: scores are at most 1
LOWEST, NUM_TIERS = 0.5, 3  # of scores: at the threshold from which `Tirm` takes a score as it is


class Delocate(nn.Module):
    """The TIRM's encoder and decoder without f_t, behind a mask of its own.

    Attributes:
      mask_ratio: share of all patches that are hidden, the same in every picture.
      patch_size: side of a patch in pixels.
      encoder_size: ViT-B's by default.
      decoder_size: MAE's.
      dtype: of the computation; parameters and outputs stay float32.
    """

    mask_ratio: float = 0.6
    patch_size: int = 16
    encoder_size: VitSize = VitSize(768, 12, 12)
    decoder_size: VitSize = VitSize(512, 8, 16)
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, image: Float[Array, "b h w 3"], scores: Float[Array, "b n"]) -> TirmOutput:
        """Hides the patches of the highest `scores`, of `training_scores` or `recovery_scores`, and draws them."""
        num_patches = scores.shape[1]
        tirm = Tirm(
            masking=Masking(num_patches - round(self.mask_ratio * num_patches), NEVER, LOWEST),
            patch_size=self.patch_size,
            encoder_size=self.encoder_size,
            decoder_size=self.decoder_size,
            fusion="none",
            dtype=self.dtype,
            name="autoencoder",
        )
        found: Any = tirm(image, pixels_of(scores, image.shape[1], self.patch_size), None, jnp.zeros_like(scores))
        return found


def pixels_of(values: Float[Array, "b n"], size: int, patch_size: int) -> Float[Array, "b size size 1"]:
    """The value of each patch on all of its pixels."""
    spread = jnp.broadcast_to(values[..., None], (*values.shape, patch_size**2))
    return unpatchify(spread, patch_size, size // patch_size)


def training_scores(
    shares: Float[Array, "b 3 n"], keys: Key[Array, " b"], part_ratio: float = 0.75
) -> Float[Array, "b n"]:
    """Which patches to hide first: of one to three parts of the face, `part_ratio` of the patches that they overlap.

    Patches outside the face fill up what is still to be hidden, at random, and last come those of the face that were
    not drawn. Number, parts and patches are drawn for each example by its own key.

    Args:
      shares: of `facial_parts.part_shares`.
      keys: one for each example.
      part_ratio: share of the patches of the chosen parts that is hidden.
    """

    def of_one(shares: Float[Array, "3 n"], key: Array) -> Array:
        for_number, for_parts, for_patches = jax.random.split(key, 3)
        num_parts, num_patches = shares.shape
        number = jax.random.randint(for_number, (), 1, num_parts + 1)
        is_chosen = _rank(jax.random.uniform(for_parts, (num_parts,))) < number
        noise = jax.random.uniform(for_patches, (num_patches,))
        in_chosen = jnp.any((shares > 0) & is_chosen[:, None], axis=0)
        wanted = jnp.round(part_ratio * jnp.sum(in_chosen))
        is_drawn = in_chosen & (_rank(jnp.where(in_chosen, noise, jnp.inf)) < wanted)
        return _scores(is_drawn, jnp.all(shares == 0, axis=0), noise)

    return jax.vmap(of_one)(shares, keys)


def recovery_scores(shares: Float[Array, "b 3 n"], keys: Key[Array, " b"]) -> Float[Array, "b n"]:
    """Which patches to hide first for a recovery: all that a part of the face overlaps, those that it overlaps most.

    Arguments as of `training_scores`; patches outside the face fill up, at random by the keys.
    """
    largest = jnp.max(shares, axis=1)
    is_face = largest > 0
    return _scores(is_face, ~is_face, jnp.where(is_face, 0.99 * largest, draw_noise(keys, shares.shape[-1])))


def recover(
    network: Delocate,
    variables: Any,
    images: Float[Array, "b h w 3"],
    points: Float[Array, "b 68 2"],
    keys: Key[Array, " b"],
) -> tuple[Float[Array, "b h w 3"], Float[Array, "b h w 1"], Float[Array, "b h w 3"]]:
    """The faces with all patches of facial parts drawn anew, where they were, and what the network saw.

    Patches that were hidden only to fill up are the input's own.

    Args:
      network: without its weights.
      variables: its weights.
      images: RGB in [0, 1].
      points: 68 landmarks of each, of `components.points_of`.
      keys: one for each picture, of the patches that fill up.
    """
    size, patch_size = images.shape[1], network.patch_size
    shares = part_shares(points, size, patch_size)
    output: Any = network.apply({"params": variables["params"]}, images, recovery_scores(shares, keys))
    num_patches, idx_mask = shares.shape[-1], output.split.idx_mask
    hidden = put_rows(jnp.zeros((len(images), num_patches, 1)), idx_mask, jnp.ones((*idx_mask.shape, 1), jnp.float32))[
        ..., 0
    ]
    generated = pixels_of(hidden * jnp.any(shares > 0, axis=1), size, patch_size)
    return jnp.where(generated > 0, output.target_face, images), generated, output.masked_image


def masked_error(
    output: TirmOutput,
    reference: Float[Array, "b h w 3"],
    patch_size: int,
    weight: Bool[Array, " b"],
    inside: Float[Array, "b h w 1"] | None = None,
) -> Float[Array, ""]:
    """Mean squared error of the hidden pixels (MAE, He et al. 2022, without normalised pixels), in [0, 1].

    Args:
      output: of the network.
      reference: the faces that it saw parts of.
      patch_size: side of a patch in pixels.
      weight: which examples count.
      inside: 0 on pixels beyond the picture's border, which count for nothing.
    """
    hidden = lambda picture: gather_rows(patchify(picture, patch_size), output.split.idx_mask)  # noqa: E731
    squared = jnp.square(output.target_patches.astype(jnp.float32) - hidden(reference))
    if inside is None:
        return weighted_mean(jnp.mean(squared, axis=(1, 2)), weight)
    known = hidden(jnp.broadcast_to(inside, reference.shape))
    share = jnp.maximum(jnp.mean(known, axis=(1, 2)), SMALLEST_SHARE)
    return weighted_mean(jnp.mean(known * squared, axis=(1, 2)) / share, weight)


def _rank(values: Float[Array, " n"]) -> Array:
    """The place of each value in their order, the lowest first."""
    return jnp.argsort(jnp.argsort(values))


def _scores(first: Bool[Array, "*b n"], second: Bool[Array, "*b n"], within: Float[Array, "*b n"]) -> Array:
    """From `LOWEST` to 1: `first` above `second` above the rest, each in the order of `within`, from [0, 1)."""
    tier = 2.0 * first + 1.0 * (second & ~first)
    return LOWEST + (tier + within) * ((1 - LOWEST) / NUM_TIERS)
