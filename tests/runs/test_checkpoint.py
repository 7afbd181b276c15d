"""Saving, restoring, falling back, and telling one run from another."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.runs import checkpoint
from dfrec_jax.runs.checkpoint import CheckpointError, Checkpoints
from tests import tiny


def _items(value=1.0):
    variables = {"params": {"kernel": jnp.full((4, 8), value)}}
    return {"variables": variables, "training": {"step": jnp.array(3), "rng": jax.random.key(0), "params": None}}


def _abstract():
    return jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=x.sharding), _items())


def _no_torn(step, error):
    raise AssertionError(f"checkpoint {step} should be readable") from error


def test_what_was_saved_comes_back(tmp_path):
    with Checkpoints(tmp_path) as checkpoints:
        assert checkpoints.restore_newest(_abstract(), _no_torn) is None
        checkpoints.save(5, _items(2.5), {"position": 5})
    with Checkpoints(tmp_path) as checkpoints:
        step, items, meta = checkpoints.restore_newest(_abstract(), _no_torn)
    assert (step, meta) == (5, {"position": 5})
    np.testing.assert_array_equal(items["variables"]["params"]["kernel"], 2.5)
    assert jax.random.key_data(items["training"]["rng"]).tolist() == jax.random.key_data(jax.random.key(0)).tolist()


def test_the_best_is_kept_beside_the_newest(tmp_path):
    scores = {1: 0.1, 2: 0.9, 3: 0.2, 4: None, 5: 0.3}
    with Checkpoints(tmp_path, keep=2) as checkpoints:
        for step, score in scores.items():
            checkpoints.save(step, _items(step), {}, score)
        checkpoints.wait()
        assert checkpoints.steps() == [5, 4, 2]
        assert checkpoints.best_score() == 0.9
        for which, step in {"best": 2, "newest": 5, "4": 4}.items():
            found, variables = checkpoints.restore_variables(which, _abstract()["variables"])
            assert found == step
            np.testing.assert_array_equal(variables["params"]["kernel"], step)
        with pytest.raises(CheckpointError, match=r"--checkpoint=3: must be best, newest, or one of .*\[5, 4, 2\]"):
            checkpoints.restore_variables("3", _abstract()["variables"])


def _truncate(folder):
    chunks = [path for path in folder.rglob("d/*") if path.is_file()]
    assert chunks
    for path in chunks:
        path.write_bytes(path.read_bytes()[:7])


def test_a_torn_newest_checkpoint_is_reported_and_the_one_before_is_used(tmp_path):
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(1, _items(1.0), {})
        checkpoints.save(2, _items(2.0), {})
    _truncate(tmp_path / "checkpoints" / "2")
    torn = []
    with Checkpoints(tmp_path) as checkpoints:
        step, items, _ = checkpoints.restore_newest(_abstract(), lambda step, error: torn.append(step))
        assert (step, torn) == (1, [2])
        np.testing.assert_array_equal(items["variables"]["params"]["kernel"], 1.0)
        checkpoints.save(2, _items(2.0), {})  # the step can be taken again
    assert (tmp_path / "torn_checkpoints" / "2-0").is_dir()  # and the torn one was not deleted


def test_only_torn_checkpoints_are_an_error_that_names_them(tmp_path):
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(1, _items(), {})
    _truncate(tmp_path / "checkpoints" / "1")
    with Checkpoints(tmp_path) as checkpoints:
        with pytest.raises(CheckpointError, match="checkpoint 1 of .* cannot be read"):
            checkpoints.restore_variables("newest", _abstract()["variables"])
        with pytest.raises(CheckpointError, match=r"none of the checkpoints .* can be read: steps \[1\]"):
            checkpoints.restore_newest(_abstract(), lambda *_: None)


def test_a_workdir_without_a_run_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match="there is no config.json"):
        checkpoint.load_config(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(CheckpointError, match="is not JSON"):
        checkpoint.load_config(tmp_path)


def test_a_config_from_before_a_field_was_added_has_its_default(tmp_path):
    checkpoint.save_config(tmp_path, tiny.config(), is_begun=False)
    earlier = json.loads((tmp_path / "config.json").read_text())
    del earlier["sirm"]["stem"], earlier["loss"]["source_features"]
    (tmp_path / "config.json").write_text(json.dumps(earlier))
    assert json.loads(checkpoint.load_config(tmp_path).to_json()) == json.loads(tiny.config().to_json())
    checkpoint.save_config(tmp_path, tiny.config(), is_begun=True)  # such a run goes on


def test_a_begun_run_keeps_its_config(tmp_path):
    config = tiny.config()
    checkpoint.save_config(tmp_path, config, is_begun=False)
    assert json.loads((tmp_path / "config.json").read_text())["loss"]["patch"] == 0.5
    assert json.loads(checkpoint.load_config(tmp_path).to_json()) == json.loads(config.to_json())
    config.train.num_steps = 9  # may change
    checkpoint.save_config(tmp_path, config, is_begun=True)
    config.loss.patch = 0.75
    with pytest.raises(ConfigError, match=r"loss.patch: 0.5 -> 0.75.*use another --workdir"):
        checkpoint.save_config(tmp_path, config, is_begun=True)
    checkpoint.save_config(tmp_path, config, is_begun=False)  # nothing was computed yet
