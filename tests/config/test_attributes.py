"""The config of the attribute classifier, and the file that ships."""

import pytest

from configs import attributes
from dfrec_jax.config import attributes as config_attributes
from dfrec_jax.config.defaults import task_of
from dfrec_jax.config.errors import ConfigError
from dfrec_jax.frozen import load


def _valid(size="large"):
    config = attributes.get_config(size)
    config.data.dir, config.data.attributes, config.data.partition = "pictures", "attributes.txt", "partition.txt"
    return config


@pytest.mark.parametrize(("size", "side"), [("large", 224), ("small", 112)])
def test_what_ships_is_valid(size, side):
    config = _valid(size)
    config_attributes.validate(config)
    assert task_of(config) == "attributes"
    assert load.find_blueprint(config.network).input_shape == (side, side, 3)


def test_a_prepared_data_set_needs_no_lists():
    config = _valid()
    config.data.dataset, config.data.attributes, config.data.partition = "faces", "", ""
    config_attributes.validate(config)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("network", "facenet-vggface2", "network='facenet-vggface2': must be one of"),
        ("data.dir", "", "dfrec prepare faces --attributes"),
        ("data.dir", "s3://b/pictures", "data.dir='s3://b/pictures' with data.dataset='folder'"),
        ("data.attributes", "", "data.attributes='' with data.dataset='folder': name CelebA's list_attr_celeba.txt"),
        ("data.dataset", "faces", "its records hold it; leave it out"),
        ("data.zoom", (1.2, 0.9), r"data.zoom=\(1.2, 0.9\)"),
        ("data.crop", 0.0, "data.crop=0.0: must be above 0"),
        ("optimizer.learning_rate", 0.0, "optimizer.learning_rate=0.0: must be above 0"),
        ("optimizer.warmup_steps", 10**6, "must be below train.num_steps"),
        ("seed", -1, "seed=-1"),
    ],
)
def test_a_wrong_value_is_refused_by_name(field, value, words):
    config = _valid()
    config.update_from_flattened_dict({field: value})
    with pytest.raises(ConfigError, match=words):
        config_attributes.validate(config)


def test_another_task_is_refused():
    config = _valid()
    config.task = "poses"
    with pytest.raises(ConfigError, match="task='poses': must be one of"):
        task_of(config)


def test_another_size_is_refused():
    with pytest.raises(ConfigError, match="configs/attributes.py:medium: must be large or small"):
        attributes.get_config("medium")
