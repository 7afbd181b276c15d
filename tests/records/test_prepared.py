"""Reading a prepared data set of which a file is damaged: one line that names it, and no traceback."""

import shutil

import numpy as np
import pytest
from array_record.python import array_record_module
from tensorflow_datasets.proto import tf_example_pb2

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.examples.encoded import DamagedPicture
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


def test_a_changed_byte_of_the_records_is_named_or_changes_nothing(folder):
    split = PreparedSplit(str(folder.parents[1]), "faces", "train")
    want = [split.example(number, 48) for number in range(len(split.index.label))]
    (path,) = folder.glob("*-train.array_record-*")
    content, draws, refused = path.read_bytes(), np.random.default_rng(0), 0
    for place in draws.integers(len(content), size=40):
        path.write_bytes(content[:place] + bytes([content[place] ^ 0x5A]) + content[place + 1 :])
        try:
            split = PreparedSplit(str(folder.parents[1]), "faces", "train")
            for number, example in enumerate(want):
                got = split.example(number, 48)
                assert all(np.array_equal(got[name], example[name], equal_nan=True) for name in example), place
        except ConfigError as error:
            assert "damaged" in str(error) and str(error).endswith("run `dfrec prepare faces` again")
            refused += 1
    assert refused >= 10, "the rest are the room between blocks"


def _changed_index(folder, **changes):
    with np.load(folder / "index-train.npz") as stored:
        columns = {name: stored[name] for name in stored.files}
    np.savez(folder / "index-train.npz", **{**columns, **{name: how(columns[name]) for name, how in changes.items()}})


@pytest.mark.parametrize(
    "changes",
    [
        {"label": lambda column: column + np.uint8(7)},  # there are three
        {"attack": lambda column: column - 1},
        {"source_id": lambda column: column + 1000},
        {"faces": lambda column: column[:, None]},
        {"partners": lambda column: column + 1000},
        {"partners": lambda column: column[:-1]},
        {"has_mask": lambda column: column.astype(np.float32)},
        {"target_id": lambda column: column[:-1]},
    ],
)
def test_an_index_whose_numbers_mean_nothing_is_damaged(folder, changes):
    _changed_index(folder, **changes)
    with pytest.raises(ConfigError, match="index-train.npz is damaged .ValueError.*dfrec prepare faces"):
        PreparedSplit(str(folder.parents[1]), "faces", "train")


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"margin": "wide"}', '{"crop": "circle"}', '{"margin": -1}', "[" * 100_000]
)
def test_a_metadata_file_that_says_no_frame_is_damaged(folder, text):
    (folder / "metadata.json").write_text(text)
    with pytest.raises(ConfigError, match="metadata.json is damaged"):
        PreparedSplit(str(folder.parents[1]), "faces", "train")


def _with_record(folder, change):
    """The data set with the fields of its first training record changed, in a file that is whole."""
    (path,) = folder.glob("*-train.array_record-*")
    reader = array_record_module.ArrayRecordReader(str(path))
    records = reader.read_all()
    reader.close()
    example = tf_example_pb2.Example.FromString(records[0])
    change(example.features.feature)
    writer = array_record_module.ArrayRecordWriter(str(path), "group_size:1")
    for record in (example.SerializeToString(), *records[1:]):
        writer.write(record)
    writer.close()


def _set_bytes(name, data):
    def change(fields):
        fields[name].bytes_list.value[:] = [data]

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda fields: fields["points"].float_list.value.pop(), "record 0 is damaged: its points has 135 numbers"),
        (lambda fields: fields["landmarks"].Clear(), "record 0 is damaged: its landmarks has 0 numbers"),
        (lambda fields: fields["place"].float_list.value.append(1.0), "its place has 7 numbers, not 6"),
        (_set_bytes("image", b"no picture"), "record 0: its picture is no JPEG file"),
        (_set_bytes("image", b"\xff\xd8\xff\xc0\x00\x11\x08\x00\x30\x00\x30" + bytes(20)), "cannot be decoded"),
    ],
)
def test_a_record_that_is_not_as_it_should_be_is_named(folder, change, words):
    _with_record(folder, change)
    split = PreparedSplit(str(folder.parents[1]), "faces", "train")
    with pytest.raises((ConfigError, DamagedPicture), match=words):
        split.example(0, 48)
