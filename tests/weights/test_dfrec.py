import json

import numpy as np
import pytest

from dfrec_jax.config import defaults
from dfrec_jax.models.dfrec import build, variable_shapes
from dfrec_jax.weights.coverage import coverage
from dfrec_jax.weights.dfrec import MODULES, dfrec_rules, imagenet_backbone, mae_encoder, port_dfrec
from dfrec_jax.weights.inverse import restore
from dfrec_jax.weights.rules import WeightsError

DEPTH, WIDTH = 2, 64


@pytest.fixture(scope="module")
def listing(fixtures):
    """Name and shape of every tensor of the published checkpoint."""
    keys = json.loads((fixtures / "parity" / "released_state_dict_keys.json").read_text())
    return {entry: {name: tuple(shape) for name, shape in tensors.items()} for entry, tensors in keys.items()}


@pytest.fixture(scope="module")
def released():
    return variable_shapes(build(defaults.resolve(defaults.dfrec("released"))), 224)


def num_parameters(shapes):
    buffers = ("running_mean", "running_var", "num_batches_tracked")
    return sum(int(np.prod(shape)) for name, shape in shapes.items() if not name.endswith(buffers))


def test_every_tensor_of_the_published_checkpoint_has_its_place(listing, released):
    used = {"state_dict": 4_495_309, "recover1_state_dict": 17_569_839, "recover2_state_dict": 307_575_552}
    whole = {"state_dict": 4_907_469, "recover1_state_dict": 17_569_839, "recover2_state_dict": 308_600_552}
    for entry, module in MODULES.items():
        own = [path for path in released if path.split("/")[1] == module]
        tensors = {name: np.empty(0) for name in listing[entry]}
        found = coverage(tensors, dfrec_rules(entry, own), own)
        assert not found.unmatched and not found.unfilled and found.num_matched == len(own)
        assert num_parameters(listing[entry]) == whole[entry]
        ours = sum(int(np.prod(released[path])) for path in own if path.startswith("params/"))
        assert ours == used[entry]


def small(listing):
    """The checkpoint's names over a narrow ViT of two blocks, which is quick to fill."""
    narrow = {1024: WIDTH, 3072: 3 * WIDTH, 4096: 4 * WIDTH, 1220: WIDTH + 196}
    tirm = {
        name: tuple(narrow.get(size, size) for size in shape)
        for name, shape in listing["recover2_state_dict"].items()
        if not any(f"backbone.encoder.layers.encoder_layer_{index}." in name for index in range(DEPTH, 24))
    }
    return {**listing, "recover2_state_dict": tirm}


@pytest.fixture(scope="module")
def checkpoint(listing):
    rng = np.random.default_rng(0)
    return {
        entry: {name: rng.random(shape, np.float32) for name, shape in tensors.items()}
        for entry, tensors in small(listing).items()
    }


@pytest.fixture(scope="module")
def expected():
    config = defaults.dfrec("released")
    config.tirm.width, config.tirm.depth, config.tirm.heads = WIDTH, DEPTH, 4
    return variable_shapes(build(defaults.resolve(config)), 224)


def test_import_and_export_give_the_same_file(checkpoint, expected):
    variables, unused = port_dfrec(checkpoint, expected)
    assert {path: value.shape for path, value in variables.items()} == expected
    assert (
        "encoder._conv_head.weight" in unused["state_dict"]
        and "backbone.heads.head.bias" in unused["recover2_state_dict"]
    )
    for entry, module in MODULES.items():
        own = {path: value for path, value in variables.items() if path.split("/")[1] == module}
        shapes = {name: tensor.shape for name, tensor in checkpoint[entry].items()}
        written = dict(restore(own, dfrec_rules(entry, own), shapes, unused[entry].__getitem__))
        assert list(written) == list(checkpoint[entry])
        assert all(np.array_equal(written[name], tensor) for name, tensor in checkpoint[entry].items())


def test_other_spellings_are_the_same_checkpoint(checkpoint, expected):
    want, _ = port_dfrec(checkpoint, expected)
    spelled = {
        entry: {
            f"module.{name}".replace("mlp.0", "mlp.linear_1").replace("mlp.3", "mlp.linear_2"): tensor
            for name, tensor in tensors.items()
        }
        for entry, tensors in checkpoint.items()
    }
    got, _ = port_dfrec({**spelled, "epoch": {}}, expected)
    assert want.keys() == got.keys() and all(np.array_equal(want[path], got[path]) for path in want)


def test_a_classification_head_is_taken_or_kept_aside(checkpoint, expected):
    head = {"classification_head.3.weight": np.ones((1, 320), np.float32), "classification_head.3.bias": np.zeros(1)}
    with_head = {**checkpoint, "state_dict": {**checkpoint["state_dict"], **head}}
    variables, unused = port_dfrec(with_head, expected)
    assert not any("classification_head" in path for path in variables) and head.keys() <= unused["state_dict"].keys()
    own = {"params/ism/classification_head/kernel": (320, 1), "params/ism/classification_head/bias": (1,)}
    variables, unused = port_dfrec(with_head, {**expected, **own})
    assert (variables["params/ism/classification_head/kernel"] == 1).all()
    assert not any("classification_head" in name for name in unused["state_dict"])
    with pytest.raises(WeightsError, match="classification_head"):
        port_dfrec(checkpoint, {**expected, **own})


def test_a_foreign_file_is_refused_by_name(checkpoint, expected):
    with pytest.raises(WeightsError, match="recover2_state_dict"):
        port_dfrec({entry: checkpoint[entry] for entry in ("state_dict", "recover1_state_dict")}, expected)
    stranger = {**checkpoint, "state_dict": {**checkpoint["state_dict"], "encoder.layer1.weight": np.zeros(1)}}
    with pytest.raises(WeightsError, match=r"encoder\.layer1\.weight"):
        port_dfrec(stranger, expected)
    paper = variable_shapes(build(defaults.resolve(defaults.dfrec())), 224)
    with pytest.raises(WeightsError, match="published checkpoint is that of mode='released'"):
        port_dfrec(checkpoint, paper)


def test_starting_weights_cover_their_parts(listing, released):
    backbone = [path for path in released if "/ism/backbone/" in path]
    names = [name.removeprefix("encoder.") for name in listing["state_dict"] if name.startswith("encoder.")]
    found = coverage({name: np.empty(0) for name in (*names, "_fc.weight", "_fc.bias")}, imagenet_backbone(), backbone)
    assert not found.unmatched and not found.unfilled

    encoder = [path for path in released if "/tirm/encoder/" in path]
    block = ("norm1", "attn.qkv", "attn.proj", "norm2", "mlp.fc1", "mlp.fc2")
    layers = ["patch_embed.proj", "norm", *(f"blocks.{index}.{part}" for index in range(24) for part in block)]
    names = ["cls_token", "pos_embed", *(f"{layer}.{kind}" for layer in layers for kind in ("weight", "bias"))]
    tensors = {name: np.empty(0) for name in names}
    for learned in (True, False):
        wanted = [path for path in encoder if learned or not path.endswith("positions/table")]
        found = coverage(tensors, mae_encoder(learned_positions=learned), wanted)
        assert not found.unmatched and not found.unfilled and len(found.dropped) == (not learned)
