import re

import numpy as np
import pytest
from safetensors.numpy import save_file

from dfrec_jax.weights import registry
from dfrec_jax.weights.pretrained import load_pretrained
from dfrec_jax.weights.rules import WeightsError

WIDTH, DEPTH, PATCH = 8, 2, 4


def mae_tensors() -> dict[str, np.ndarray]:
    """A small MAE of facebookresearch's names, with its decoder."""
    shapes = {
        "cls_token": (1, 1, WIDTH),
        "pos_embed": (1, 5, WIDTH),
        "mask_token": (1, 1, 4),
        "decoder_embed.weight": (4, WIDTH),
        "patch_embed.proj.weight": (WIDTH, 3, PATCH, PATCH),
        "patch_embed.proj.bias": (WIDTH,),
        "norm.weight": (WIDTH,),
        "norm.bias": (WIDTH,),
    }
    for i in range(DEPTH):
        for layer, (fan_in, fan_out) in {
            "attn.qkv": (WIDTH, 3 * WIDTH),
            "attn.proj": (WIDTH, WIDTH),
            "mlp.fc1": (WIDTH, 4 * WIDTH),
            "mlp.fc2": (4 * WIDTH, WIDTH),
        }.items():
            shapes[f"blocks.{i}.{layer}.weight"], shapes[f"blocks.{i}.{layer}.bias"] = (fan_out, fan_in), (fan_out,)
        for layer in ("norm1", "norm2"):
            shapes[f"blocks.{i}.{layer}.weight"] = shapes[f"blocks.{i}.{layer}.bias"] = (WIDTH,)
    rng = np.random.default_rng(0)
    return {name: rng.standard_normal(shape, np.float32) for name, shape in shapes.items()}


def encoder_shapes(depth: int = DEPTH) -> dict[str, tuple[int, ...]]:
    """The encoder's variables, and one of another module."""
    own = "params/tirm/encoder"
    shapes = {
        f"{own}/class_token": (1, 1, WIDTH),
        f"{own}/patch_embedding/kernel": (3 * PATCH**2, WIDTH),
        f"{own}/patch_embedding/bias": (WIDTH,),
        f"{own}/transformer/norm/scale": (WIDTH,),
        f"{own}/transformer/norm/bias": (WIDTH,),
        "params/sirm/to_rgb/kernel": (1, 1, 4, 3),
    }
    for i in range(depth):
        block = f"{own}/transformer/block_{i}"
        for layer, (fan_in, fan_out) in {
            "attention/qkv": (WIDTH, 3 * WIDTH),
            "attention/out": (WIDTH, WIDTH),
            "mlp_in": (WIDTH, 4 * WIDTH),
            "mlp_out": (4 * WIDTH, WIDTH),
        }.items():
            shapes[f"{block}/{layer}/kernel"], shapes[f"{block}/{layer}/bias"] = (fan_in, fan_out), (fan_out,)
        for layer in ("attention_norm", "mlp_norm"):
            shapes[f"{block}/{layer}/scale"] = shapes[f"{block}/{layer}/bias"] = (WIDTH,)
    return shapes


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder that holds the small MAE as safetensors under the registry's name."""
    release = registry.find("mae-vit-b-16")._replace(entry="", sha256="", num_bytes=0)
    monkeypatch.setitem(registry.RELEASES, release.name, release)
    monkeypatch.setenv("DFREC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DFREC_OFFLINE", "1")
    (tmp_path / "given").mkdir()
    save_file(mae_tensors(), tmp_path / "given" / release.file)
    return str(tmp_path / "given")


def test_the_encoder_is_filled_and_nothing_else(folder):
    given, shapes = mae_tensors(), encoder_shapes()
    loaded = load_pretrained("tirm.initialisation", "mae-vit-b-16", shapes, weights_dir=folder)
    assert set(loaded) == {path for path in shapes if "tirm/encoder" in path}
    qkv = loaded["params/tirm/encoder/transformer/block_1/attention/qkv/kernel"]
    np.testing.assert_array_equal(qkv, given["blocks.1.attn.qkv.weight"].T)
    # A patch's values are flattened row, column, channel.
    kernel = loaded["params/tirm/encoder/patch_embedding/kernel"].reshape(PATCH, PATCH, 3, WIDTH)
    np.testing.assert_array_equal(kernel[1, 2, 0], given["patch_embed.proj.weight"][:, 0, 1, 2])


def test_stored_positions_are_taken_where_ours_are_stored(folder):
    shapes = encoder_shapes() | {"params/tirm/encoder/positions/table": (1, 5, WIDTH)}
    loaded = load_pretrained("tirm.initialisation", "mae-vit-b-16", shapes, weights_dir=folder)
    np.testing.assert_array_equal(loaded["params/tirm/encoder/positions/table"], mae_tensors()["pos_embed"])


def test_a_network_of_another_size_is_refused_with_the_size_that_fits(folder):
    with pytest.raises(WeightsError, match=re.escape("tirm.initialisation='mae-vit-b-16' needs tirm.vit='b'")):
        load_pretrained("tirm.initialisation", "mae-vit-b-16", encoder_shapes(depth=3), weights_dir=folder)


def test_a_name_that_does_not_fit_the_field_is_refused():
    with pytest.raises(WeightsError, match="ism.initialisation='mae-vit-b-16': must be one of efficientnet-b0"):
        load_pretrained("ism.initialisation", "mae-vit-b-16", {})
