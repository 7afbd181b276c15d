"""The compared methods as configs know them: the section of each, its rules, and what it changes of the rest.

A method is an entry of `METHODS`; `baselines/methods.py` has its network, `training/tasks/compared.py` its loss.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ml_collections import ConfigDict

from dfrec_jax.config.allowed import WIDEST, Rule, all_positive, all_up_to, positive
from dfrec_jax.config.errors import ConfigError


class Method(NamedTuple):
    """One compared method; names of fields have their section before them.

    Attributes:
      own: its section, at the full size.
      rules: of that section's fields, each by itself.
      shared: what it has otherwise than DFREC of the sections that both have, as far as its authors say.
      drawn: sizes for drawn faces of 64 px and a hundred steps or two on a CPU.
      check: raises ConfigError for values of its section that do not go together.
      roles: of the frozen networks that its losses look at.
    """

    own: Callable[[], ConfigDict]
    rules: tuple[Rule, ...]
    shared: Mapping[str, Any]
    drawn: Mapping[str, Any]
    check: Callable[[ConfigDict], None] = lambda config: None
    roles: tuple[str, ...] = ()


def _recce() -> ConfigDict:
    own = ConfigDict()
    own.image_size = 299  # of the pictures that it works on; others are resized, and its reconstructions back
    own.width = 1.0  # multiplies the channels of every layer; 1 is the published size
    own.drop_rate = 0.2
    own.initialisation = ""  # a name in the weights registry: recce-ffpp-c23, the whole network at width 1
    return own


def _delocate() -> ConfigDict:
    own = ConfigDict()
    own.width, own.depth, own.heads = 768, 12, 12  # of the encoder: ViT-B; ViT-L is 1024, 24, 16
    own.decoder_width, own.decoder_depth, own.decoder_heads = 512, 8, 16  # MAE's
    own.patch_size = 16
    own.mask_ratio = 0.6  # of all patches; those of the face first
    own.part_ratio = 0.75  # of the patches of the parts that an example hides in training
    return own


def _check_delocate(config: ConfigDict) -> None:
    own, size = config.delocate, config.image_size
    if size % own.patch_size:
        raise ConfigError(
            f"image_size={size} with delocate.patch_size={own.patch_size}: the patch grid must divide the image; use "
            "another patch size"
        )
    num_patches = (size // own.patch_size) ** 2
    if not 0 < round(own.mask_ratio * num_patches) < num_patches:
        raise ConfigError(
            f"delocate.mask_ratio={own.mask_ratio} hides {round(own.mask_ratio * num_patches)} of {num_patches} "
            "patches; at least one must be hidden and one seen"
        )
    for width, heads in (("width", "heads"), ("decoder_width", "decoder_heads")):
        if own[width] % own[heads] or own[width] % 4:
            raise ConfigError(
                f"delocate.{width}={own[width]}: must be a multiple of 4 (sin-cos positions) and of "
                f"delocate.{heads}={own[heads]}"
            )


def _dfi() -> ConfigDict:
    own = ConfigDict()
    own.features = (32, 64, 128, 256)  # one for each level above the bottleneck
    own.bottleneck = 1024  # split into what is the target's and what is the source's
    own.identity_width = 512  # of the embedding of frozen.identity
    return own


def _check_dfi(config: ConfigDict) -> None:
    own, size = config.dfi, config.image_size
    stride = 2 ** len(own.features)
    if size % stride:
        raise ConfigError(
            f"image_size={size} with {len(own.features)} levels in dfi.features: must be a multiple of {stride}; use "
            f"image_size={-(-size // stride) * stride}, or fewer levels"
        )
    if own.bottleneck % 2:
        raise ConfigError(f"dfi.bottleneck={own.bottleneck}: must be even, it is split into z_tgt and z_src")


NUM_TRAINED = 1000  # steps of the diffusion that RePaint's network is trained on


def _repaint() -> ConfigDict:
    own = ConfigDict()
    # Of the ADM U-Net: the sizes of RePaint's network of faces. Pictures of another size are resized, and what is
    # painted back.
    own.image_size = 256
    own.features = 256  # channels of the first level
    own.multipliers = (1, 1, 2, 2, 4, 4)  # of `features`, one for each level
    own.num_blocks = 2  # of a level
    own.attention_sides = (32, 16, 8)  # grids that attend to themselves
    own.head_features = 64  # channels of an attention head
    own.drop_rate = 0.0
    # How a picture is painted: steps of the 1000 of training, steps of a jump back, walks over each stretch.
    own.num_steps = 250
    own.jump_length = 10
    own.num_resamples = 10
    own.initialisation = ""  # a name in the weights registry: adm-celeba256, the whole network at these sizes
    return own


def _check_repaint(config: ConfigDict) -> None:
    own = config.repaint
    last = len(own.multipliers) - 1  # the level whose grid always attends to itself
    if own.image_size % 2**last:
        raise ConfigError(
            f"repaint.image_size={own.image_size} with {last + 1} levels in repaint.multipliers: must be a multiple of "
            f"{2**last}; use {max(1, round(own.image_size / 2**last)) * 2**last}, or fewer levels"
        )
    attending = {last} | {level for level in range(last) if own.image_size // 2**level in own.attention_sides}
    for level in sorted(attending):
        channels = own.features * own.multipliers[level]
        if channels % own.head_features:
            raise ConfigError(
                f"repaint.head_features={own.head_features}: must divide the {channels} channels of level {level}, "
                "which attends to itself (repaint.features times its multiplier)"
            )


def _each(section: str, *names: str) -> tuple[Rule, ...]:
    return tuple((f"{section}.{name}", positive, "1 or more") for name in names)


METHODS: dict[str, Method] = {
    "recce": Method(
        _recce,
        rules=(
            ("recce.image_size", lambda size: size >= 32, "32 pixels or more"),
            ("recce.width", positive, "above 0"),
            ("recce.drop_rate", lambda rate: 0 <= rate < 1, "0 or more and below 1"),
        ),
        shared={"optimizer.learning_rate": 2e-4, "data.real_share": 0.5, "train.num_steps": 90_000},
        # Real faces are all that it reconstructs.
        drawn={"recce.image_size": 64, "recce.width": 0.125, "data.real_share": 0.5},
    ),
    "delocate": Method(
        _delocate,
        rules=(
            *_each("delocate", "width", "depth", "heads", "decoder_width", "decoder_depth", "decoder_heads"),
            *_each("delocate", "patch_size"),
            ("delocate.mask_ratio", lambda ratio: 0 < ratio < 1, "between 0 and 1, both excluded"),
            ("delocate.part_ratio", lambda ratio: 0 < ratio <= 1, "above 0 and at most 1"),
        ),
        shared={},
        drawn={
            "delocate.width": 96,
            "delocate.depth": 2,
            "delocate.heads": 4,
            "delocate.decoder_width": 96,
            "delocate.decoder_depth": 2,
            "delocate.decoder_heads": 4,
            "delocate.patch_size": 8,
        },
        check=_check_delocate,
    ),
    "dfi": Method(
        _dfi,
        rules=(
            ("dfi.features", all_up_to(WIDEST, least=2), f"1 to 64 of them, each from 2 to {WIDEST}"),
            *_each("dfi", "bottleneck", "identity_width"),
        ),
        shared={},
        drawn={"dfi.features": (12, 24, 48), "dfi.bottleneck": 128, "dfi.identity_width": 128},
        check=_check_dfi,
        roles=("identity", "perceptual"),
    ),
    "repaint": Method(
        _repaint,
        rules=(
            *_each("repaint", "image_size", "num_blocks", "head_features", "jump_length", "num_resamples"),
            ("repaint.features", lambda features: features > 0 and features % 2 == 0, "an even number above 0"),
            ("repaint.multipliers", all_positive, "one or more, each 1 or more"),
            ("repaint.attention_sides", lambda sides: min(sides, default=1) > 0, "each 1 or more"),
            ("repaint.drop_rate", lambda rate: 0 <= rate < 1, "0 or more and below 1"),
            ("repaint.num_steps", lambda steps: 2 <= steps <= NUM_TRAINED, f"from 2 to {NUM_TRAINED}"),
        ),
        # As guided-diffusion trains; the published network's name says 250,000 steps.
        shared={
            "optimizer.learning_rate": 1e-4,
            "optimizer.weight_decay": 0.0,
            "optimizer.ema": 0.9999,
            "train.num_steps": 250_000,
        },
        drawn={
            "repaint.image_size": 64,
            "repaint.features": 16,
            "repaint.multipliers": (1, 2, 4),
            "repaint.num_blocks": 1,
            "repaint.attention_sides": (16,),
            "repaint.head_features": 32,
            "repaint.num_steps": 25,
            "repaint.jump_length": 5,
            "repaint.num_resamples": 3,
            "optimizer.ema": 0.95,
            # Each costs 25 steps: 128, and a batch of 64 that is shown, took 59 s beside 112 s of training.
            "data.validation_examples": 16,
            "data.eval_batch_size": 16,
        },
        check=_check_repaint,
    ),
}
