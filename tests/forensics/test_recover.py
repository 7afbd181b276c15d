"""`dfrec recover`, from files to files, on a network that was trained for no step."""

import json

import jax
import numpy as np
import pytest
from PIL import Image

from dfrec_jax import cli
from dfrec_jax.models import dfrec
from dfrec_jax.runs import checkpoint
from dfrec_jax.training import state
from tests import tiny


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    """A run of the tiny network with random variables."""
    folder = tmp_path_factory.mktemp("run")
    config = tiny.config()
    checkpoint.save_config(folder, config, is_begun=False)
    init = jax.jit(
        lambda key: state.init_variables(dfrec.build(config), config.image_size, key),
        compiler_options={"xla_backend_optimization_level": 0},
    )
    variables = init(jax.random.key(0))
    with checkpoint.Checkpoints(folder) as checkpoints:
        checkpoints.save(7, {"variables": variables}, {})
    return folder


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    for name, size in {"a": (32, 32), "b": (50, 40), "c": (32, 32)}.items():
        Image.fromarray(rng.integers(0, 256, (*size, 3), dtype=np.uint8)).save(folder / f"{name}.png")
    return [folder / f"{name}.png" for name in "abc"]


def _recover(workdir, out, *paths, arguments=()):
    with pytest.raises(SystemExit) as end:
        cli.main(["recover", *map(str, paths), "--workdir", str(workdir), "--out", str(out), *arguments])
    return end.value.code


def test_each_picture_gets_its_folder(workdir, pictures, tmp_path, capsys):
    assert _recover(workdir, tmp_path / "all", *pictures) == 0
    assert capsys.readouterr().out.split() == [str(tmp_path / "all" / name / "panel.png") for name in "abc"]
    for name in "abc":
        folder = tmp_path / "all" / name
        for file in ("source", "target", "map"):
            with Image.open(folder / f"{file}.png") as picture:
                assert (picture.size, picture.mode) == ((tiny.SIZE, tiny.SIZE), "RGB")
        result = json.loads((folder / "result.json").read_text())
        assert (result["seed"], result["checkpoint_step"], result["input"]) == (0, 7, f"{name}.png")
        assert len(result["generated_patches"]) == result["num_patches"] // 2
    assert json.loads((tmp_path / "all" / "b" / "result.json").read_text())["input_size"] == [40, 50]

    # alone, and again, a picture gives the same bytes; another seed another target
    assert _recover(workdir, tmp_path / "alone", pictures[2]) == 0
    for file in ("source.png", "target.png", "map.png", "panel.png", "result.json"):
        assert (tmp_path / "alone" / "c" / file).read_bytes() == (tmp_path / "all" / "c" / file).read_bytes(), file
    assert _recover(workdir, tmp_path / "other", pictures[2], arguments=["--seed", "1"]) == 0
    target = "c/target.png"
    assert (tmp_path / "other" / target).read_bytes() != (tmp_path / "alone" / target).read_bytes()


def test_in_batches_the_pictures_are_the_same_but_for_rounding(workdir, pictures, tmp_path):
    assert _recover(workdir, tmp_path / "one", *pictures) == 0
    assert _recover(workdir, tmp_path / "two", *pictures, arguments=["--batch-size", "2"]) == 0  # and one left over
    for name in "abc":
        one, two = (json.loads((tmp_path / count / name / "result.json").read_text()) for count in ("one", "two"))
        assert one["generated_patches"] == two["generated_patches"]
        for file in ("source", "target", "map"):
            with (
                Image.open(tmp_path / "one" / name / f"{file}.png") as a,
                Image.open(tmp_path / "two" / name / f"{file}.png") as b,
            ):
                assert np.abs(np.asarray(a, int) - np.asarray(b, int)).max() <= 1


def test_outside_the_generated_patches_the_target_is_the_input(workdir, pictures, tmp_path):
    assert _recover(workdir, tmp_path, pictures[0]) == 0
    generated = json.loads((tmp_path / "a" / "result.json").read_text())["generated_patches"]
    with Image.open(pictures[0]) as given, Image.open(tmp_path / "a" / "target.png") as target:
        difference = np.abs(np.asarray(given, int) - np.asarray(target, int)).sum(-1)
    differs = difference.reshape(4, 8, 4, 8).sum((1, 3)).ravel() > 0
    assert set(np.flatnonzero(differs)) <= set(generated)
    assert differs.sum() == len(generated) == 8


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--checkpoint", "8"], "--checkpoint=8: must be best, newest, or one of the saved steps [7]"),
        (["--batch-size", "0"], "--batch-size=0: must be 1 or more"),
        (["--seed", "-1"], "--seed=-1: must be 0 or more"),
    ],
)
def test_a_bad_argument_is_refused(workdir, pictures, tmp_path, capsys, arguments, words):
    assert _recover(workdir, tmp_path / "out", pictures[0], arguments=arguments) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_bad_pictures_are_refused_before_anything_is_written(workdir, pictures, tmp_path, capsys):
    (tmp_path / "bad.png").write_bytes(pictures[0].read_bytes()[:200])
    assert _recover(workdir, tmp_path / "out", pictures[0], tmp_path / "bad.png") == 2
    assert "bad.png cannot be read as a picture" in capsys.readouterr().err
    assert _recover(workdir, tmp_path / "out", tmp_path) == 2
    assert "is a folder" in capsys.readouterr().err
    twin = tmp_path / "twin" / "a.jpg"
    twin.parent.mkdir()
    twin.write_bytes(b"")
    assert _recover(workdir, tmp_path / "out", pictures[0], twin) == 2
    assert "would both be written to a/" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_missing_workdir_is_refused(pictures, tmp_path, capsys):
    assert _recover(tmp_path / "nowhere", tmp_path / "out", pictures[0]) == 2
    assert "there is no config.json in it" in capsys.readouterr().err
    assert not (tmp_path / "nowhere").exists()
