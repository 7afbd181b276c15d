"""Names and shapes of the published DFREC checkpoint, in PyTorch's layout, for networks that never were in such a file.

The blocks and their order are those of segmentation-models-pytorch 0.3.3 (DeepLabV3Plus over EfficientNet-B0), of the
released SourceRecoverNet_Attention2 and of its MAE over a torchvision ViT.
"""

from collections.abc import Iterator
from typing import NamedTuple

Shapes = dict[str, tuple[int, ...]]
Entries = Iterator[tuple[str, tuple[int, ...]]]

# EfficientNet-B0: kernel, expansion, output channels and repeats of each stage; squeeze to a quarter of the input.
_STAGES = (
    (3, 1, 16, 1), (3, 6, 24, 2), (5, 6, 40, 2), (3, 6, 80, 3), (5, 6, 112, 3), (5, 6, 192, 4), (3, 6, 320, 1),
)  # fmt: skip


class Sizes(NamedTuple):
    """What may differ between networks of the published kind; the defaults are the published file's."""

    vit_width: int = 1024
    vit_depth: int = 24
    decoder_width: int = 512
    decoder_depth: int = 1
    sirm_features: tuple[int, ...] = (32, 64, 128, 256)
    sirm_bottleneck: int = 1024
    num_patches: int = 196
    num_kept: int = 98
    patch_values: int = 768
    ism_features: int = 256
    has_classifier: bool = False


def published_shapes(sizes: Sizes) -> dict[str, Shapes]:
    """`{entry: {name: shape}}` of the three state dicts, with unused tensors, in the order of the published file."""
    return {
        "state_dict": dict(_ism(sizes)),
        "recover1_state_dict": dict(_sirm(sizes)),
        "recover2_state_dict": dict(_tirm(sizes)),
    }


def _conv(name: str, fan_in: int, fan_out: int, kernel: int = 1, *, bias: bool = True) -> Entries:
    yield f"{name}.weight", (fan_out, fan_in, kernel, kernel)
    if bias:
        yield f"{name}.bias", (fan_out,)


def _linear(name: str, fan_in: int, fan_out: int) -> Entries:
    yield f"{name}.weight", (fan_out, fan_in)
    yield f"{name}.bias", (fan_out,)


def _norm(name: str, features: int) -> Entries:
    for tensor in ("weight", "bias", "running_mean", "running_var"):
        yield f"{name}.{tensor}", (features,)
    yield f"{name}.num_batches_tracked", ()


def _efficientnet(name: str) -> Entries:
    yield from _conv(f"{name}._conv_stem", 3, 32, 3, bias=False)
    yield from _norm(f"{name}._bn0", 32)
    index, features = 0, 32
    for kernel, expansion, output, repeats in _STAGES:
        for _ in range(repeats):
            block, wide = f"{name}._blocks.{index}", features * expansion
            if expansion > 1:
                yield from _conv(f"{block}._expand_conv", features, wide, bias=False)
                yield from _norm(f"{block}._bn0", wide)
            yield from _conv(f"{block}._depthwise_conv", 1, wide, kernel, bias=False)
            yield from _norm(f"{block}._bn1", wide)
            yield from _conv(f"{block}._se_reduce", wide, features // 4)
            yield from _conv(f"{block}._se_expand", features // 4, wide)
            yield from _conv(f"{block}._project_conv", wide, output, bias=False)
            yield from _norm(f"{block}._bn2", output)
            index, features = index + 1, output
    yield from _conv(f"{name}._conv_head", features, 1280, bias=False)
    yield from _norm(f"{name}._bn1", 1280)


def _separable(name: str, norm: str, fan_in: int, fan_out: int) -> Entries:
    yield from _conv(f"{name}.0", 1, fan_in, 3, bias=False)
    yield from _conv(f"{name}.1", fan_in, fan_out, bias=False)
    yield from _norm(norm, fan_out)


def _ism(sizes: Sizes) -> Entries:
    d, pyramid = sizes.ism_features, "decoder.aspp.0"
    yield from _efficientnet("encoder")
    yield from _conv(f"{pyramid}.convs.0.0", 320, d, bias=False)
    yield from _norm(f"{pyramid}.convs.0.1", d)
    for i in (1, 2, 3):
        yield from _separable(f"{pyramid}.convs.{i}.0", f"{pyramid}.convs.{i}.1", 320, d)
    yield from _conv(f"{pyramid}.convs.4.1", 320, d, bias=False)
    yield from _norm(f"{pyramid}.convs.4.2", d)
    yield from _conv(f"{pyramid}.project.0", 5 * d, d, bias=False)
    yield from _norm(f"{pyramid}.project.1", d)
    yield from _separable("decoder.aspp.1", "decoder.aspp.2", d, d)
    yield from _conv("decoder.block1.0", 24, 48, bias=False)
    yield from _norm("decoder.block1.1", 48)
    yield from _separable("decoder.block2.0", "decoder.block2.1", d + 48, d)
    yield from _conv("segmentation_head.0", d, 1)
    if sizes.has_classifier:
        yield from _linear("classification_head.3", 320, 1)


def _conv_block(name: str, fan_in: int, fan_out: int) -> Entries:
    for index, features in ((0, fan_in), (3, fan_out)):
        yield from _conv(f"{name}.conv.{index}", features, fan_out, 3)
        yield from _norm(f"{name}.conv.{index + 1}", fan_out)


def _gate(name: str, features: int) -> Entries:
    inner = features // 2
    yield from _conv(f"{name}.W.0", features, inner)
    yield from _norm(f"{name}.W.1", inner)
    yield from _conv(f"{name}.Conv1x1", inner, 1, bias=False)
    for branch in ("W_g", "W_x"):
        yield from _conv(f"{name}.{branch}.0", features, inner)
        yield from _norm(f"{name}.{branch}.1", inner)
    yield from _conv(f"{name}.psi.0", inner, 1)
    yield from _norm(f"{name}.psi.1", 1)


def _sirm(sizes: Sizes) -> Entries:
    levels = (*sizes.sirm_features, sizes.sirm_bottleneck)
    for index, (fan_in, fan_out) in enumerate(zip((3, *levels), levels, strict=False)):
        yield from _conv_block(f"Conv{index + 1}", fan_in, fan_out)
    below = sizes.sirm_bottleneck // 2
    for index in reversed(range(len(sizes.sirm_features))):
        features = sizes.sirm_features[index]
        yield from _conv(f"Up{index + 2}.up.1", below, features, 3)
        yield from _norm(f"Up{index + 2}.up.2", features)
        yield from _conv_block(f"Up_conv{index + 2}", 2 * features, features)
        yield from _gate(f"Att{index + 2}", features)
        below = features
    yield from _conv("Conv_1x1", below, 3)
    yield from _conv_block("tConv4", sizes.sirm_bottleneck // 2, sizes.num_kept)


def _layer_norm(name: str, features: int) -> Entries:
    yield f"{name}.weight", (features,)
    yield f"{name}.bias", (features,)


def _transformer(name: str, width: int, depth: int, num_tokens: int) -> Entries:
    yield f"{name}.pos_embedding", (1, num_tokens, width)
    for index in range(depth):
        block = f"{name}.layers.encoder_layer_{index}"
        yield from _layer_norm(f"{block}.ln_1", width)
        yield f"{block}.self_attention.in_proj_weight", (3 * width, width)
        yield f"{block}.self_attention.in_proj_bias", (3 * width,)
        yield from _linear(f"{block}.self_attention.out_proj", width, width)
        yield from _layer_norm(f"{block}.ln_2", width)
        yield from _linear(f"{block}.mlp.0", width, 4 * width)
        yield from _linear(f"{block}.mlp.3", 4 * width, width)
    yield from _layer_norm(f"{name}.ln", width)


def _tirm(sizes: Sizes) -> Entries:
    width, decoder, num_tokens = sizes.vit_width, sizes.decoder_width, sizes.num_patches + 1
    patch_size = round((sizes.patch_values // 3) ** 0.5)
    yield "mask_token", (1, 1, decoder)
    yield "backbone.class_token", (1, 1, width)
    yield from _conv("backbone.conv_proj", 3, width, patch_size)
    yield from _transformer("backbone.encoder", width, sizes.vit_depth, num_tokens)
    yield from _linear("backbone.heads.head", width, 1000)
    yield from _transformer("decoder", decoder, sizes.decoder_depth, num_tokens)
    yield from _linear("decoder.decoder_embed", width + sizes.num_patches, decoder)
    yield from _linear("decoder.prediction_head", decoder, sizes.patch_values)
