"""DFREC (Fig. 2): the source face and the target face behind one swapped image."""

from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from flax.traverse_util import flatten_dict
from jaxtyping import Array, Bool, Float, Int, Key
from ml_collections import ConfigDict

from dfrec_jax.config import defaults
from dfrec_jax.models.ism import Ism, IsmOutput
from dfrec_jax.models.masking import Masking, draw_noise, face_ellipse, face_region
from dfrec_jax.models.region import KnownMap, used_map, without_region
from dfrec_jax.models.sirm import Sirm, TargetTokens
from dfrec_jax.models.tirm import Tirm
from dfrec_jax.nets.transformer import VitSize


class DfrecOutput(NamedTuple):
    """All that DFREC says of a batch of images; floats are float32."""

    source_map: Float[Array, "b h w 1"]  # m_s: the ISM's own; the face region without ISM
    map_logits: Float[Array, "b h w 1"] | None  # of the map; None without ISM
    used_map: Float[Array, "b h w 1"]  # what the SIRM and the TIRM took for m_s; f_t of it times `given_scale`
    source_region: Float[Array, "b h w 3"]  # I_src^seg = m_s * I; the image itself without ISM
    source_face: Float[Array, "b h w 3"]  # recovered source, in (0, 1)
    target_face: Float[Array, "b h w 3"]  # recovered target, in [0, 1]; the input outside the masked patches
    source_features: Float[Array, "b f"]  # f_s, pooled
    target_features: Float[Array, "b f"]  # f_t, pooled
    target_tokens: Float[Array, "b _ t"] | None  # f_t as it entered the TIRM; None without fusion
    idx_keep: Int[Array, "b k"]  # visible patches
    idx_mask: Int[Array, "b m"]  # generated patches
    target_patches: Float[Array, "b m d"]  # the generated patches, in the order of idx_mask
    masked_image: Float[Array, "b h w 3"]  # the input, black where patches were generated
    logit: Float[Array, " b"] | None  # of the image being a forgery; None without the classification head


class Dfrec(nn.Module):
    """The three modules of Fig. 2.

    Attributes:
      ism: which pixels are source face; None is Table VI's ablation: a face region in place of the map, and the image
        itself in place of the source region.
      sirm: the source face and f_t, from the source region.
      tirm: the target face, from the rest of the image and f_t.
      verdict: who says whether the image is a swap at all, see `region.used_map`.
      gate: see `verdict`.
      given_scale: what a swap's map is multiplied by for f_t and the TIRM's decoder, where the caller says that it is
        one: below 1 the target's face is taken for another's in part, and changed less. Not in training, nor where its
        region is hidden; what is masked, and the source, go by the whole map.
    """

    ism: Ism | None
    sirm: Sirm
    tirm: Tirm
    verdict: str = "map"
    gate: float = 0.5
    given_scale: float = 1.0

    def __call__(
        self,
        image: Float[Array, "b h w 3"],
        mask_keys: Key[Array, " b"] | None,
        *,
        train: bool,
        noise: Float[Array, "b n"] | None = None,
        face_region: Float[Array, "b h w 1"] | None = None,
        is_swap: Bool[Array, " b"] | None = None,
        known_map: KnownMap | None = None,
        is_hidden: Bool[Array, " b"] | None = None,
        identity: Float[Array, "b e"] | None = None,
        use_target_tokens: bool = True,
    ) -> DfrecOutput:
        """Recovers both faces.

        Args:
          image: I, RGB in [0, 1].
          mask_keys: a key for each example, of Algorithm 1's noise; an image and its key give the same result alone and
            in any batch. None where the noise itself is given.
          train: batch statistics, dropout and stochastic depth, from the `dropout` stream.
          noise: Algorithm 1's, uniform in [0, 1), a value for each patch, in place of what `mask_keys` draw.
          face_region: 1 on the face, 0 elsewhere; takes the map's place where there is no ISM. Without it that is
            `face_ellipse`.
          is_swap: what the caller knows of each picture, where it is not left to the network; then `face_region` may
            stand beside an ISM, and takes the place of a map that leaves the face out.
          known_map: what the SIRM and the TIRM take for m_s where it is known: they then learn from the first step on,
            and the ISM from its own losses alone. `map_logits` are the ISM's all the same.
          is_hidden: of each example, whether the region of the map is removed before the SIRM and the TIRM see the
            image, so that f_t, and all that is recovered, comes from the surroundings alone; None: of no one.
          identity: embeddings that say who the target may be (`residual.py`), rows of zeros where nothing does; None:
            of no one. Of use to a TIRM of `identity_width` above 0 alone.
          use_target_tokens: False hides f_t from the TIRM (`hidden`): what the same network makes of the background
            alone.

        Raises:
          ValueError: for a face region beside an ISM, but where `is_swap` is given too.
        """
        if self.ism is not None and face_region is not None and is_swap is None:
            raise ValueError("face_region is given, but this network has an ISM that finds it; leave it None")
        seen = self.segment(image, face_region, train)
        source_map = used_map(seen, self.verdict, self.gate, is_swap, face_region)
        if known_map is not None:
            source_map = known_map.or_else(source_map)
        if is_hidden is not None:
            image, source_map = without_region(image, source_map, is_hidden)
        source_region = image if self.ism is None else source_map * image
        source = leak = self.sirm(source_region, image, source_map, train=train)
        part_of_map = None
        if self.given_scale != 1 and is_swap is not None and is_hidden is None and not train:
            part_of_map = self.given_scale * source_map
            leak = self.sirm(self.given_scale * source_region, image, part_of_map, train=train)
        target_tokens, levels = leak.target_tokens, leak.target_levels
        if not use_target_tokens:
            target_tokens, levels = hidden(target_tokens, levels)
        rows, columns = (side // self.tirm.patch_size for side in image.shape[1:3])
        if noise is None:
            assert mask_keys is not None, "either keys or noise"
            noise = draw_noise(mask_keys, rows * columns)
        target = self.tirm(image, source_map, target_tokens, noise, levels, identity, part_of_map, train=train)
        return DfrecOutput(
            source_map=seen.source_map,
            map_logits=seen.map_logits,
            used_map=source_map,
            source_region=source_region,
            source_face=source.source_face,
            target_face=target.target_face,
            source_features=source.source_features,
            target_features=leak.target_features,
            target_tokens=target_tokens,
            idx_keep=target.split.idx_keep,
            idx_mask=target.split.idx_mask,
            target_patches=target.target_patches,
            masked_image=target.masked_image,
            logit=seen.logit,
        )

    def segment(
        self, image: Float[Array, "b h w 3"], face_region: Float[Array, "b h w 1"] | None, train: bool
    ) -> IsmOutput:
        """The ISM's view of the image (b h w 3, in [0, 1]), or the face region as its map."""
        if self.ism is None:
            if face_region is None:
                face_region = jnp.broadcast_to(face_ellipse(*image.shape[1:3])[None], (*image.shape[:3], 1))
            return IsmOutput(face_region, None, None)
        return self.ism(image, train=train)


def region_without_ism(
    network: Dfrec, image: Float[Array, "b h w 3"], landmarks: Float[Array, "b 5 2"] | None
) -> Float[Array, "b h w 1"] | None:
    """What `face_region` of a call is: the face that landmarks give, for a network without ISM; None for one with it.

    Also None where there are no landmarks: the network then takes an ellipse in the middle.
    """
    if network.ism is not None or landmarks is None:
        return None
    return face_region(landmarks, *image.shape[1:3])


def hidden(
    target_tokens: Float[Array, "b _ t"] | None, levels: tuple[Array, ...]
) -> tuple[Float[Array, "b _ t"] | None, tuple[Array, ...]]:
    """f_t that tells nothing: zeros, and grey in place of the image, from which a 'unet' starts."""
    image, *features = levels
    zeros = None if target_tokens is None else jnp.zeros_like(target_tokens)
    return zeros, (jnp.full_like(image, 0.5), *map(jnp.zeros_like, features))


def build(config: ConfigDict) -> Dfrec:
    """The network that a resolved and validated config describes; the only reader of the config among the models."""
    dtype = jnp.dtype(config.compute_dtype)
    is_released = config.mode == "released"
    ism = Ism(
        classifier=config.ism.classifier,
        width=config.ism.width,
        depth=config.ism.depth,
        rates=tuple(config.ism.rates),
        decoder_features=config.ism.decoder_features,
        imagenet_norm=config.ism.imagenet_norm,
        is_taught_by_classifier=config.ism.verdict != "map",
        dtype=dtype,
    )
    masking = Masking(
        num_keep=defaults.num_kept(config),
        full_map_threshold=config.tirm.full_map_threshold,
        # The released code replaces a patch up to and at its threshold, the paper below it.
        patch_threshold=_next_above(config.tirm.patch_threshold) if is_released else config.tirm.patch_threshold,
        noise_scale=config.tirm.noise_scale,
    )
    by_position = TargetTokens(config.tirm.token_width, "position")
    by_rank = TargetTokens(masking.num_keep, "channel")
    sirm = Sirm(
        features=tuple(config.sirm.features),
        bottleneck=config.sirm.bottleneck,
        tokens={"position": by_position, "grid": by_position, "rank": by_rank, "none": None}[config.tirm.fusion],
        stem=config.sirm.stem,
        residual=config.sirm.residual,
        dtype=dtype,
    )
    tirm = Tirm(
        masking=masking,
        patch_size=config.tirm.patch_size,
        encoder_size=VitSize(config.tirm.width, config.tirm.depth, config.tirm.heads),
        decoder_size=VitSize(config.tirm.decoder_width, config.tirm.decoder_depth, config.tirm.decoder_heads),
        fusion=config.tirm.fusion,
        pixels=config.tirm.pixels,
        as_released=is_released,
        imagenet_norm=config.tirm.imagenet_norm,
        identity_width=config.tirm.identity_width,
        remat=config.remat,
        dtype=dtype,
    )
    ism = ism if config.ism.enabled else None
    return Dfrec(
        ism=ism,
        sirm=sirm,
        tirm=tirm,
        verdict=config.ism.verdict,
        gate=config.ism.gate,
        given_scale=config.ism.given_scale,
    )


def variable_shapes(network: Dfrec, image_size: int) -> dict[str, tuple[int, ...]]:
    """Path (as `params/ism/...`) and shape of every variable of `network`; nothing is compiled or run."""
    image = jax.ShapeDtypeStruct((1, image_size, image_size, 3), jnp.float32)
    key = jax.random.key(0)
    variables: Any = jax.eval_shape(lambda image: network.init(key, image, key[None], train=False), image)
    leaves: dict[str, Any] = flatten_dict(variables, sep="/")
    return {path: leaf.shape for path, leaf in leaves.items()}


def _next_above(threshold: float) -> float:
    return float(np.nextafter(np.float32(threshold), np.float32(1)))
