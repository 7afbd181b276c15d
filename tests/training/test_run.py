"""What is refused before a device is touched or another host is waited for."""

import json

import pytest

from dfrec_jax.config import attributes
from dfrec_jax.config.errors import ConfigError
from dfrec_jax.files.addresses import StoreError
from dfrec_jax.runs import hosts, stored_config
from dfrec_jax.runs.errors import CheckpointError
from dfrec_jax.training import run
from tests import tiny


@pytest.fixture
def train(monkeypatch):
    """`run.train` on several hosts, where neither hosts nor networks nor devices are at hand."""

    def touched(*_):
        pytest.fail("a device or another host was asked for")

    monkeypatch.setattr(hosts, "together", touched)
    monkeypatch.setattr(run.loop, "train", touched)
    for task in run.TASKS.values():
        monkeypatch.setattr(task, "__init__", touched)
    return lambda config, workdir, **options: run.train(config, workdir, joining=hosts.Joining(), **options)


def _begun(workdir, config, step=3):
    """A workdir as far as it is looked at here."""
    (workdir / "checkpoints" / str(step)).mkdir(parents=True)
    stored_config.save(workdir, config)


def test_a_workdir_in_an_object_store(train, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StoreError, match="--workdir=s3://bucket/run: must be a file or folder of this machine"):
        train(tiny.config(), "s3://bucket/run")
    assert not list(tmp_path.iterdir())


def test_an_address_in_a_field_that_is_a_path(train, tmp_path):
    config = tiny.config()
    config.train.initialise = "s3://bucket/run"
    with pytest.raises(ConfigError, match="train.initialise=s3://bucket/run: must be a file or folder"):
        train(config, tmp_path)


def test_a_config_that_cannot_be_run(train, tmp_path):
    config = tiny.config()
    config.image_size = 40
    with pytest.raises(ConfigError, match="image_size=40: must be a multiple of 16"):
        train(config, tmp_path)


def test_another_config_than_the_workdirs(train, tmp_path):
    config = tiny.config()
    _begun(tmp_path, config)
    config.seed = 5
    with pytest.raises(ConfigError, match="another config .seed: 0 -> 5.: use another --workdir"):
        train(config, tmp_path)
    assert json.loads((tmp_path / "config.json").read_text())["seed"] == 0


def test_another_classifier_than_the_workdirs(train, tmp_path):
    config = attributes.attributes()
    config.data.dir = config.data.attributes = config.data.partition = "there"
    _begun(tmp_path, config)
    config.network = attributes.NETWORKS[1]
    with pytest.raises(ConfigError, match="another config .network: "):
        train(config, tmp_path)


def test_a_workdir_that_lost_its_config_and_one_that_lost_nothing(train, tmp_path):
    config = tiny.config()
    _begun(tmp_path, config)
    with pytest.raises(CheckpointError, match="--start_over: .* has the checkpoints .3."):
        train(config, tmp_path, start_over=True)
    (tmp_path / "config.json").unlink()
    with pytest.raises(CheckpointError, match="there are the checkpoints .3. and no config.json"):
        train(config, tmp_path)


def test_a_workdir_that_fits_is_trained_in(train, tmp_path):
    config = tiny.config()
    _begun(tmp_path, config)
    config.train.num_steps = 99  # a field that may change
    with pytest.raises(pytest.fail.Exception, match="another host was asked for"):
        train(config, tmp_path)
