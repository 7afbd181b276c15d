"""config.json: kept whole, read with what was added since, and telling one run from another."""

import json

import pytest

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.runs import stored_config
from dfrec_jax.runs.errors import CheckpointError
from tests import tiny


def test_a_workdir_without_a_run_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match="there is no config.json"):
        stored_config.load(tmp_path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{", "is not JSON"),
        (b"\xff\xfe{", "is not JSON"),
        (b"[1, 2]", "holds a list, not a config"),
        (b"null", "holds a NoneType, not a config"),
        (b'{"sirm": 3}', "is not the config of a run"),
    ],
)
def test_a_file_that_is_no_config_is_refused(tmp_path, content, words):
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(CheckpointError, match=rf"config.json {words}.*restore it from a copy"):
        stored_config.load(tmp_path)


def test_a_config_from_before_a_field_was_added_has_its_default(tmp_path):
    stored_config.save(tmp_path, tiny.config())
    earlier = json.loads((tmp_path / "config.json").read_text())
    del earlier["sirm"]["stem"], earlier["loss"]["source_features"]
    (tmp_path / "config.json").write_text(json.dumps(earlier))
    assert json.loads(stored_config.load(tmp_path).to_json()) == json.loads(tiny.config().to_json())
    stored_config.check_same_run(tmp_path, tiny.config())  # such a run goes on


def test_what_changes_the_result_is_another_run(tmp_path):
    config = tiny.config()
    stored_config.save(tmp_path, config)
    assert json.loads((tmp_path / "config.json").read_text())["loss"]["patch"] == 0.5
    assert json.loads(stored_config.load(tmp_path).to_json()) == json.loads(config.to_json())
    config.train.num_steps = 9  # may change
    stored_config.check_same_run(tmp_path, config)
    config.loss.patch = 0.75
    with pytest.raises(ConfigError, match=r"loss.patch: 0.5 -> 0.75.*use another --workdir"):
        stored_config.check_same_run(tmp_path, config)


def test_a_frame_that_a_run_took_from_its_data_is_no_other_run(tmp_path):
    config = tiny.config()
    stored_config.save(tmp_path, config)  # as before the frame was told
    config.data.crop, config.data.margin = "box", 0.3
    stored_config.check_same_run(tmp_path, config)
    stored_config.save(tmp_path, config)
    stored_config.check_same_run(tmp_path, tiny.config())
    config.data.margin = 0.5
    with pytest.raises(ConfigError, match=r"data.margin: 0.3 -> 0.5"):
        stored_config.check_same_run(tmp_path, config)
