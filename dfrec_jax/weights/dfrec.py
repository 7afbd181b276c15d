"""Rules of the published DFREC checkpoint: three state dicts, one for each module, in both directions.

`rules.port` reads by them, `inverse.restore` writes by them. Tensors that the published network carries and never uses
have a rule without a target; they are handed back, so that an export is complete.
"""

import re
from collections.abc import Iterable, Mapping

import numpy as np

from dfrec_jax.weights.layers import COUNTERS, batch_norm, convolution, dense, pointwise
from dfrec_jax.weights.rules import Rule, WeightsError, linear, port

Tensors = Mapping[str, np.ndarray]
NUM_LEVELS = 4  # of the published SIRM above its bottleneck


def patch_kernel(tensor: np.ndarray) -> np.ndarray:
    """A convolution over whole patches (D, 3, p, p) as a product with patches flattened row, column, channel."""
    return tensor.transpose(2, 3, 1, 0).reshape(-1, tensor.shape[0])


def efficientnet(source: str, target: str) -> tuple[Rule, ...]:
    """The backbone in the names of efficientnet_pytorch 0.7; `source` is a pattern before its names."""
    block, ours = rf"{source}_blocks\.(\d+)\.", rf"{target}/block_\1"
    return (
        *convolution(rf"{source}_conv_stem", f"{target}/stem_conv"),
        *batch_norm(rf"{source}_bn0", f"{target}/stem_norm"),
        *convolution(f"{block}_expand_conv", f"{ours}/expand_conv"),
        *batch_norm(f"{block}_bn0", f"{ours}/expand_norm"),
        *convolution(f"{block}_depthwise_conv", f"{ours}/depthwise_conv"),
        *batch_norm(f"{block}_bn1", f"{ours}/depthwise_norm"),
        *pointwise(f"{block}_se_reduce", f"{ours}/squeeze_excite/reduce"),
        *pointwise(f"{block}_se_expand", f"{ours}/squeeze_excite/expand"),
        *convolution(f"{block}_project_conv", f"{ours}/project_conv"),
        *batch_norm(f"{block}_bn2", f"{ours}/project_norm"),
        Rule(rf"{source}_(conv_head|bn1|fc)\..*", None, reason="the ImageNet classifier, which the ISM does not use"),
    )


def _conv_norm(conv: str, norm: str, target: str) -> tuple[Rule, ...]:
    return (*convolution(conv, f"{target}/conv"), *batch_norm(norm, f"{target}/norm"))


def _separable(source: str, norm: str, target: str) -> tuple[Rule, ...]:
    return (
        *convolution(rf"{source}\.0", f"{target}/depthwise"),
        *_conv_norm(rf"{source}\.1", norm, f"{target}/pointwise"),
    )


def _ism_rules() -> tuple[Rule, ...]:
    """segmentation-models-pytorch 0.3.3, DeepLabV3Plus."""
    ours, pyramid = "ism/decoder", r"decoder\.aspp\.0"
    branches = (
        _separable(rf"{pyramid}\.convs\.{i + 1}\.0", rf"{pyramid}\.convs\.{i + 1}\.1", f"{ours}/pyramid/atrous_{i}")
        for i in range(3)
    )
    return (
        COUNTERS,
        *efficientnet(r"encoder\.", "ism/backbone"),
        *_conv_norm(rf"{pyramid}\.convs\.0\.0", rf"{pyramid}\.convs\.0\.1", f"{ours}/pyramid/near"),
        *(rule for branch in branches for rule in branch),
        *_conv_norm(rf"{pyramid}\.convs\.4\.1", rf"{pyramid}\.convs\.4\.2", f"{ours}/pyramid/pooled"),
        *_conv_norm(rf"{pyramid}\.project\.0", rf"{pyramid}\.project\.1", f"{ours}/pyramid/project"),
        *_separable(r"decoder\.aspp\.1", r"decoder\.aspp\.2", f"{ours}/refine_deep"),
        *_conv_norm(r"decoder\.block1\.0", r"decoder\.block1\.1", f"{ours}/low_level"),
        *_separable(r"decoder\.block2\.0", r"decoder\.block2\.1", f"{ours}/refine"),
        *convolution(r"segmentation_head\.0", "ism/segmentation_head"),
    )


_CLASSIFIER = dense(r"classification_head\.\d", "ism/classification_head")
_NO_CLASSIFIER = Rule(r"classification_head\..*", None, reason="a head that the published inference leaves out")


def _conv_block(source: str, target: str) -> tuple[Rule, ...]:
    rules = ()
    for index, (conv, norm) in enumerate(((0, 1), (3, 4))):
        rules += convolution(rf"{source}\.conv\.{conv}", f"{target}/conv_{index}")
        rules += batch_norm(rf"{source}\.conv\.{norm}", f"{target}/norm_{index}")
    return rules


def _gate(source: str, target: str) -> tuple[Rule, ...]:
    rules = convolution(rf"{source}\.Conv1x1", f"{target}/own_psi")
    for theirs, ours in (("W_g", "gate"), ("W_x", "skip"), ("psi", "psi"), ("W", "own")):
        rules += convolution(rf"{source}\.{theirs}\.0", f"{target}/{ours}_conv")
        rules += batch_norm(rf"{source}\.{theirs}\.1", f"{target}/{ours}_norm")
    return rules


def _sirm_rules() -> tuple[Rule, ...]:
    """SourceRecoverNet_Attention2; its Conv1 and Up2 work on our level 0."""
    rules = (COUNTERS,)
    for level in range(NUM_LEVELS):
        rules += _conv_block(f"Conv{level + 1}", f"sirm/encode_{level}")
        rules += convolution(rf"Up{level + 2}\.up\.1", f"sirm/up_{level}/conv")
        rules += batch_norm(rf"Up{level + 2}\.up\.2", f"sirm/up_{level}/norm")
        rules += _gate(f"Att{level + 2}", f"sirm/gate_{level}")
        rules += _conv_block(f"Up_conv{level + 2}", f"sirm/decode_{level}")
    rules += _conv_block(f"Conv{NUM_LEVELS + 1}", "sirm/bottleneck")
    rules += _conv_block("tConv4", "sirm/target_tokens")
    return rules + convolution("Conv_1x1", "sirm/to_rgb")


def _layer_norm(source: str, target: str) -> tuple[Rule, ...]:
    return (Rule(rf"{source}\.weight", f"params/{target}/scale"), Rule(rf"{source}\.bias", f"params/{target}/bias"))


def _transformer(source: str, target: str) -> tuple[Rule, ...]:
    """torchvision's ViT Encoder, of either naming of its MLP."""
    block, ours = rf"{source}\.layers\.encoder_layer_(\d+)", rf"{target}/block_\1"
    return (
        *_layer_norm(rf"{block}\.ln_1", f"{ours}/attention_norm"),
        Rule(rf"{block}\.self_attention\.in_proj_weight", f"params/{ours}/attention/qkv/kernel", linear),
        Rule(rf"{block}\.self_attention\.in_proj_bias", f"params/{ours}/attention/qkv/bias"),
        *dense(rf"{block}\.self_attention\.out_proj", f"{ours}/attention/out"),
        *_layer_norm(rf"{block}\.ln_2", f"{ours}/mlp_norm"),
        *dense(rf"{block}\.mlp\.(?:0|linear_1)", f"{ours}/mlp_in"),
        *dense(rf"{block}\.mlp\.(?:3|linear_2)", f"{ours}/mlp_out"),
        *_layer_norm(rf"{source}\.ln", f"{target}/norm"),
    )


def _tirm_rules() -> tuple[Rule, ...]:
    """MAE of lightly's modules over a torchvision ViT."""
    return (
        Rule("mask_token", "params/tirm/decoder/mask_token"),
        Rule(r"backbone\.class_token", "params/tirm/encoder/class_token"),
        Rule(r"backbone\.conv_proj\.weight", "params/tirm/encoder/patch_embedding/kernel", patch_kernel),
        Rule(r"backbone\.conv_proj\.bias", "params/tirm/encoder/patch_embedding/bias"),
        Rule(r"backbone\.encoder\.pos_embedding", "params/tirm/encoder/positions/table"),
        *_transformer(r"backbone\.encoder", "tirm/encoder/transformer"),
        Rule(r"backbone\.heads\.head\..*", None, reason="the ImageNet classifier, which the TIRM does not use"),
        Rule(r"decoder\.pos_embedding", "params/tirm/decoder/positions/table"),
        *_transformer("decoder", "tirm/decoder/transformer"),
        *dense(r"decoder\.decoder_embed", "tirm/decoder/fusion"),
        *dense(r"decoder\.prediction_head", "tirm/decoder/to_pixels"),
    )


MODULES = {"state_dict": "ism", "recover1_state_dict": "sirm", "recover2_state_dict": "tirm"}  # entry -> ours
_RULES = {"state_dict": _ism_rules(), "recover1_state_dict": _sirm_rules(), "recover2_state_dict": _tirm_rules()}


def dfrec_rules(entry: str, expected: Iterable[str]) -> tuple[Rule, ...]:
    """The rules of one entry of the checkpoint, for a network whose variables have the paths `expected`.

    A classification head is taken where ours has one, and kept aside like other unused tensors where it has none.
    """
    rules = _RULES[entry]
    if entry != "state_dict":
        return rules
    return rules + (_CLASSIFIER if "params/ism/classification_head/kernel" in expected else (_NO_CLASSIFIER,))


def port_dfrec(
    checkpoint: Mapping[str, Tensors], expected: Mapping[str, tuple[int, ...]]
) -> tuple[dict[str, np.ndarray], dict[str, dict[str, np.ndarray]]]:
    """The published checkpoint as our variables.

    Args:
      checkpoint: the entries of `MODULES`, each {name: tensor}; names may begin with `module.`, other entries (`epoch`,
        `acc1`) are not read.
      expected: path and shape of every variable of `Dfrec`, of `models.dfrec.variable_shapes`.

    Returns:
      Our flat {path: array}, and the tensors that the published network does not use, {entry: {name: array}}: export
      writes these back.

    Raises:
      WeightsError: where an entry is missing, or a tensor does not fit (see `rules.port`); the message names it.
    """
    missing = [entry for entry in MODULES if entry not in checkpoint]
    if missing:
        raise WeightsError(
            f"the checkpoint lacks {missing}; it has {sorted(checkpoint)}. A DFREC checkpoint has {sorted(MODULES)}"
        )
    variables: dict[str, np.ndarray] = {}
    unused: dict[str, dict[str, np.ndarray]] = {}
    for entry, module in MODULES.items():
        own = {path: shape for path, shape in expected.items() if path.split("/")[1] == module}
        rules = dfrec_rules(entry, own)
        tensors = {name.removeprefix("module."): tensor for name, tensor in checkpoint[entry].items()}
        try:
            variables |= port(tensors, rules, own)
        except WeightsError as error:
            raise WeightsError(
                f"{entry}: {error}. The published checkpoint is that of mode='released', without a classifier"
            ) from error
        unused[entry] = {name: tensor for name, tensor in tensors.items() if _is_unused(name, rules)}
    return variables, unused


def _is_unused(name: str, rules: tuple[Rule, ...]) -> bool:
    return next(rule.target is None for rule in rules if re.fullmatch(rule.source, name))


def mae_encoder(*, learned_positions: bool) -> tuple[Rule, ...]:
    """A pretrained encoder of facebookresearch/mae as the TIRM's.

    Args:
      learned_positions: whether ours stores its positions; otherwise it computes the sines and cosines that the file
        holds, and the file's are left out.
    """
    ours, block = "tirm/encoder", r"blocks\.(\d+)"
    target = rf"{ours}/transformer/block_\1"
    positions = Rule("pos_embed", f"params/{ours}/positions/table")
    return (
        positions if learned_positions else Rule("pos_embed", None, reason="fixed sines and cosines, computed here"),
        Rule("cls_token", f"params/{ours}/class_token"),
        Rule(r"patch_embed\.proj\.weight", f"params/{ours}/patch_embedding/kernel", patch_kernel),
        Rule(r"patch_embed\.proj\.bias", f"params/{ours}/patch_embedding/bias"),
        *_layer_norm(rf"{block}\.norm1", f"{target}/attention_norm"),
        *dense(rf"{block}\.attn\.qkv", f"{target}/attention/qkv"),
        *dense(rf"{block}\.attn\.proj", f"{target}/attention/out"),
        *_layer_norm(rf"{block}\.norm2", f"{target}/mlp_norm"),
        *dense(rf"{block}\.mlp\.fc1", f"{target}/mlp_in"),
        *dense(rf"{block}\.mlp\.fc2", f"{target}/mlp_out"),
        *_layer_norm("norm", f"{ours}/transformer/norm"),
        Rule(r"(mask_token|decoder_.*)", None, reason="MAE's own decoder, which ours is not"),
    )


def imagenet_backbone() -> tuple[Rule, ...]:
    """efficientnet_pytorch's ImageNet weights as the ISM's backbone."""
    return (COUNTERS, *efficientnet("", "ism/backbone"))
