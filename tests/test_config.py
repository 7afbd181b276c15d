"""Defaults, modes and the refusal of what cannot be run."""

import importlib
from pathlib import Path

import pytest

from dfrec_jax import config as config_lib
from dfrec_jax.config import ConfigError
from tests import tiny

CONFIGS = sorted(path.stem for path in (Path(__file__).parent.parent / "configs").glob("*.py"))
CONFIGS.remove("attributes")  # which is no DFREC: test_config_attributes.py


def _valid(mode="paper"):
    config = config_lib.dfrec(mode)
    config.data.bi_share = 0.0
    return config


def test_the_papers_values_are_the_defaults():
    config = config_lib.resolve(_valid())
    config_lib.validate(config)
    loss = config.loss
    assert (loss.target_identity, loss.target_perceptual) == (2, 2)
    assert (loss.perceptual, loss.attribute, loss.patch) == (0.5, 0.5, 0.5)
    assert (config.optimizer.learning_rate, config.optimizer.weight_decay) == (1e-4, 1e-5)
    assert (config.image_size, config.tirm.patch_size, config.tirm.mask_ratio) == (224, 16, 0.5)
    assert (config_lib.num_patches(config), config_lib.num_kept(config)) == (196, 98)


def test_released_mode_sets_what_the_code_does():
    config = config_lib.resolve(_valid("released"))
    config_lib.validate(config)
    assert config.tirm.fusion == "rank"
    assert config.tirm.decoder_depth == 1
    assert config.tirm.full_map_threshold * 256 == 250
    assert config.tirm.patch_threshold * 256 == 50
    assert config_lib.num_kept(config) == 98


def test_a_field_that_was_set_is_not_overwritten_by_the_mode():
    config = _valid()
    config.tirm.decoder_depth = 7
    assert config_lib.resolve(config).tirm.decoder_depth == 7
    assert config.tirm.fusion is None  # resolve works on a copy


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("mode", "official", "mode='official': must be one of"),
        ("tirm.vit", "xl", "tirm.vit='xl'"),
        ("tirm.mask_ratio", 1.0, "tirm.mask_ratio=1.0: must be between 0 and 1"),
        ("tirm.fusion", "token_map", "tirm.fusion='token_map'"),
        ("tirm.patch_size", 15, "use image_size=210"),
        ("image_size", 200, "image_size=200 with tirm.patch_size=16"),
        ("tirm.patch_size", 8, "use tirm.patch_size=16 or another number of levels"),
        ("sirm.stem", 0, "sirm.stem=0: must be a positive number of pixels"),
        ("sirm.stem", 2, "sirm.stem=2: target tokens .* use tirm.patch_size=32"),
        ("sirm.stem", 3, "image_size=224: must be a multiple of 48.* a stem of 3"),
        ("tirm.mask_ratio", 0.001, "keeps 196 of 196 patches"),
        ("tirm.pixels", "convs", "tirm.pixels='convs': must be one of"),
        ("optimizer.name", "sgd", "optimizer.name='sgd': must be one of"),
        ("ism.depth", 1.5, "ism.depth=1.5: must be above 0 and at most 1"),
        ("tirm.decoder_heads", 7, "tirm.decoder_width=512"),
        ("sirm.bottleneck", 1023, "must be even"),
        ("loss.patch", -1.0, "loss.patch=-1.0: must be 0 or more"),
        ("loss.reduction", "mean", "loss.reduction='mean'"),
        ("data.real_share", 1.5, "data.real_share=1.5"),
        ("data.leak", (0.5, 0.1), r"data.leak=\(0.5, 0.1\)"),
        ("data.bi_share", 0.5, "embedded swaps have known masks"),
        ("data.dataset", "celeba_megafs", "--config.data.dir=DIR"),
        ("optimizer.warmup_steps", 10**6, "must be below train.num_steps"),
        ("ism.classifier", False, "there is no logit"),
        ("ism.enabled", False, "nothing to supervise"),
        ("mesh.fsdp", 0, "mesh.fsdp=0"),
        ("seed", -1, "seed=-1"),
    ],
)
def test_a_wrong_value_is_refused_by_name(field, value, words):
    config = _valid()
    section, _, name = field.rpartition(".")
    (config[section] if section else config)[name] = value
    with pytest.raises(ConfigError, match=words):
        config_lib.validate(config_lib.resolve(config))


@pytest.mark.parametrize(
    ("field", "value"), [("tirm.mask_ratio", 0.75), ("image_size", 256), ("tirm.fusion", "position")]
)
def test_released_mode_is_fixed_to_the_published_network(field, value):
    config = _valid("released")
    section, _, name = field.rpartition(".")
    (config[section] if section else config)[name] = value
    with pytest.raises(ConfigError, match="mode='released'"):
        config_lib.validate(config_lib.resolve(config))


def test_real_and_bi_shares_cannot_exceed_the_batch():
    config = _valid()
    config.data.real_share, config.data.bi_share = 0.7, 0.6
    with pytest.raises(ConfigError, match="their sum must be at most 1"):
        config_lib.validate(config_lib.resolve(config))


def test_a_network_without_ism_has_no_place_for_known_maps():
    config = _valid()
    config.ism.enabled, config.ism.known_map = False, 0.5
    with pytest.raises(ConfigError, match="ism.known_map=0.5 with ism.enabled=False"):
        config_lib.validate(config_lib.resolve(config))


def test_overrides_are_typed():
    config = _valid()
    with pytest.raises(TypeError):
        config.train.batch_size = "many"
    with pytest.raises(AttributeError):
        config.lock().train.batchsize = 3


def test_the_tiny_config_of_the_tests_is_valid():
    config_lib.validate(tiny.config())


@pytest.mark.parametrize("name", CONFIGS)
def test_every_config_that_ships_is_valid(name):
    config = config_lib.resolve(importlib.import_module(f"configs.{name}").get_config())
    if config.data.dataset != "embedded" and not config.data.dir:
        config.data.dir = "prepared"
    config_lib.validate(config)


def test_every_size_of_the_faces_config_is_valid():
    faces = importlib.import_module("configs.faces")
    assert set(faces.SIZES) == {"cpu", "gpu", "gpu_stem"}
    for size in faces.SIZES:
        config = faces.get_config(size)
        config.data.dir = "prepared"
        config_lib.validate(config_lib.resolve(config))


@pytest.mark.parametrize("name", ["megafs", "faces"])
def test_a_config_refuses_an_unknown_argument(name):
    with pytest.raises(ConfigError, match="must be one of"):
        importlib.import_module(f"configs.{name}").get_config("nonsense")
