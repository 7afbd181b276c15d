"""Defaults, modes, and the configs that ship."""

import importlib
from pathlib import Path

import pytest

from dfrec_jax.config import defaults, rules, tasks
from dfrec_jax.config.errors import ConfigError
from dfrec_jax.paper import table_data
from dfrec_jax.paper.tables import TABLES
from tests import tiny

CONFIGS = sorted(path.stem for path in (Path(__file__).parents[2] / "configs").glob("*.py"))
CONFIGS.remove("attributes")  # which is no DFREC: test_attributes.py


def test_the_papers_values_are_the_defaults():
    config = defaults.resolve(tiny.full_size())
    rules.validate(config)
    loss = config.loss
    assert (loss.target_identity, loss.target_perceptual) == (2, 2)
    assert (loss.perceptual, loss.attribute, loss.patch) == (0.5, 0.5, 0.5)
    assert (config.optimizer.learning_rate, config.optimizer.weight_decay) == (1e-4, 1e-5)
    assert (config.image_size, config.tirm.patch_size, config.tirm.mask_ratio) == (224, 16, 0.5)
    assert (defaults.num_patches(config), defaults.num_kept(config)) == (196, 98)


def test_released_mode_sets_what_the_code_does():
    config = defaults.resolve(tiny.full_size("released"))
    rules.validate(config)
    assert config.tirm.fusion == "rank"
    assert config.tirm.decoder_depth == 1
    assert config.tirm.full_map_threshold * 256 == 250
    assert config.tirm.patch_threshold * 256 == 50
    assert defaults.num_kept(config) == 98


def test_a_field_that_was_set_is_not_overwritten_by_the_mode():
    config = tiny.full_size()
    config.tirm.decoder_depth = 7
    assert defaults.resolve(config).tirm.decoder_depth == 7
    assert config.tirm.fusion is None  # resolve works on a copy


def test_overrides_are_typed():
    config = tiny.full_size()
    with pytest.raises(TypeError):
        config.train.batch_size = "many"
    with pytest.raises(AttributeError):
        config.lock().train.batchsize = 3


@pytest.mark.parametrize("name", CONFIGS)
def test_every_config_that_ships_is_valid(name):
    config = tasks.resolved(importlib.import_module(f"configs.{name}").get_config())
    if config.data.dataset != "embedded" and not config.data.dir:
        config.data.dir = "prepared"
    tasks.validate(config)


def test_every_size_of_the_faces_config_is_valid():
    faces = importlib.import_module("configs.faces")
    assert set(faces.SIZES) == {"cpu", "gpu", "gpu_stem"}
    for size in faces.SIZES:
        config = faces.get_config(size)
        config.data.dir = "prepared"
        rules.validate(defaults.resolve(config))


def test_the_papers_data_sets_have_configs_whose_runs_stand_in_its_tables():
    found = []
    for name, attacks in (
        ("megafs", ("ftm", "idinjection", "lcr")), ("faceforensics", ("deepfakes", "faceshifter", "lcr")),
        ("ffhq_e4s", ("",)),
    ):  # fmt: skip
        config_file = importlib.import_module(f"configs.{name}")
        found += [table_data.of_config(config_file.get_config(attack)) for attack in attacks]
    assert set(found) == {column.data for column in TABLES[0].columns}


@pytest.mark.parametrize("name", ["megafs", "faces", "faceforensics", "compared"])
def test_a_config_refuses_an_unknown_argument(name):
    with pytest.raises(ConfigError, match="must be one of"):
        importlib.import_module(f"configs.{name}").get_config("nonsense")
