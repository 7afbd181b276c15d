"""The rules that a config must satisfy before a device is touched: of each field, and of fields with each other."""

import math
from collections.abc import Callable, Iterable
from typing import Any

from ml_collections import ConfigDict

from dfrec_jax.config import types
from dfrec_jax.config.defaults import (
    DTYPES,
    FUSIONS,
    MODES,
    OPTIMIZERS,
    PIXELS,
    REDUCTIONS,
    SCENES,
    SCHEDULES,
    VERDICTS,
    dfrec,
    num_kept,
    num_patches,
)
from dfrec_jax.config.errors import ConfigError, require

LARGEST_SEED = 2**32 - 1  # jax.random.key takes the lower 32 bits of a larger one in silence, or fails
LARGEST_SIZE = 4096  # pixels, as `dfrec prepare --size`: what a typing error adds takes minutes to run out of memory
Rule = tuple[str, Callable, str]  # a field, whether a value is allowed, and that in words


def check(config: ConfigDict, rules: Iterable[Rule]) -> None:
    """Raises ConfigError for the first of `rules` that `config` breaks."""
    for field, is_allowed, allowed in rules:
        value = _get(config, field)
        require(is_allowed(value), field, value, allowed)


def validate(config: ConfigDict) -> None:
    """Raises ConfigError for the first rule that a resolved `config` breaks; touches no device."""
    types.check(config, dfrec())
    check(config, RULES)
    for name, value in config.loss.items():  # whatever is a number there is a weight
        if isinstance(value, float):
            require(_not_negative(value), f"loss.{name}", value, "0 or more")
    _validate_sizes(config)
    _validate_mode(config)
    validate_data(config)
    _validate_verdict_and_identity(config)
    _validate_start(config)


def _positive(value: int | float) -> bool:
    return value > 0


def _not_negative(value: int | float) -> bool:
    return value >= 0


def _share(value: int | float) -> bool:
    return 0 <= value <= 1


def _all_positive(values: tuple | list) -> bool:
    return len(values) > 0 and min(values) > 0


def _one_of(values: tuple) -> Callable[[object], bool]:
    return lambda value: value in values


RULES: tuple[Rule, ...] = (
    ("seed", lambda seed: 0 <= seed <= LARGEST_SEED, f"from 0 to {LARGEST_SEED}"),
    ("mode", _one_of(MODES), f"one of {MODES}"),
    ("compute_dtype", _one_of(DTYPES), f"one of {DTYPES}"),
    ("image_size", lambda size: 0 < size <= LARGEST_SIZE, f"from 1 to {LARGEST_SIZE} pixels"),
    ("ism.width", _positive, "above 0"),
    ("ism.depth", lambda depth: 0 < depth <= 1, "above 0 and at most 1"),
    ("ism.decoder_features", _positive, "above 0"),
    ("ism.rates", _all_positive, "one or more, each 1 or more"),
    ("sirm.features", _all_positive, "one or more, each 1 or more"),
    ("sirm.bottleneck", _positive, "1 or more"),
    ("sirm.stem", _positive, "a positive number of pixels"),
    ("ism.known_map", _share, "between 0 and 1"),
    ("ism.verdict", _one_of(VERDICTS), f"one of {VERDICTS}"),
    ("ism.gate", _share, "between 0 and 1"),
    ("sirm.feature_dropout", _share, "between 0 and 1"),
    ("tirm.identity_width", _not_negative, "0 (none) or the width of the embedding of frozen.identity"),
    ("tirm.identity_dropout", _share, "between 0 and 1"),
    ("tirm.identity_cosine", lambda c: len(c) == 2 and 0 <= c[0] <= c[1] <= 1, "(low, high), 0 <= low <= high <= 1"),
    ("tirm.patch_size", _positive, "a positive number of pixels"),
    ("tirm.mask_ratio", lambda ratio: 0 < ratio < 1, "between 0 and 1, both excluded"),
    ("tirm.fusion", _one_of(FUSIONS), f"one of {FUSIONS}"),
    ("tirm.pixels", _one_of(PIXELS), f"one of {PIXELS}"),
    ("tirm.width", _positive, "1 or more"),
    ("tirm.depth", _positive, "1 or more"),
    ("tirm.heads", _positive, "1 or more"),
    ("tirm.decoder_width", _positive, "1 or more"),
    ("tirm.decoder_heads", _positive, "1 or more"),
    ("tirm.decoder_depth", _positive, "1 or more"),
    ("tirm.token_width", _positive, "1 or more"),
    ("tirm.full_map_threshold", _share, "between 0 and 1"),
    ("tirm.patch_threshold", _share, "between 0 and 1"),
    ("tirm.noise_scale", _share, "between 0 and 1"),
    ("loss.target_rows", lambda share: 0 < share <= 1, "above 0 and at most 1"),
    ("loss.source_rows", lambda share: 0 < share <= 1, "above 0 and at most 1"),
    ("loss.reduction", _one_of(REDUCTIONS), f"one of {REDUCTIONS}"),
    ("data.crop", _one_of((None, "box", "align", "none")), "box, align or none, or unset: as the data were prepared"),
    ("data.margin", lambda margin: margin is None or margin >= 0, "0 or more, or unset: as the data were prepared"),
    ("data.real_share", _share, "between 0 and 1"),
    ("data.original_share", _share, "between 0 and 1"),
    ("data.recorded_share", lambda share: share is None or _share(share), "between 0 and 1, or unset"),
    ("data.bi_share", _share, "between 0 and 1"),
    ("data.photograph_share", _share, "between 0 and 1"),
    ("data.flip", _share, "between 0 and 1"),
    ("data.jitter", lambda jitter: 0 <= jitter < 1, "0 or more and below 1"),
    ("data.perturbed", _share, "between 0 and 1"),
    ("data.blurred", _share, "between 0 and 1"),
    ("data.noisy", _share, "between 0 and 1"),
    ("data.tightened", _share, "between 0 and 1"),
    ("data.leak", lambda leak: len(leak) == 2 and 0 <= leak[0] <= leak[1] < 1, "(low, high) with 0 <= low <= high < 1"),
    ("data.scene", _one_of(SCENES), f"one of {SCENES}"),
    ("data.num_threads", _positive, "1 or more"),
    ("data.prefetch", _positive, "1 or more"),
    ("data.eval_batch_size", _positive, "1 or more"),
    ("data.validation_examples", _positive, "1 or more"),
    ("data.test_examples", _not_negative, "0 (the whole split) or more"),
    ("optimizer.name", _one_of(OPTIMIZERS), f"one of {OPTIMIZERS}"),
    ("optimizer.learning_rate", _positive, "above 0"),
    ("optimizer.weight_decay", _not_negative, "0 or more"),
    ("optimizer.schedule", _one_of(SCHEDULES), f"one of {SCHEDULES}"),
    ("optimizer.warmup_steps", _not_negative, "0 or more"),
    ("optimizer.beta2", lambda beta: 0 < beta < 1, "between 0 and 1, both excluded"),
    ("optimizer.clip_norm", _not_negative, "0 (no clipping) or more"),
    ("optimizer.ema", lambda decay: 0 <= decay < 1, "0 (none) or below 1"),
    ("train.num_steps", _positive, "1 or more"),
    ("train.batch_size", _positive, "1 or more"),
    ("train.log_every", _positive, "1 or more"),
    ("train.validate_every", _positive, "1 or more"),
    ("train.samples_every", _positive, "1 or more"),
    ("checkpoint.every", _positive, "1 or more"),
    ("checkpoint.keep", _positive, "1 or more"),
    ("mesh.data", lambda size: size == -1 or size > 0, "-1 (all that fsdp leaves) or 1 or more"),
    ("mesh.fsdp", _positive, "1 or more"),
)  # fmt: skip


def _get(config: ConfigDict, field: str) -> Any:
    value = config
    for name in field.split("."):
        value = value[name]
    return value


def _validate_sizes(config: ConfigDict) -> None:
    size, patch, levels, stem = config.image_size, config.tirm.patch_size, len(config.sirm.features), config.sirm.stem
    bottleneck = stem * 2**levels  # its stride
    stride = math.lcm(16, bottleneck)  # 16: that of the ISM's deepest features
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
    if config.mode == "released":
        fixed = {"image_size": 224, "tirm.patch_size": 16, "tirm.mask_ratio": 0.5, "ism.enabled": True}
        for field, value in fixed.items():
            if _get(config, field) != value:
                raise ConfigError(
                    f"{field}={_get(config, field)!r} with mode='released': the published network is fixed to "
                    f"{value!r}; "
                    "use that, or mode='paper'"
                )
        if config.tirm.fusion in ("position", "grid"):
            raise ConfigError(
                f"tirm.fusion={config.tirm.fusion!r} with mode='released': the published SIRM emits one target token "
                "for "
                "each kept "
                "patch, bound by rank; use 'rank' or 'none', or mode='paper'"
            )
    if config.loss.classification > 0 and not config.ism.classifier:
        raise ConfigError(
            f"loss.classification={config.loss.classification} with ism.classifier=False: there is no logit to "
            "supervise; set loss.classification=0 or ism.classifier=True"
        )
    if not config.ism.enabled:
        if config.ism.known_map > 0:
            raise ConfigError(
                f"ism.known_map={config.ism.known_map} with ism.enabled=False: a network without ISM takes a face "
                "region for m_s, in training as later; set it to 0"
            )
        for field in ("loss.classification", "loss.segmentation"):
            if _get(config, field) > 0:
                raise ConfigError(
                    f"{field}={_get(config, field)} with ism.enabled=False: nothing to supervise; set it to 0"
                )


def validate_data(config: ConfigDict) -> None:
    """Raises ConfigError where the data section, or the schedule, does not go together."""
    data = config.data
    if (data.crop is None) != (data.margin is None):
        raise ConfigError(
            f"data.crop={data.crop!r} with data.margin={data.margin!r}: they are one frame; set both, or neither"
        )
    shares = {name: data[f"{name}_share"] or 0.0 for name in ("real", "bi", "original", "recorded", "photograph")}
    if sum(shares.values()) > 1 + 1e-9:
        said = " and ".join(f"data.{name}_share={share}" for name, share in shares.items() if share)
        raise ConfigError(f"{said}: their sum must be at most 1")
    if data.dataset == "embedded" and (data.recorded_share is not None or data.original_share):
        raise ConfigError(
            f"data.recorded_share={data.recorded_share} and data.original_share={data.original_share} with "
            "data.dataset='embedded': nothing is recorded there; leave them out"
        )
    if data.dataset == "embedded" and data.photograph_share > 0:
        raise ConfigError(
            f"data.photograph_share={data.photograph_share} with data.dataset='embedded': drawn faces are no "
            "photographs and have no 68 landmarks; set it to 0"
        )
    if data.dataset != "embedded" and not data.dir:
        raise ConfigError(
            f"data.dataset={data.dataset!r} with data.dir='': name the folder that `dfrec prepare` wrote, "
            "--config.data.dir=DIR"
        )
    if data.dataset == "embedded" and data.bi_share > 0:
        raise ConfigError(
            f"data.bi_share={data.bi_share} with data.dataset='embedded': embedded swaps have known masks and need "
            "no BI; set data.bi_share=0"
        )
    validate_schedule(config)


def _validate_verdict_and_identity(config: ConfigDict) -> None:
    if config.ism.verdict != "map":
        needed = {"ism.enabled": True, "ism.classifier": True, "loss.pristine_map": True}
        for field, value in needed.items():
            if _get(config, field) != value:
                raise ConfigError(
                    f"ism.verdict={config.ism.verdict!r} with {field}={_get(config, field)}: the classification head "
                    f"says whether the map is used, and pristine faces recover nothing; set {field}={value}, or "
                    "ism.verdict='map'"
                )
        if config.loss.classification == 0:
            raise ConfigError(
                f"ism.verdict={config.ism.verdict!r} with loss.classification=0: nothing would teach the head that "
                "says whether the map is used; set a weight, or ism.verdict='map'"
            )
    if config.ism.enabled is False and (config.sirm.feature_dropout > 0 or config.data.photograph_share > 0):
        raise ConfigError(
            f"sirm.feature_dropout={config.sirm.feature_dropout} and data.photograph_share="
            f"{config.data.photograph_share} with ism.enabled=False: a network without ISM sees the image itself, so "
            "that no region is hidden; set both to 0"
        )


def _validate_start(config: ConfigDict) -> None:
    start = config.train.initialise
    for field in ("ism.initialisation", "tirm.initialisation"):
        if start and _get(config, field):
            raise ConfigError(
                f"train.initialise={start!r} with {field}={_get(config, field)!r}: a whole network leaves that part "
                f"nothing to start from; leave one of them empty"
            )
    if config.train.initialise_fresh and not start:
        raise ConfigError(
            f"train.initialise_fresh={config.train.initialise_fresh!r} with train.initialise='': everything begins "
            "anew; name the network that the rest starts from, or leave it empty"
        )


def validate_schedule(config: ConfigDict) -> None:
    """Raises ConfigError where the warm-up would outlast the run."""
    if config.optimizer.warmup_steps >= config.train.num_steps:
        raise ConfigError(
            f"optimizer.warmup_steps={config.optimizer.warmup_steps}: must be below "
            f"train.num_steps={config.train.num_steps}"
        )
