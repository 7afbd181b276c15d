"""A few of the files of `benchmarks/hostile.py`, and what chance does not make: bombs, endless pickles, ways out."""

import io
import json
import os
import pickle
import struct
import zipfile
import zlib

import h5py
import numpy as np
import pytest

from dfrec_jax.examples.encoded import COLOURS, DamagedPicture, Encoded
from dfrec_jax.files import cache, json_text
from dfrec_jax.pictures.reading import ImageError, decode_image
from dfrec_jax.weights.readers import read
from dfrec_jax.weights.rules import WeightsError
from tests import hostile, hostile_folders


def _check(cases, count, folder):
    found = []
    counts = hostile.run(
        cases, count, folder, report=lambda number, case, one, _: found.append((number, case.name, one))
    )
    assert not counts["unhandled"], [each for each in found if each[2].kind == "unhandled"]
    assert counts["refused"] > count // 4 and counts["accepted"], counts


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's of odd tags; no program of ours makes errors of them
def test_pictures(tmp_path):
    _check(hostile.pictures(), 400, tmp_path)


def test_weight_files(tmp_path):
    _check(hostile.weights(), 500, tmp_path)


def test_records(prepared, tmp_path):
    _check(hostile.records(prepared), 60, tmp_path)


def test_configs_and_the_json_of_checkpoints(tmp_path):
    _check(hostile.configs(hostile_folders.run(tmp_path / "run"), is_built=False), 100, tmp_path)


def test_what_nobody_handles_is_found(tmp_path):
    """A suite that counted everything as refused would pass as well."""

    def broken(folder):
        if (folder / "a.json").read_bytes() != b'{"a": 1}':
            raise IndexError("a fault")

    case = hostile.Case("broken", {"a.json": b'{"a": 1}'}, ("a.json",), broken)
    counts = hostile.run([case], 20, tmp_path)
    assert counts["unhandled"] > 10 and counts["refused"] == 0


@pytest.mark.parametrize(("folder", "is_found"), [("shapes", False), ("weights", True)])
def test_a_file_that_is_opened_elsewhere_is_found_but_for_the_packages_own_notes(tmp_path, folder, is_found):
    path = cache.folder() / folder / "a.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}")
    case = hostile.Case("reader", {"a.json": b"{}"}, ("a.json",), lambda _: path.read_text())
    (tmp_path / "case").mkdir()
    found = hostile.outcome(case, 0, tmp_path / "case")
    assert (found.kind == "unhandled" and str(path) in found.words) == is_found


def _png(width, height):
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def test_a_small_file_that_says_it_is_a_large_picture_is_refused_before_it_is_decoded():
    with pytest.raises(ImageError, match="far larger than its file could hold.*14000x14000"):
        decode_image(_png(14000, 14000), "bomb.png")
    with pytest.raises(DamagedPicture, match="record 3: its picture has a side of 30000 pixels"):
        Encoded(_png(30000, 30000), COLOURS, 32, "train: record 3").decode()


def test_an_array_that_says_it_is_larger_than_its_file_is_refused(tmp_path):
    path = tmp_path / "bomb.npz"
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': (100000, 100000), }".ljust(117) + "\n"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("a.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + bytes(64))
    with pytest.raises(WeightsError, match="bomb.npz.*says .100000, 100000. of float32, and has"):
        read(path)
    with h5py.File(tmp_path / "bomb.h5", "w") as file:
        file.create_dataset("a", shape=(100000, 100000), dtype=np.float32, chunks=(100, 100))  # of which none is stored
    with pytest.raises(WeightsError, match="'a' says .100000, 100000., for which the file is too short"):
        read(tmp_path / "bomb.h5")


def _tfjs(folder, paths):
    weights = [{"name": "a", "shape": [2], "dtype": "float32"}]
    (folder / "model.json").write_text(json.dumps({"weightsManifest": [{"paths": paths, "weights": weights}]}))
    return folder / "model.json"


@pytest.mark.parametrize(
    ("paths", "words"),
    [
        (["../../etc/passwd"], "lies outside of the folder"),
        (["/etc/passwd"], "lies outside of the folder"),
        (["a\0b"], "lies outside of the folder"),
        ([".."], "is no file"),
        (["one.bin"] * 100_000, "names a shard twice"),
    ],
)
def test_shards_stay_in_their_folder_and_are_read_once(tmp_path, paths, words):
    (tmp_path / "one.bin").write_bytes(bytes(8))
    with pytest.raises(WeightsError, match=words):
        read(_tfjs(tmp_path, paths))


def test_a_pipe_is_no_file_of_weights(tmp_path):
    os.mkfifo(tmp_path / "weights.npz")  # to open it would wait for ever
    with pytest.raises(WeightsError, match="is a folder, a pipe or a device"):
        read(tmp_path / "weights.npz")


def _pickled(tmp_path, data):
    (tmp_path / "arrays.pkl").write_bytes(b"\x80\x02" + data + b".")
    return tmp_path / "arrays.pkl"


DOUBLED = b"K\x01" + b"".join(
    b"q" + bytes([i]) + b"h" + bytes([i]) + b"\x86" for i in range(60)
)  # (x, x), 60 levels deep


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"cposix\nsystem\nX\x04\x00\x00\x00true\x85R", "asks for 'posix.system'"),
        (b"}" + DOUBLED + b"K\x01s", "is no key of a dict of tensors"),  # its hash would take for ever
        (DOUBLED + b"Q", "refers to"),  # as would its words
        (b"}X\x01\x00\x00\x00a" + DOUBLED + b"s", "is a tuple, no array"),
        (b"\x8d" + struct.pack("<Q", 1 << 60), "truncated or damaged"),  # a text of an exabyte
        (b"]q\x00(" + b"K\x01" * 1000 + b"e" + b"c_codecs\nencode\nh\x00\x85R0" * 5, "fails|copies|instruction"),
    ],
)
def test_a_pickle_runs_nothing_and_ends(tmp_path, data, words):
    with pytest.raises(WeightsError, match=words):
        read(_pickled(tmp_path, data))


def test_a_pickle_cannot_copy_a_list_over_and_over(tmp_path):
    big = pickle.dumps({"a": np.zeros(2000, np.float64)}, protocol=2)
    assert read(_pickled(tmp_path, big[2:-1]))["a"].size == 2000
    text = b"X" + struct.pack("<I", 1_000_000) + b"a" * 1_000_000 + b"q\x00"
    copy = b"c_codecs\nencode\nh\x00X\x06\x00\x00\x00latin1\x86R"
    with pytest.raises(WeightsError, match="copies more at byte .* than a file of tensors does"):
        read(_pickled(tmp_path, b"](" + text + copy * 100 + b"e"))


def test_json_that_is_too_deep_is_an_error_like_any_other():
    for text in ("[" * 1_000_000, '{"a":' * 100_000):
        with pytest.raises(ValueError, match="nested too deeply"):
            json_text.parsed(text)
    assert json_text.parsed(io.BytesIO(b'{"a": 1}').read()) == {"a": 1}
