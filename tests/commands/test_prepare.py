"""`dfrec prepare`: what it refuses before it reads a picture, and what it says in the end."""

import json

import pytest
from PIL import Image

from dfrec_jax import cli
from dfrec_jax.commands import face_tools, prepare
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
        (["--shares", "0:0:0"], "--shares=0:0:0: must be numbers of 0 or more, not all 0"),
        (["--frames", "3"], "--frames is for faceforensics and dfdc and celeb_df, not for faces: leave it out"),
        (
            ["--split-by", "image"],
            "--split-by is for celeb_df and celeba_megafs and ffhq_e4s and",
        ),
        (["--attack", "ftm"], "--attack is for faceforensics and celeba_megafs and ffhq_e4s, not for faces"),
        (["--shares", "nan:1:1"], "--shares=nan:1:1: must be numbers of 0 or more, not all 0"),
        (["--seed", "12345678901234567890"], "--seed=12345678901234567890: must be from 0 to 2147483647"),
        (["--forgeries", "-1"], "--forgeries=-1: must be from 0 to"),
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
    monkeypatch.setattr(face_tools, "make_tools", lambda weights_dir: trees.make_tools())
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


def test_what_was_done_to_a_picture_and_what_is_missing_is_printed(source, tmp_path, capsys):
    frames = [Image.new("RGB", (64, 64), (level, 90, 90)) for level in (90, 150)]
    frames[0].save(source / "a" / "moving.gif", save_all=True, append_images=frames[1:])
    options = ("--size", 48, "--shares", "1:0:0", "--processes", 1)
    assert ended("faces", "--source", source, "--out", tmp_path / "out", *options) == 0
    printed = capsys.readouterr()
    remark = "the first of its 2 frames or pages was taken"
    assert "1 to be known of (remarks.csv)" in printed.out and remark in printed.out
    written = (tmp_path / "out" / "faces" / "1.0.0" / "remarks.csv").read_text()
    assert f"a/moving.gif,train,{remark}" in written
    assert printed.err.count("no record is in validation or test: train.py needs validation; evaluate.py needs") == 1


def test_a_split_that_loses_all_its_records_is_said_in_the_end(source, tmp_path, capsys):
    lines = ["a/00.jpg,train", "b/00.jpg,validation", "b/dark.jpg,test"]
    (tmp_path / "s.csv").write_text("\n".join(["file,split", *lines]))
    options = ("--size", 48, "--split-file", tmp_path / "s.csv", "--processes", 1)
    assert ended("faces", "--source", source, "--out", tmp_path / "out", *options) == 0
    assert "note: no record is in test: evaluate.py needs test" in capsys.readouterr().err


def test_a_split_with_too_few_people_to_forge_with_is_said_once(source, tmp_path, capsys):
    lines = ["a/00.jpg,train", "b/00.jpg,test", "b/dark.jpg,train"]
    (tmp_path / "s.csv").write_text("\n".join(["file,split", *lines]))
    options = ("--size", 48, "--split-file", tmp_path / "s.csv", "--processes", 1)
    assert ended("faces", "--source", source, "--out", tmp_path / "out", *options) == 0
    notes = [line for line in capsys.readouterr().err.splitlines() if "too few people" in line]
    assert [note.partition(": a forgery")[0] for note in notes] == [
        "note: too few people to forge with in test",
        "note: too few people to forge with in train and test",  # b's dark picture was refused
    ]


def test_people_that_splits_share_are_said_and_stored(source, tmp_path, capsys):
    lines = ["a/00.jpg,train", "b/00.jpg,train", "b/dark.jpg,test"]
    (tmp_path / "s.csv").write_text("\n".join(["file,split", *lines]))
    options = ("--size", 48, "--split-file", tmp_path / "s.csv", "--processes", 1)
    assert ended("faces", "--source", source, "--out", tmp_path / "out", *options) == 0
    assert "of 1 people of test, 1 stand in train too: 0 as source, 0 as target, 1 as pr" in capsys.readouterr().err
    stored = json.loads((tmp_path / "out" / "faces" / "1.0.0" / "metadata.json").read_text())
    assert stored["people_shared_with_train"]["test"]["in_train"] == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [(["--split-file", "{0}"], "is a folder, and a file is wanted"), (["--out", "{0}/file"], "cannot be written")],
)
def test_files_that_are_folders_and_folders_that_are_files(source, tmp_path, capsys, options, words):
    (tmp_path / "file").write_text("")
    options = [option.format(tmp_path) for option in options]
    assert ended("faces", "--source", source, "--out", tmp_path / "out", "--processes", 1, *options) == 2
    errors = capsys.readouterr().err.splitlines()
    assert errors[-1].startswith("error: ") and words in errors[-1]


def test_ctrl_c_says_that_the_work_is_kept(source, tmp_path, capsys, monkeypatch):
    def stopped(weights_dir):
        raise KeyboardInterrupt

    monkeypatch.setattr(face_tools, "make_tools", stopped)
    assert ended("faces", "--source", source, "--out", tmp_path / "out", "--processes", 1) == prepare.INTERRUPTED
    assert "the same command goes on from there" in capsys.readouterr().err


def test_missing_networks_are_named(source, tmp_path, capsys, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setenv("DFREC_WEIGHTS", str(tmp_path))
    assert ended("faces", "--source", source, "--out", tmp_path / "out", "--processes", 1) == 2
    assert face_tools.DETECTOR in capsys.readouterr().err
