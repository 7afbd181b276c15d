"""The type of every field, in a config.json that somebody edited."""

import json

import pytest
from ml_collections import ConfigDict

from dfrec_jax.config import defaults, rules
from dfrec_jax.config.errors import ConfigError
from tests import tiny


@pytest.mark.parametrize(
    ("section", "name", "value", "words"),
    [
        ("", "image_size", "64", "image_size='64': must be a whole number"),
        ("", "image_size", 224.0, "image_size=224.0: must be a whole number"),
        ("", "image_size", None, "image_size=None: must be a whole number"),
        ("", "seed", True, "seed=True: must be a whole number"),
        ("", "remat", 1, "remat=1: must be True or False"),
        ("data", "dataset", 5, "data.dataset=5: must be a text"),
        ("data", "leak", "ab", "data.leak='ab': must be a list, of which each is a finite number"),
        ("sirm", "features", [32, "64", 64, 64], "sirm.features=.*: must be a list, of which each is a whole number"),
        ("optimizer", "clip_norm", None, "optimizer.clip_norm=None: must be a finite number"),
        ("tirm", "heads", "16", "tirm.heads='16': must be a whole number"),
        ("data", "margin", "0.3", "data.margin='0.3': must be a finite number"),
    ],
)
def test_a_value_of_another_type_as_in_an_edited_config_json_is_refused_by_name(section, name, value, words):
    content = json.loads(defaults.resolve(tiny.full_size()).to_json())
    (content[section] if section else content)[name] = value
    with pytest.raises(ConfigError, match=words):
        rules.validate(ConfigDict(content))


def test_a_config_that_went_through_json_is_as_valid_as_before():
    rules.validate(ConfigDict(json.loads(defaults.resolve(tiny.full_size()).to_json())))
