"""What is torn, what is another tree, and what is neither: only the first may be moved aside."""

import json
import shutil

import jax
import jax.numpy as jnp
import pytest

from dfrec_jax.runs import damage
from dfrec_jax.runs.checkpoint import Checkpoints
from dfrec_jax.runs.errors import CheckpointError, TornError
from dfrec_jax.runs.saving import CheckpointWriter
from tests.runs.made_up import abstract, items


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("saved")
    with CheckpointWriter(workdir) as writer:
        writer.save(7, items(), {"position": 7})
    return workdir / "checkpoints" / "7"


@pytest.fixture
def folder(saved, tmp_path):
    shutil.copytree(saved, tmp_path / "checkpoints" / "7")
    return tmp_path / "checkpoints" / "7"


def _error(folder, wanted=None):
    with pytest.raises(CheckpointError) as caught:
        Checkpoints(folder.parents[1]).restore(7, abstract(items()) if wanted is None else wanted)
    return caught.value


READ_FILES = ("meta/metadata", "variables/_METADATA", "variables/manifest.ocdbt", "training/array_metadatas/process_0")


@pytest.mark.parametrize("name", READ_FILES)
@pytest.mark.parametrize("how", ["cut short", "empty", "zeros"])
def test_scrambled_files_are_torn(folder, name, how):
    content = (folder / name).read_bytes()
    (folder / name).write_bytes({"cut short": content[:7], "empty": b"", "zeros": bytes(len(content))}[how])
    assert isinstance(_error(folder), TornError)


@pytest.mark.parametrize("how", ["cut short", "zeros", "missing"])
def test_scrambled_arrays_are_torn(folder, how):
    for path in folder.glob("variables/**/d/*"):
        content = path.read_bytes()
        path.unlink() if how == "missing" else path.write_bytes(content[:7] if how == "cut short" else bytes(99))
    error = _error(folder)
    assert isinstance(error, TornError)
    assert "7/variables is damaged" in str(error) and "tensorstore_spec" not in str(error) and len(str(error)) < 700


@pytest.mark.parametrize("name", ["variables", "training"])
def test_a_missing_item_is_torn(folder, name):
    shutil.rmtree(folder / name)
    error = _error(folder)
    assert isinstance(error, TornError) and f"its `{name}` is missing" in str(error)


def test_an_item_that_never_was_is_not_torn(tmp_path):
    with CheckpointWriter(tmp_path) as writer:
        writer.save(7, {"variables": items()["variables"]}, {})
    error = _error(tmp_path / "checkpoints" / "7")
    assert not isinstance(error, TornError)
    assert "was saved without `training`" in str(error) and "imported network" in str(error)


def test_another_tree_is_named_by_path_shape_and_type(folder):
    other = items(shape=(4, 9))
    other["variables"]["params"]["scale"] = other["variables"]["params"].pop("bias")
    error = _error(folder, abstract(other))
    assert not isinstance(error, TornError)
    for difference in (
        "params/bias: float32[3] in the checkpoint, absent now",
        "params/kernel: float32[4, 8] in the checkpoint, float32[4, 9] now",
        "params/scale: absent in the checkpoint, float32[3] now",
    ):
        assert difference in str(error)
    training = items()
    training["training"]["opt_state"] = (jnp.ones(3, jnp.bfloat16), [])
    assert "opt_state/0: float32[2] in the checkpoint, bfloat16[3] now" in str(_error(folder, abstract(training)))


def test_averages_of_a_version_that_left_statistics_out_are_named(tmp_path):
    """With `optimizer.ema` the latest variables stand in `training`; once they were the parameters alone."""
    before, now = items(), items()
    latest = {"kernel": jnp.ones((4, 8)), "bias": jnp.ones(3)}
    before["training"]["params"] = latest
    now["training"]["params"] = {"params": latest, "batch_stats": {"mean": jnp.zeros(8)}}
    with CheckpointWriter(tmp_path) as writer:
        writer.save(7, before, {})
    folder = tmp_path / "checkpoints" / "7"
    error = _error(folder, abstract(now))
    assert not isinstance(error, TornError) and "averaged parameters alone (optimizer.ema)" in str(error)
    now["training"]["opt_state"] = (jnp.ones(3, jnp.bfloat16), [])  # which that does not explain
    assert "opt_state/0: float32[2] in the checkpoint, bfloat16[3] now" in str(_error(folder, abstract(now)))


def test_a_restore_that_fails_on_whole_files_says_so(folder):
    full = jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 99 bytes")
    error = damage.explain(folder, abstract(items()), full)
    assert not isinstance(error, TornError)
    assert "7 is whole, but could not be restored: JaxRuntimeError: RESOURCE_EXHAUSTED" in str(error)


@pytest.mark.parametrize(
    ("words", "is_torn"),
    [
        ("DATA_LOSS: Error decoding manifest", True),
        ("NOT_FOUND: Error reading file [OS error 2: ENOENT No such file or directory]", True),
        ("FAILED_PRECONDITION: Error reading [OS error 116: ESTALE Stale file handle]", False),
        ("INTERNAL: Error reading [OS error 5: EIO Input/output error]", False),
        ("DEADLINE_EXCEEDED: no answer", False),
    ],
)
def test_a_file_system_that_fails_is_no_damage(folder, monkeypatch, words, is_torn):
    def fail(*_, **__):
        raise ValueError(words)

    monkeypatch.setattr(damage.ocp, "PyTreeCheckpointHandler", fail)
    error = damage.explain(folder, abstract(items()), ValueError("first"))
    assert isinstance(error, TornError) == is_torn
    assert is_torn or "cannot be read now" in str(error)


@pytest.mark.parametrize("error", [PermissionError(13, "denied"), MemoryError("no room"), KeyError("x")])
def test_other_errors_of_reading_are_no_damage(folder, monkeypatch, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(json, "loads", fail)
    assert not isinstance(damage.explain(folder, abstract(items()), ValueError("first")), TornError)
