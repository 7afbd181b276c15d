"""A small network of the published kind: workdir -> PyTorch file -> workdir -> PyTorch file."""

import argparse

import numpy as np
import pytest
from flax.traverse_util import flatten_dict, unflatten_dict

from dfrec_jax.commands import weights
from dfrec_jax.config import defaults, rules
from dfrec_jax.models import dfrec as models
from dfrec_jax.runs import released, stored_config, trained
from dfrec_jax.runs.errors import CheckpointError
from dfrec_jax.runs.saving import CheckpointWriter
from dfrec_jax.weights.readers import read
from dfrec_jax.weights.registry import RELEASES
from dfrec_jax.weights.rules import WeightsError
from dfrec_jax.weights.torch_writer import write_pytorch

RELEASE = RELEASES["dfrec-ftm"]
ENTRIES = ("state_dict", "recover1_state_dict", "recover2_state_dict")


def run(*words):
    parser = argparse.ArgumentParser()
    weights.add_parser(parser.add_subparsers())
    arguments = parser.parse_args(["weights", *words])
    return arguments.run(arguments)


def small_config():
    config = defaults.dfrec("released")
    config.tirm.vit, config.tirm.depth, config.tirm.decoder_width = "ti", 1, 32
    config.sirm.features, config.sirm.bottleneck = (4, 4, 8, 8), 16
    config.data.bi_share = 0.0
    config = defaults.resolve(config)
    rules.validate(config)
    return config


@pytest.fixture(scope="module", autouse=True)
def _traced_once():
    """Every test here has the same small network, and tracing it takes seconds."""
    with pytest.MonkeyPatch.context() as patch:
        for module, name in ((models, "variable_shapes"), (trained, "abstract_variables")):
            function, known = getattr(module, name), []

            def traced(*arguments, function=function, known=known):
                known or known.append(function(*arguments))
                return known[0]

            patch.setattr(module, name, traced)
        yield


@pytest.fixture(scope="module")
def trained_workdir(tmp_path_factory):
    """A run of mode 'released' that was never in a PyTorch file, with random weights."""
    workdir, config, rng = tmp_path_factory.mktemp("run"), small_config(), np.random.default_rng(0)
    shapes = models.variable_shapes(models.build(config), config.image_size)
    variables = {path: rng.standard_normal(shape).astype(np.float32) for path, shape in shapes.items()}
    with CheckpointWriter(workdir) as checkpoints:
        checkpoints.save(7, {"variables": unflatten_dict(variables, sep="/")}, {})
    stored_config.save(workdir, config)
    return workdir


@pytest.fixture(scope="module")
def exported(trained_workdir):
    file = trained_workdir / "dfrec.pth"
    assert run("export", "--workdir", str(trained_workdir), "--to-torch", str(file)) == 0
    return file


@pytest.fixture(scope="module")
def imported(exported, tmp_path_factory):
    workdir = tmp_path_factory.mktemp("imported") / "run"
    assert run("import", str(exported), "--as", "dfrec-ftm", "--workdir", str(workdir)) == 0
    return workdir


def write(path, state_dicts):
    write_pytorch(path, ((entry, *item) for entry, tensors in state_dicts.items() for item in tensors.items()))


def tensors_of(file):
    return {entry: read(file, entry=entry) for entry in ENTRIES}


def variables_of(workdir):
    return flatten_dict(trained.load(workdir).variables, sep="/")


def test_an_export_has_every_tensor_of_the_published_layout(exported):
    sizes = {entry: len(tensors) for entry, tensors in tensors_of(exported).items()}
    published_blocks, block = 24, 12
    assert sizes == {ENTRIES[0]: 419, ENTRIES[1]: 286, ENTRIES[2]: 316 - (published_blocks - 1) * block}
    ism = read(exported, entry="state_dict")
    assert ism["encoder._conv_head.weight"].shape == (1280, 320, 1, 1) and not ism["encoder._conv_head.weight"].any()
    assert ism["encoder._bn1.running_var"].all()  # unused, but no division by zero where it is loaded
    assert ism["encoder._bn0.num_batches_tracked"].dtype == np.int64


def test_export_then_import_gives_the_same_network(trained_workdir, imported):
    config = stored_config.load(imported)
    assert (config.mode, config.tirm.vit, config.tirm.depth, config.name) == ("released", "ti", 1, "dfrec-ftm")
    want, got = variables_of(trained_workdir), variables_of(imported)
    assert set(got) == set(want)
    for path, value in want.items():
        np.testing.assert_array_equal(got[path], value, err_msg=path)


def test_import_then_export_gives_equal_keys_and_bytes(exported, tmp_path):
    """All values are new, the unused ones too; names of DataParallel and of older MLPs; a classifier."""
    rng, original = np.random.default_rng(1), tensors_of(exported)
    for tensors in original.values():
        for name, tensor in tensors.items():
            random = rng.standard_normal(tensor.shape).astype(np.float32)
            tensors[name] = np.array(99) if tensor.dtype == np.int64 else random
    original[ENTRIES[0]]["classification_head.3.weight"] = rng.standard_normal((1, 320)).astype(np.float32)
    original[ENTRIES[0]]["classification_head.3.bias"] = np.ones(1, np.float32)
    renamed = {"mlp.0": "mlp.linear_1", "mlp.3": "mlp.linear_2"}
    original[ENTRIES[2]] = {
        next((name.replace(old, new) for old, new in renamed.items() if old in name), name): tensor
        for name, tensor in original[ENTRIES[2]].items()
    }
    source = {entry: {f"module.{name}": t for name, t in tensors.items()} for entry, tensors in original.items()}
    write(tmp_path / "original.pth", source | {"other": {"epoch": np.array(3)}})
    text = released.import_checkpoint(tmp_path / "original.pth", tmp_path / "imported", RELEASE)
    assert text.count("0 unmatched") == 3 and "mode 'released'" in text
    released.export_checkpoint(tmp_path / "imported", tmp_path / "again.pth")
    for entry, tensors in tensors_of(tmp_path / "again.pth").items():
        assert list(tensors) == list(original[entry])
        for name, tensor in tensors.items():
            assert tensor.dtype == original[entry][name].dtype, name
            assert tensor.tobytes() == original[entry][name].tobytes(), name


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.pop("recover1_state_dict"), "no entry 'recover1_state_dict'"),
        (lambda c: c["recover2_state_dict"].pop("mask_token"), "lacks the tensor 'mask_token'"),
        (lambda c: c["state_dict"].update(extra=np.ones(2, np.float32)), "wrong.pth: .*'extra' matches no rule"),
        (
            lambda c: c["recover2_state_dict"].update({"backbone.class_token": np.zeros((1, 1, 100), np.float32)}),
            "class_token is 100 wide; the ViTs of this project are",
        ),
    ],
)
def test_a_file_that_is_no_dfrec_is_refused_and_leaves_nothing(exported, tmp_path, change, message):
    checkpoint_tensors = {entry: dict(tensors) for entry, tensors in tensors_of(exported).items()}
    change(checkpoint_tensors)
    write(tmp_path / "wrong.pth", checkpoint_tensors)
    with pytest.raises(WeightsError, match=message):
        released.import_checkpoint(tmp_path / "wrong.pth", tmp_path / "imported", RELEASE)
    assert not (tmp_path / "imported").exists()


def test_a_workdir_in_use_is_left_alone(trained_workdir, exported, tmp_path):
    with pytest.raises(WeightsError, match="holds a run already; name another folder"):
        released.import_checkpoint(exported, trained_workdir, RELEASE)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(WeightsError, match="is there already, and is no finished run; name another folder"):
        released.import_checkpoint(exported, tmp_path, RELEASE)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_an_import_that_was_cut_short_is_nobody_s_run_and_comes_again(exported, tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(stored_config, "save", stop)  # the last that is written
    with pytest.raises(KeyboardInterrupt):
        released.import_checkpoint(exported, tmp_path / "run", RELEASE)
    assert not list(tmp_path.iterdir())
    monkeypatch.undo()
    (tmp_path / ".unfinished-0123").mkdir()  # what a kill leaves
    (tmp_path / "run").mkdir()
    released.import_checkpoint(exported, tmp_path / "run", RELEASE)
    assert {"config.json", "checkpoints", released.RETAINED} <= {path.name for path in (tmp_path / "run").iterdir()}


def test_only_mode_released_is_exported(trained_workdir, tmp_path, monkeypatch):
    run = trained.load(trained_workdir)
    run.config.mode = "paper"
    monkeypatch.setattr(trained, "load", lambda *_: run)
    with pytest.raises(WeightsError, match="mode='paper', whose network .* only mode='released' is exported"):
        released.export_checkpoint(trained_workdir, tmp_path / "x.pth")
    monkeypatch.undo()
    with pytest.raises(CheckpointError):
        released.export_checkpoint(tmp_path, tmp_path / "x.pth")


def test_a_damaged_retained_file_is_refused(imported, tmp_path):
    kept = imported / released.RETAINED
    whole = kept.read_bytes()
    for content in (whole[:100], whole.replace(b'"layout"', b'"lay_ou"')):
        kept.write_bytes(content)
        with pytest.raises(WeightsError, match="retained.safetensors: damaged"):
            released.export_checkpoint(imported, tmp_path / "x.pth")
    kept.write_bytes(whole)
