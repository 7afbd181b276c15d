"""Reading a prepared data set of which a file is damaged: one line that names it, and no traceback."""

import shutil

import pytest

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.records.prepared import PreparedSplit

HOW = {"cut short": lambda data: data[: len(data) // 2], "zeros": lambda data: bytes(len(data)), "empty": lambda _: b""}


@pytest.fixture
def folder(prepared, tmp_path):
    shutil.copytree(prepared / "faces", tmp_path / "faces")
    return next((tmp_path / "faces").glob("*"))


def _read_all(folder):
    split = PreparedSplit(str(folder.parents[1]), "faces", "train")
    for number in range(len(split.index.label)):
        split.example(number, 48)


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("names.json", "names.json is damaged"),
        ("index-train.npz", "index-train.npz is damaged"),
        ("*-train.array_record-*", "the records of train are damaged"),
    ],
)
def test_a_damaged_file_is_named_with_the_fix(folder, pattern, words, how):
    _read_all(folder)
    (path,) = folder.glob(pattern)
    path.write_bytes(HOW[how](path.read_bytes()))
    with pytest.raises(ConfigError) as refused:
        _read_all(folder)
    assert str(refused.value).startswith(f"{folder}: {words} (")
    assert str(refused.value).endswith("run `dfrec prepare faces` again")


def test_a_damaged_record_is_told_by_its_number(folder):
    (path,) = folder.glob("*-train.array_record-*")
    data = bytearray(path.read_bytes())
    data[2000:3000] = bytes(1000)  # in the first chunk of records: header and footer stay
    path.write_bytes(data)
    with pytest.raises(ConfigError, match=r"record \d+ is damaged .*dfrec prepare faces"):
        _read_all(folder)
