"""Fixtures of the networks that DFREC trains, and of the published inference path."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict

from dfrec_jax.config import defaults
from dfrec_jax.models.dfrec import build, variable_shapes
from dfrec_jax.models.efficientnet import EfficientNet
from dfrec_jax.models.ism import Ism
from dfrec_jax.models.mae import MaskedEncoder
from dfrec_jax.models.sirm import Sirm
from dfrec_jax.models.tirm import Tirm
from dfrec_jax.nets.normalisation import imagenet_normalise
from dfrec_jax.nets.patches import patchify
from dfrec_jax.nets.transformer import VitSize
from dfrec_jax.weights.dfrec import MODULES, dfrec_rules, mae_encoder, port_dfrec
from dfrec_jax.weights.rules import Rule, port
from tests.parity_case import Arrays, Case, Covered, channels_first

SHOWN_CHANNELS = {"features": 8, "encoded": 16, "tokens": 64}  # of the wide arrays a fixture keeps the first


def _ported(module: Any, scope: str, tensors: Arrays, rules: tuple[Rule, ...], *inputs: Any, **static: Any) -> Any:
    """Variables of `module`, which stands at `scope` in DFREC, from a foreign state dict."""
    abstract = jax.eval_shape(lambda *inputs: module.init(jax.random.key(0), *inputs, **static), *inputs)
    shapes = {}
    for path, leaf in flatten_dict(abstract, sep="/").items():
        collection, rest = path.split("/", 1)
        shapes[f"{collection}/{scope}/{rest}"] = leaf.shape
    tree = unflatten_dict(port(tensors, rules, shapes), sep="/")
    for name in scope.split("/"):
        tree = {collection: content[name] for collection, content in tree.items()}
    return tree


def ism(case: Case) -> Arrays:
    """The map, and three feature maps of the backbone."""
    image = case.image()
    module = Ism(classifier=False)
    variables = _ported(module, "ism", case.fill(), dfrec_rules("state_dict", ()), image, train=False)

    @jax.jit
    def run(variables: Any, image: jax.Array) -> tuple[jax.Array, tuple[jax.Array, ...]]:
        backbone = {collection: content["backbone"] for collection, content in variables.items()}
        features = EfficientNet().apply(backbone, image, train=False)
        return module.apply(variables, image, train=False).source_map, features[-3:]

    source_map, features = run(variables, image)
    shown = {
        f"feature_{index}": channels_first(feature)[:, : SHOWN_CHANNELS["features"]]
        for index, feature in enumerate(features, start=3)
    }
    return {"probability_map": channels_first(source_map), **shown}


def sirm(case: Case) -> Arrays:
    """The source face, the tokens and both pooled halves."""
    image = case.image()
    module: Sirm = build(defaults.resolve(defaults.dfrec("released"))).sirm
    variables = _ported(module, "sirm", case.fill(), dfrec_rules("recover1_state_dict", ()), image, train=False)
    out = jax.jit(lambda variables, image: module.apply(variables, image, train=False))(variables, image)
    return {
        "source_face": channels_first(out.source_face),
        "target_tokens": out.target_tokens,
        "f_s": out.source_features,
        "f_t": out.target_features,
    }


def tirm(case: Case, vit: str) -> Arrays:
    """Masking, encoder, decoder and paste, with the released code's thresholds and index accident."""
    config = defaults.dfrec("released")
    config.tirm.vit = vit
    module: Tirm = build(defaults.resolve(config)).tirm
    source_map = np.moveaxis(case.arrays["source_map"], 1, -1)
    inputs = (case.image(), source_map, case.arrays["target_tokens"], case.arrays["noise"])
    variables = _ported(module, "tirm", case.fill(), dfrec_rules("recover2_state_dict", ()), *inputs)
    out = jax.jit(module.apply)(variables, *inputs)
    return {
        "idx_keep": out.split.idx_keep,
        "idx_mask": out.split.idx_mask,
        "predicted_patches": out.target_patches,
        "target_face": channels_first(out.target_face),
        "encoded": out.visible_tokens[..., : SHOWN_CHANNELS["encoded"]],
    }


def official_pipeline(case: Case) -> Arrays:
    """The published checkpoint, whole, from image to both faces."""
    config = defaults.resolve(defaults.dfrec("released"))
    network = build(config)
    checkpoint = {entry: case.fill(f"{entry}/") for entry in MODULES}
    ported, _ = port_dfrec(checkpoint, variable_shapes(network, config.image_size))
    run = jax.jit(lambda variables, image, noise: network.apply(variables, image, None, train=False, noise=noise))
    out = run(unflatten_dict(ported, sep="/"), case.image(), case.arrays["noise"])
    return {
        "probability_map": channels_first(out.source_map),
        "source_face": channels_first(out.source_face),
        "target_face": channels_first(out.target_face),
        "idx_keep": out.idx_keep,
        "idx_mask": out.idx_mask,
    }


def mae(case: Case) -> Arrays:
    """The encoder that a TIRM may start from, on all patches."""
    module = MaskedEncoder(VitSize(*defaults.VIT_SIZES["b"]), learned_positions=True)
    patches = patchify(imagenet_normalise(jnp.asarray(case.image())), 16)
    variables = _ported(module, "tirm/encoder", case.fill(), mae_encoder(learned_positions=True), patches)
    tokens = jax.jit(module.apply)(variables, patches)
    return {"tokens": tokens[..., : SHOWN_CHANNELS["tokens"]]}


_TIRM_INPUTS = ("image_u8", "source_map", "noise", "target_tokens")
COVERED: dict[str, Covered] = {
    "ism_deeplabv3plus_efficientnet_b0": Covered(("image_u8",), ism),
    "sirm_attention_unet": Covered(("image_u8",), sirm),
    "tirm_mae_vit_b_16": Covered(_TIRM_INPUTS, lambda case: tirm(case, "b")),
    "tirm_mae_vit_l_16": Covered(_TIRM_INPUTS, lambda case: tirm(case, "l")),
    "official_pipeline_vit_l_16": Covered(("image_u8", "noise"), official_pipeline),
    "mae_encoder_vit_b_16": Covered(("image_u8",), mae),
}
