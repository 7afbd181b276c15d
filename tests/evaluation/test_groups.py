"""Groups of examples from a list."""

import csv
from pathlib import Path

import numpy as np
import pytest

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.evaluation import groups

IDENTITIES = ("source-001_a", "target-001_a", "target-002_b", "target-003_c")


def _list(path, text):
    path.write_text(text)
    return path


def test_examples_of_one_repository_have_one_name(tmp_path):
    path = _list(tmp_path / "index.csv", "id,attack,repository\n001_a,a,x/y\n002_b,b,u/v\n003_c,b,x/y\n")
    labels = groups.read(str(path), np.array([1, 2, 3, 1]), IDENTITIES)
    assert labels["repository"].tolist() == ["x/y", "u/v", "x/y", "x/y"]


def test_later_lists_add_columns_by_what_they_share(tmp_path):
    index = _list(tmp_path / "index.csv", "id,repository\n001_a,x/y\n002_b,u/v\n003_c,x/y\n")
    halves = _list(tmp_path / "halves.csv", "repository,half\nx/y,one\nu/v,other\n")
    targets = _list(tmp_path / "targets.csv", "id,target\n001_a,t1\n002_b,t2\n003_c,t1\n")
    labels = groups.read(f"{index},{halves},{targets}", np.array([1, 2, 3]), IDENTITIES)
    assert labels["half"].tolist() == ["one", "other", "one"] and labels["target"].tolist() == ["t1", "t2", "t1"]


@pytest.mark.parametrize(
    ("only", "want"),
    [("half=one", [1, 0, 1]), ("half!=one", [0, 1, 0]), ("half=one,id!=003", [1, 0, 0])],
)
def test_examples_are_chosen_by_columns(only, want):
    labels = {"half": np.array(["one", "other", "one"]), "id": np.array(["001", "002", "003"])}
    assert groups.chosen(labels, only).astype(int).tolist() == want


@pytest.mark.parametrize(
    ("only", "words"),
    [
        ("side=one", "must be COLUMN=VALUE or COLUMN!=VALUE, of half"),
        ("one", "must be COLUMN=VALUE"),
        ("half=two", "have, of half, one, other"),
        ("half=one,half=other", "no example is left"),
    ],
)
def test_what_chooses_nothing_is_refused(only, words):
    with pytest.raises(ConfigError, match=words):
        groups.chosen({"half": np.array(["one", "other"])}, only)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("id,attack\n001_a,a\n", "the columns id and repository"),
        ("repository\nx/y\n", "the columns id and repository"),
        ("id,repository\n", "a line of headings, such as id and repository"),
        ("id,repository\n001_a,x/y\n", "has no id '002_b'"),
        ("id,repository\n001_a,x/y\n002_b\n", "'002_b' has no repository"),
        ("id,repository\n001_a,x/y\n002_b,x/y\n001_a,u/v\n", "'001_a' stands in two lines"),
        ("id,repository\n001_a,x/y\n002_b,x,y\n", "line 3 has more values than the first has headings"),
    ],
)
def test_a_list_that_does_not_fit_is_refused(tmp_path, text, words):
    with pytest.raises(ConfigError, match=words):
        groups.read(str(_list(tmp_path / "index.csv", text)), np.array([1, 2]), IDENTITIES)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name,half\nx/y,one\n", "no column that the lists before it have: id, repository"),
        ("repository,half\nu/v,one\n", "has no repository 'x/y'"),
    ],
)
def test_a_later_list_that_does_not_fit_is_refused(tmp_path, text, words):
    index = _list(tmp_path / "index.csv", "id,repository\n001_a,x/y\n002_b,x/y\n")
    with pytest.raises(ConfigError, match=words):
        groups.read(f"{index},{_list(tmp_path / 'more.csv', text)}", np.array([1, 2]), IDENTITIES)


def test_a_list_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match="nothing.csv: cannot be read"):
        groups.read(str(tmp_path / "nothing.csv"), np.array([1]), IDENTITIES)


def test_the_halves_of_the_real_swaps_alternate_by_size_and_share_no_target():
    folder = Path(__file__).parents[2] / "configs" / "groups"
    rows = list(csv.DictReader((folder / "real_swaps_halves.csv").read_text().splitlines()))
    by_size = sorted(rows, key=lambda row: (-int(row["swaps"]), row["repository"].lower()))
    assert rows == by_size and rows[0]["repository"] == "neuralchen/SimSwap"
    assert [row["half"] for row in rows] == ["development", "held-out"] * 6


def test_the_lists_of_the_real_swaps_fit_them(shared_data):
    folder = Path(__file__).parents[2] / "configs" / "groups"
    index = shared_data / "real_swaps" / "index.csv"
    ids = [row["id"] for row in csv.DictReader(index.read_text().splitlines())]
    lists = f"{index},{folder / 'real_swaps_halves.csv'},{folder / 'real_swaps_targets.csv'}"
    labels = groups.read(lists, np.arange(len(ids)), [f"target-{name}" for name in ids])
    halves = {half: set(labels["target"][labels["half"] == half]) for half in ("development", "held-out")}
    assert {half: len(targets) for half, targets in halves.items()} == {"development": 22, "held-out": 18}
    assert not set.intersection(*halves.values())
