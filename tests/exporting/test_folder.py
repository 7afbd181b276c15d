"""An exported network, run by hosts that know nothing of this package, gives the pictures of `dfrec recover`."""

import hashlib
import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import safetensors.numpy
from PIL import Image

from dfrec_jax import cli
from dfrec_jax.exporting import folder, stablehlo
from dfrec_jax.exporting.program import example_inputs
from dfrec_jax.forensics.recoverer import Recoverer
from tests import tiny, tiny_run

DOCS = Path(__file__).parent.parent.parent / "docs"
# What a program that knows nothing of this package runs under: its import fails.
STRANGER = "import sys; sys.modules['dfrec_jax'] = None; sys.argv = sys.argv[1:]; exec(open(sys.argv[0]).read())"


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    return tiny_run.make(folder, map_bias=20.0)  # the map is full, and chance alone masks


@pytest.fixture(scope="module")
def exported(workdir, tmp_path_factory):
    out = tmp_path_factory.mktemp("exported") / "out"
    folder.write(workdir, out, "best", folder.FORMATS)
    return out


@pytest.fixture(scope="module")
def hosts(exported):
    weights = safetensors.numpy.load_file(exported / folder.WEIGHTS)
    data = (exported / folder.STABLEHLO).read_bytes()
    session = onnxruntime.InferenceSession(str(exported / folder.ONNX))
    names = [output.name for output in session.get_outputs()]
    return {
        "stablehlo": lambda **inputs: stablehlo.run(data, weights, **inputs),
        "onnx": lambda **inputs: dict(zip(names, session.run(None, inputs), strict=True)),
    }


@pytest.fixture(scope="module")
def face(workdir, tmp_path_factory):
    """A picture of the network's size, and the target that is recovered from it."""
    path = tmp_path_factory.mktemp("face") / "face.png"
    levels = np.rint(example_inputs(tiny.config())["image"][1] * 255).astype(np.uint8)
    Image.fromarray(levels).save(path)
    return path, Recoverer(workdir, force=True)(path).target


@pytest.mark.parametrize("host", ["stablehlo", "onnx"])
def test_a_host_gives_what_stands_in_the_example(exported, hosts, host):
    example = safetensors.numpy.load_file(exported / folder.EXAMPLE)
    found = hosts[host](image=example["image"], noise=example["noise"])
    assert found.keys() == example.keys() - {"image", "noise"}
    for name, value in found.items():
        assert value.dtype == example[name].dtype and value.shape == example[name].shape, name
        np.testing.assert_allclose(value.astype(float), example[name].astype(float), atol=1e-4, err_msg=name)
    one = hosts[host](image=example["image"][:1], noise=example["noise"][:1])
    np.testing.assert_allclose(one["target"][0], found["target"][0], atol=1e-4)


@pytest.mark.parametrize("host", ["stablehlo", "onnx"])
def test_of_equal_patches_those_that_come_first_are_kept(hosts, host):
    image = example_inputs(tiny.config())["image"][:1]
    found = hosts[host](image=image, noise=np.zeros((1, 16), np.float32))  # the map is full, and all weights are 0
    generated = found["generated"][0, ::8, ::8, 0].ravel()
    np.testing.assert_array_equal(generated, [0] * 8 + [1] * 8)


def test_the_weights_are_an_argument(exported, hosts):
    example = safetensors.numpy.load_file(exported / folder.EXAMPLE)
    weights = safetensors.numpy.load_file(exported / folder.WEIGHTS)
    weights["params/ism/segmentation_head/bias"] -= 100
    data = (exported / folder.STABLEHLO).read_bytes()
    other = stablehlo.run(data, weights, example["image"], example["noise"])
    assert other["map"].max() < 1e-6 and not other["is_marked"].any() and example["is_marked"].all()


def test_the_manifest_says_what_is_there(exported):
    manifest = json.loads((exported / folder.MANIFEST).read_text())
    assert {path.name for path in exported.iterdir()} == {*manifest["files"], folder.MANIFEST}
    for name, entry in manifest["files"].items():
        data = (exported / name).read_bytes()
        assert entry == {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}, name
    example = safetensors.numpy.load_file(exported / folder.EXAMPLE)
    slots = manifest["inputs"] | manifest["outputs"]
    assert slots.keys() == example.keys()
    for name, slot in slots.items():
        assert slot["shape"] == ["b", *example[name].shape[1:]] and slot["dtype"] == example[name].dtype, name
        if slot["range"]:
            assert slot["range"][0] <= example[name].min() and example[name].max() <= slot["range"][1], name
    assert (manifest["checkpoint_step"], manifest["image_size"]) == (7, tiny.SIZE)


def _run_program_of_docs(exported, picture, tmp_path, form):
    (program,) = re.findall("```python\n(.*?)```", (DOCS / "export.md").read_text(), re.DOTALL)
    (tmp_path / "recover_one.py").write_text(program)
    command = [sys.executable, "-I", "-c", STRANGER, "recover_one.py", str(exported), str(picture), "target.png", form]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.stdout == "recovered target.png\n", done.stderr
    with Image.open(tmp_path / "target.png") as target:
        return np.asarray(target, int)


def test_a_program_that_cannot_import_this_package_recovers_the_same_picture(exported, face, tmp_path):
    picture, target = face
    assert np.abs(_run_program_of_docs(exported, picture, tmp_path, "onnx") - target).max() <= 1


@pytest.mark.slow  # JAX starts and compiles
def test_so_does_one_with_jax(exported, face, tmp_path):
    picture, target = face
    assert np.abs(_run_program_of_docs(exported, picture, tmp_path, "stablehlo") - target).max() <= 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--formats", "torch"], "--formats='torch': must be one or more of stablehlo, onnx"),
        (["--formats", ""], "--formats: an empty word"),
        ([], "is there already; name a new folder"),
    ],
)
def test_bad_input_is_refused_before_anything_is_read(tmp_path, capsys, arguments, words):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").touch()
    with pytest.raises(SystemExit) as end:
        cli.main(["export", "--workdir", "nowhere", "--out", str(tmp_path / "out"), *arguments])
    assert end.value.code == 2
    assert words in capsys.readouterr().err


def test_a_missing_package_is_named(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SystemExit) as end:
        cli.main(["export", "--workdir", "nowhere", "--out", str(tmp_path / "out")])
    assert end.value.code == 2
    assert "needs the package onnx: pip install 'dfrec-jax[export]'" in capsys.readouterr().err


def test_another_picture_than_the_networks_is_not_written(workdir, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(stablehlo, "serialised", lambda config, variables: b"another network")
    monkeypatch.setattr(stablehlo, "run", lambda data, variables, image, noise: {"source": image, "target": image})
    with pytest.raises(SystemExit) as end:
        cli.main(["export", "--workdir", str(workdir), "--out", str(tmp_path / "out"), "--formats", "stablehlo"])
    assert end.value.code == 2 and "it is not the same picture" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
