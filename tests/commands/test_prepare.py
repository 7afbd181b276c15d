"""`dfrec prepare`: what it refuses before it reads a picture, and what it says in the end."""

import pytest

from dfrec_jax import cli
from dfrec_jax.commands import prepare
from tests.preparation import trees


def ended(*arguments):
    with pytest.raises(SystemExit) as end:
        cli.main(["prepare", *map(str, arguments)])
    return end.value.code


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--size", "8"], "--size=8: must be from 16 to 4096"),
        (["--quality", "0"], "--quality=0: must be from 1 to 100"),
        (["--margin", "-1"], "--margin=-1.0: must be from 0 to 3"),
        (["--shares", "8:1"], "--shares=8:1: must be three numbers such as 8:1:1"),
        (["--shares", "0:0:0"], "--shares=0:0:0: must not be negative, nor all 0"),
        (["--frames", "3"], "--frames is for faceforensics, not for faces: leave it out"),
        (["--split-by", "image"], "--split-by is for celeba_megafs and ffhq_e4s, not for faces"),
        (["--attack", "ftm"], "--attack is for faceforensics and celeba_megafs and ffhq_e4s, not for faces"),
        ([], "there is no such folder or tar file"),
    ],
)
def test_bad_options_are_refused_in_one_line(tmp_path, capsys, options, words):
    assert ended("faces", "--source", tmp_path / "none", "--out", tmp_path / "out", *options) == 2
    errors = capsys.readouterr().err
    assert words in errors and errors.count("\n") == 1 and errors.startswith("error: ")
    assert not (tmp_path / "out").exists()


@pytest.fixture
def source(tmp_path, monkeypatch):
    """A tree of people, and a made-up detector in the place of the networks."""
    monkeypatch.setattr(prepare, "make_tools", lambda weights_dir: trees.make_tools())
    trees.people(tmp_path / "in", {"a": 1, "b": 1})
    trees.save(tmp_path / "in" / "b" / "dark.jpg", trees.black())
    return tmp_path / "in"


def test_counts_and_refusals_are_printed(source, tmp_path, capsys):
    options = ("--size", 48, "--shares", "1:0:0", "--processes", 1)
    assert ended("faces", "--source", source, "--out", tmp_path / "out", *options) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].split() == ["train", "pristine", "pristine", "2"]
    assert printed[1] == "1 rejected (rejected.csv)" and printed[2].split(None, 1) == ["1", "no face found"]
    assert printed[3].startswith(f"{tmp_path / 'out' / 'faces' / '1.0.0'} in ") and printed[3].endswith("sheet.jpg")


def test_ctrl_c_says_that_the_work_is_kept(source, tmp_path, capsys, monkeypatch):
    def stopped(weights_dir):
        raise KeyboardInterrupt

    monkeypatch.setattr(prepare, "make_tools", stopped)
    assert ended("faces", "--source", source, "--out", tmp_path / "out", "--processes", 1) == prepare.INTERRUPTED
    assert "the same command goes on from there" in capsys.readouterr().err


def test_missing_networks_are_named(source, tmp_path, capsys, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setenv("DFREC_WEIGHTS", str(tmp_path))
    assert ended("faces", "--source", source, "--out", tmp_path / "out", "--processes", 1) == 2
    assert prepare.DETECTOR in capsys.readouterr().err
