"""Config files read by name, and fields set by text."""

import pytest

from dfrec_jax.config import config_files
from dfrec_jax.config.errors import ConfigError
from tests import tiny


def test_a_config_that_ships_is_read_with_its_argument():
    assert config_files.config_of("--base", "configs/megafs.py:lcr").data.attack == "lcr"
    assert config_files.config_of("--base", "configs/hidden.py").name == "hidden_surroundings", "made of another config"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "--base=.*: .* is no file; name one under configs/"),
        ("def get_config(:", "cannot be read as Python .SyntaxError"),
        ("import no_such_thing", "cannot be read as Python .ModuleNotFoundError"),
        ("x = 1", "has no function get_config"),
        ("def get_config(): return 3", "gives a int, and no config"),
        ("def get_config(): return 1 / 0", "its get_config.. ends in ZeroDivisionError: division by zero"),
    ],
)
def test_a_base_that_is_no_config_is_named(tmp_path, content, message):
    path = tmp_path / "base.py"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError, match=message):
        config_files.config_of("--base", str(path))


def test_a_field_is_set_by_a_text_of_its_type():
    config = tiny.config()
    for text in ("train.num_steps=5", "data.dir=12", "data.leak=(0.0, 0.1)", "loss.patch=2", "ism.enabled=False"):
        config_files.set_field(config, *config_files.parsed(config, text, "--set"), "--set")
    assert (config.train.num_steps, config.data.dir, tuple(config.data.leak)) == (5, "12", (0.0, 0.1))
    assert config.loss.patch == 2.0 and config.ism.enabled is False


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("train.num_steps", "must be FIELD=VALUE"),
        ("train.steps=5", "the config has no field train.steps"),
        ("train=5", "train is a section; name one of its fields: .*num_steps"),
        ("train.num_steps=many", "'many' is no int"),
        ("train.num_steps=(1, 2)", "train.num_steps=.1, 2.: must be of type int"),
    ],
)
def test_a_text_that_sets_nothing_is_named(text, message):
    config = tiny.config()
    with pytest.raises(ConfigError, match=message):
        config_files.set_field(config, *config_files.parsed(config, text, "--set"), "--set")
