"""The rules of the network: its sizes, the mode that fixes some of them, and which parts need one another."""

import math

from ml_collections import ConfigDict

from dfrec_jax.config.allowed import (
    DEEPEST,
    LARGEST_SIZE,
    WIDEST,
    Rule,
    all_up_to,
    one_of,
    share,
    up_to,
    value_of,
)
from dfrec_jax.config.defaults import FUSIONS, MODES, PIXELS, VERDICTS, num_kept, num_patches
from dfrec_jax.config.errors import ConfigError

MOST_PATCHES = 65_536

FIELDS: tuple[Rule, ...] = (
    ("mode", one_of(MODES), f"one of {MODES}"),
    ("image_size", lambda size: 0 < size <= LARGEST_SIZE, f"from 1 to {LARGEST_SIZE} pixels"),
    ("ism.width", up_to(100), "above 0 and at most 100"),
    ("ism.classifier", one_of((True, False)), "True or False"),
    ("ism.depth", lambda depth: 0 < depth <= 1, "above 0 and at most 1"),
    ("ism.decoder_features", up_to(WIDEST), f"from 1 to {WIDEST}"),
    ("ism.rates", all_up_to(LARGEST_SIZE), f"1 to 64 of them, each from 1 to {LARGEST_SIZE}"),
    ("sirm.features", all_up_to(WIDEST, least=2), f"1 to 64 of them, each from 2 to {WIDEST}"),  # gates have half
    ("sirm.bottleneck", up_to(WIDEST), f"from 1 to {WIDEST}"),
    ("sirm.stem", up_to(LARGEST_SIZE), f"from 1 to {LARGEST_SIZE} pixels"),
    ("ism.known_map", share, "between 0 and 1"),
    ("ism.verdict", one_of(VERDICTS), f"one of {VERDICTS}"),
    ("ism.gate", share, "between 0 and 1"),
    ("ism.given_scale", lambda scale: 0 < scale <= 1, "above 0, 1 at most"),
    ("sirm.feature_dropout", share, "between 0 and 1"),
    ("tirm.identity_width", lambda width: 0 <= width <= WIDEST, "0 (none) or the width of frozen.identity's embedding"),
    ("tirm.identity_dropout", share, "between 0 and 1"),
    ("tirm.identity_cosine", lambda c: len(c) == 2 and 0 <= c[0] <= c[1] <= 1, "(low, high), 0 <= low <= high <= 1"),
    ("tirm.patch_size", up_to(LARGEST_SIZE), f"from 1 to {LARGEST_SIZE} pixels"),
    ("tirm.mask_ratio", lambda ratio: 0 < ratio < 1, "between 0 and 1, both excluded"),
    ("tirm.fusion", one_of(FUSIONS), f"one of {FUSIONS}"),
    ("tirm.pixels", one_of(PIXELS), f"one of {PIXELS}"),
    ("tirm.width", up_to(WIDEST), f"from 1 to {WIDEST}"),
    ("tirm.depth", up_to(DEEPEST), f"from 1 to {DEEPEST}"),
    ("tirm.heads", up_to(WIDEST), f"from 1 to {WIDEST}"),
    ("tirm.decoder_width", up_to(WIDEST), f"from 1 to {WIDEST}"),
    ("tirm.decoder_heads", up_to(WIDEST), f"from 1 to {WIDEST}"),
    ("tirm.decoder_depth", up_to(DEEPEST), f"from 1 to {DEEPEST}"),
    ("tirm.token_width", up_to(WIDEST), f"from 1 to {WIDEST}"),
    ("tirm.full_map_threshold", share, "between 0 and 1"),
    ("tirm.patch_threshold", share, "between 0 and 1"),
    ("tirm.noise_scale", share, "between 0 and 1"),
)  # fmt: skip


def validate(config: ConfigDict) -> None:
    """Raises ConfigError where the parts of the network, or what is to teach them, do not go together."""
    _validate_sizes(config)
    _validate_mode(config)
    _validate_supervision(config)
    _validate_verdict(config)


def _validate_sizes(config: ConfigDict) -> None:
    size, patch, levels, stem = config.image_size, config.tirm.patch_size, len(config.sirm.features), config.sirm.stem
    bottleneck = stem * 2**levels  # its stride
    stride = math.lcm(16, bottleneck)  # 16: that of the ISM's deepest features
    if (size // patch) ** 2 > MOST_PATCHES:
        raise ConfigError(
            f"image_size={size} with tirm.patch_size={patch}: {(size // patch) ** 2} patches, of which each attends "
            f"to every other; at most {MOST_PATCHES}: use larger patches"
        )
    if size % patch:
        raise ConfigError(
            f"image_size={size} with tirm.patch_size={patch}: the patch grid must divide the image; "
            f"use image_size={size // patch * patch} or another patch size"
        )
    if size % stride:
        raise ConfigError(
            f"image_size={size}: must be a multiple of {stride}, for the strides of the deepest features (16 in the "
            f"ISM, {bottleneck} in a SIRM of {levels} levels and a stem of {stem}); use "
            f"image_size={math.ceil(size / stride) * stride}"
        )
    if config.tirm.fusion in ("position", "grid") and bottleneck != patch:
        raise ConfigError(
            f"tirm.patch_size={patch} with {levels} levels in sirm.features and sirm.stem={stem}: target tokens bound "
            "by position need one place of the SIRM's bottleneck for each patch; use "
            f"tirm.patch_size={bottleneck} or another number of levels"
        )
    if config.tirm.pixels == "unet" and config.tirm.fusion not in ("position", "grid"):
        raise ConfigError(
            f"tirm.pixels='unet' with tirm.fusion={config.tirm.fusion!r}: the way up starts on the SIRM's grid, a "
            "place for each patch; use tirm.fusion='position' or 'grid', or tirm.pixels='linear'"
        )
    if not 0 < num_kept(config) < num_patches(config):
        raise ConfigError(
            f"tirm.mask_ratio={config.tirm.mask_ratio} keeps {num_kept(config)} of {num_patches(config)} patches; "
            "at least one must be kept and one masked"
        )
    if config.sirm.bottleneck % 2:
        raise ConfigError(f"sirm.bottleneck={config.sirm.bottleneck}: must be even, it is split into f_s and f_t")
    for width, heads in (("width", "heads"), ("decoder_width", "decoder_heads")):
        if config.tirm[width] % config.tirm[heads] or config.tirm[width] % 4:
            raise ConfigError(
                f"tirm.{width}={config.tirm[width]}: must be a multiple of 4 (sin-cos positions) and of "
                f"tirm.{heads}={config.tirm[heads]}"
            )


def _validate_mode(config: ConfigDict) -> None:
    if config.mode != "released":
        return
    fixed = {"image_size": 224, "tirm.patch_size": 16, "tirm.mask_ratio": 0.5, "ism.enabled": True}
    for field, value in fixed.items():
        if value_of(config, field) != value:
            raise ConfigError(
                f"{field}={value_of(config, field)!r} with mode='released': the published network is fixed to "
                f"{value!r}; use that, or mode='paper'"
            )
    if config.tirm.fusion in ("position", "grid"):
        raise ConfigError(
            f"tirm.fusion={config.tirm.fusion!r} with mode='released': the published SIRM emits one target token for "
            "each kept patch, bound by rank; use 'rank' or 'none', or mode='paper'"
        )


def _validate_supervision(config: ConfigDict) -> None:
    if config.loss.classification > 0 and not config.ism.classifier:
        raise ConfigError(
            f"loss.classification={config.loss.classification} with ism.classifier=False: there is no logit to "
            "supervise; set loss.classification=0 or ism.classifier=True"
        )
    if config.ism.enabled:
        return
    if config.ism.known_map > 0:
        raise ConfigError(
            f"ism.known_map={config.ism.known_map} with ism.enabled=False: a network without ISM takes a face "
            "region for m_s, in training as later; set it to 0"
        )
    for field in ("loss.classification", "loss.segmentation"):
        if value_of(config, field) > 0:
            raise ConfigError(
                f"{field}={value_of(config, field)} with ism.enabled=False: nothing to supervise; set it to 0"
            )
    if config.sirm.feature_dropout > 0 or config.data.photograph_share > 0:
        raise ConfigError(
            f"sirm.feature_dropout={config.sirm.feature_dropout} and data.photograph_share="
            f"{config.data.photograph_share} with ism.enabled=False: a network without ISM sees the image itself, so "
            "that no region is hidden; set both to 0"
        )


def _validate_verdict(config: ConfigDict) -> None:
    if config.ism.given_scale != 1 and not config.ism.enabled:
        raise ConfigError(
            f"ism.given_scale={config.ism.given_scale} with ism.enabled=False: there is no map that could be used in "
            "part; set ism.given_scale=1"
        )
    if config.ism.verdict == "map":
        return
    needed = {"ism.enabled": True, "ism.classifier": True, "loss.pristine_map": True}
    for field, value in needed.items():
        if value_of(config, field) != value:
            raise ConfigError(
                f"ism.verdict={config.ism.verdict!r} with {field}={value_of(config, field)}: the classification "
                f"head says whether the map is used, and pristine faces recover nothing; set {field}={value}, or "
                "ism.verdict='map'"
            )
    if config.loss.classification == 0:
        raise ConfigError(
            f"ism.verdict={config.ism.verdict!r} with loss.classification=0: nothing would teach the head that "
            "says whether the map is used; set a weight, or ism.verdict='map'"
        )
