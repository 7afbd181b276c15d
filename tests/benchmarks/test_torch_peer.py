"""PyTorch's step of `benchmarks/train_step.py` computes what ours does: the same loss and gradients."""

import importlib
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
from flax.traverse_util import flatten_dict, unflatten_dict

from dfrec_jax.config import defaults
from dfrec_jax.examples import fields
from dfrec_jax.frozen import attributes, blueprint, facenet, load, vgg
from dfrec_jax.frozen.resnet import torchvision_rules
from dfrec_jax.models import dfrec, efficientnet, ism, masking
from dfrec_jax.training.streams import stream
from dfrec_jax.training.tasks.dfrec import make_loss
from dfrec_jax.weights.dfrec import port_dfrec
from dfrec_jax.weights.layers import COUNTERS, dense
from dfrec_jax.weights.rules import port

SIZE, ROWS = 64, 4


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'dfrec-jax[convert]'")


@pytest.fixture
def peer(torch, monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "benchmarks")
    torch.manual_seed(0)
    made = importlib.import_module("torch_peer").Peer(32, 2, 2, SIZE)
    made.network.without_dropout()
    for layer in made.frozen.modules():  # PyTorch's default lets the activations of a deep network die out
        if isinstance(layer, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(layer.weight)
    for block in made.frozen.attributes.modules():
        if hasattr(block, "bn3"):
            torch.nn.init.constant_(block.bn3.weight, 0.2)  # and those of sixteen residuals grow beyond tanh
    yield made
    for name in ("torch_peer", "torch_dfrec", "torch_networks"):
        sys.modules.pop(name)


def _tensors(module):
    return {name: tensor.detach().numpy() for name, tensor in module.state_dict().items()}


def _ours(config, peer):
    """Our model, its variables and the frozen networks, all of the peer's weights."""
    model = dfrec.build(config)
    checkpoint = {entry: _tensors(module) for entry, module in peer.network.entries().items()}
    flat, _ = port_dfrec(checkpoint, dfrec.variable_shapes(model, config.image_size))
    rules = (*torchvision_rules("", "backbone/"), *dense("fc", "attributes"))
    expected = blueprint.expected_shapes(attributes.BLUEPRINT_LARGE)
    of_attributes = port(_tensors(peer.frozen.attributes), (*rules, COUNTERS), expected)
    constants = load.perceptors(
        {
            "identity": blueprint.from_tensors(facenet.BLUEPRINT, _tensors(peer.frozen.identity)),
            "perceptual": blueprint.from_tensors(vgg.BLUEPRINT, _tensors(peer.frozen.perceptual)),
            "attributes": blueprint._assemble(attributes.BLUEPRINT_LARGE, of_attributes, is_random=False),
        }
    )
    return model, unflatten_dict(flat, sep="/"), constants


@pytest.mark.slow
def test_the_same_loss_and_gradients(torch, peer, monkeypatch):
    monkeypatch.setattr(efficientnet, "DROP_RATE", 0.0)
    monkeypatch.setattr(ism, "POOLING_DROPOUT", 0.0)
    config = defaults.dfrec("released")
    config.image_size = SIZE
    config.tirm.width, config.tirm.depth, config.tirm.heads = 32, 2, 2
    config = defaults.resolve(config)
    model, variables, constants = _ours(config, peer)
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (3, ROWS, SIZE // 8, SIZE // 8, 3)).repeat(8, 2).repeat(8, 3).astype(np.uint8)
    points = np.full((ROWS, 5, 2), SIZE / 2, np.float32)
    batch = {
        **dict(zip(("image", "source", "target"), pictures, strict=True)),
        "source_mask": rng.integers(0, 256, (ROWS, SIZE, SIZE, 1), dtype=np.uint8),
        "is_forgery": np.arange(ROWS) < ROWS - 1,
        "has_source": np.arange(ROWS) != 1,
        "has_target": np.arange(ROWS) != 0,
        "has_mask": np.ones(ROWS, bool),
        "landmarks": points,
        "source_landmarks": points,
    }
    key = jax.random.key(1)
    noise = masking.draw_noise(jax.random.split(stream(key, "masks"), ROWS), defaults.num_patches(config))

    loss = make_loss(model, config)
    with jax.default_matmul_precision("highest"):
        (value, _), gradients = jax.jit(jax.value_and_grad(loss, has_aux=True))(
            variables["params"], variables["batch_stats"], constants, fields.to_float(batch), key
        )

    peer.train()
    theirs = peer({name: torch.from_numpy(value) for name, value in batch.items()}, torch.from_numpy(np.array(noise)))
    theirs.backward()
    np.testing.assert_allclose(value, theirs.item(), rtol=1e-4)

    of_peer = {entry: {} for entry in peer.network.entries()}
    for entry, module in peer.network.entries().items():
        of_peer[entry] = _tensors(module)  # the statistics, for the rules to find
        of_peer[entry] |= {name: parameter.grad.numpy() for name, parameter in module.named_parameters()}
    want, _ = port_dfrec(of_peer, dfrec.variable_shapes(model, SIZE))
    got = flatten_dict(gradients, sep="/")
    for part in ("ism", "sirm", "tirm"):
        ours, other = (
            np.concatenate([np.ravel(leaves[prefix + path]) for path in sorted(got) if path.startswith(part)])
            for leaves, prefix in ((got, ""), (want, "params/"))
        )
        assert np.linalg.norm(other) > 0, part
        # The gradient of a ReLU jumps where rounding decides a sign, and the ISM's comes through hundreds of them and
        # through norms over few values. A wrong weight or a lost term of the loss is further off, and is in its value.
        assert np.linalg.norm(ours - other) < 0.1 * np.linalg.norm(other), part
