"""`dfrec data audit`: its exit status, and where it writes. `dfrec data stage`."""

from pathlib import Path

import numpy as np
import pytest

from dfrec_jax import cli
from dfrec_jax.audit import forged_examples
from dfrec_jax.preparation.layouts import face_folders
from dfrec_jax.preparation.prepare import prepare
from tests.local_s3 import BUCKET
from tests.preparation import trees
from tests.preparation.trees import request


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Two people, one of them in two splits."""
    monkeypatch.setattr(forged_examples, "forged_examples", lambda split: np.zeros((2, 4, 8, 8, 3), np.uint8))
    trees.people(tmp_path / "in", {"a": 2, "b": 1})
    (tmp_path / "split.csv").write_text("file,split\na/00.jpg,train\na/01.jpg,test\nb/00.jpg,train\n")
    plan = face_folders.plan(str(tmp_path / "in"), split_file=str(tmp_path / "split.csv"))
    return prepare(plan, trees.make_tools, request(tmp_path / "out", num_forgeries=0)).folder


def ended(*arguments, action="audit"):
    with pytest.raises(SystemExit) as end:
        cli.main(["data", action, *map(str, arguments)])
    return end.value.code


def test_leakage_is_said_and_with_strict_it_is_the_exit_status(folder, tmp_path, capsys):
    assert ended(folder.parent) == 0
    assert "person shared by train and test: 1" in capsys.readouterr().out
    assert sorted(path.name for path in (folder / "audit").iterdir()) == [
        "audit.json", "audit.md", "examples.jpg", "forged.jpg",
    ]  # fmt: skip
    assert ended(folder, "--strict", "--out", tmp_path / "page") == 1
    assert (tmp_path / "page" / "audit.md").read_text() == (folder / "audit" / "audit.md").read_text()


def test_a_data_set_without_leaks_passes(prepared_cleanly, tmp_path):
    assert ended(prepared_cleanly, "--strict", "--out", tmp_path) == 0


@pytest.fixture
def prepared_cleanly(tmp_path):
    """One split of one person, from which nothing can be forged."""
    trees.people(tmp_path / "in", {"a": 1})
    plan = face_folders.plan(str(tmp_path / "in"), shares=(0.0, 0.0, 1.0))
    return prepare(plan, trees.make_tools, request(tmp_path / "out", num_forgeries=0)).folder


def test_what_is_no_data_set_is_refused(tmp_path, capsys):
    assert ended(tmp_path) == 2
    assert "must be the folder of one data set" in capsys.readouterr().err


def test_what_a_training_will_read_is_staged_before(s3, prepared, capsys, monkeypatch):
    s3.put_folder("prepared", prepared)
    address = f"s3://{BUCKET}/prepared"
    assert ended(f"{address},triplets:{address}", "--dataset=faces", "--split", "train", action="stage") == 0
    places = [line.partition(": ")[2] for line in capsys.readouterr().out.splitlines()]
    assert len(places) == 2 and all((Path(place) / "index-train.npz").exists() for place in places)
    assert ended(address, "--dataset=faces", "--split", "dev", action="stage") == 2
    assert "and not dev" in capsys.readouterr().err
