import hashlib
import zipfile

import ml_dtypes
import numpy as np
import pytest

from dfrec_jax.weights.readers import read
from dfrec_jax.weights.rules import WeightsError
from dfrec_jax.weights.torch_writer import write_pytorch

BASE = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
TENSORS = {
    "base": BASE,
    "transposed": BASE.T,
    "half": BASE.astype(np.float16),
    "bfloat16": BASE.astype(ml_dtypes.bfloat16),
    "double": BASE.astype(np.float64),
    "int64": np.array(7),
    "bool": BASE > 3,
    "empty": np.zeros((0, 3), np.float32),
    "big_endian": BASE.astype(">f4"),
}


def write(path, state_dicts):
    write_pytorch(path, ((entry, *item) for entry, tensors in state_dicts.items() for item in tensors.items()))


def test_what_is_written_is_read(tmp_path):
    write(tmp_path / "folder" / "net.pth", {"first": TENSORS, "second": {"base": -BASE}})
    got = read(tmp_path / "folder" / "net.pth", entry="first")
    assert list(got) == list(TENSORS)
    for name, want in TENSORS.items():
        np.testing.assert_array_equal(got[name], want, err_msg=name)
        assert got[name].dtype == want.dtype.newbyteorder("<")
    np.testing.assert_array_equal(read(tmp_path / "folder" / "net.pth", entry="second")["base"], -BASE)
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["net.pth"]


def test_a_file_that_torch_wrote_has_the_same_bytes_in_every_tensor(fixtures, tmp_path):
    """The fixture is torch's own; tensors that share storage in it get their own here, so members differ in number."""
    original = read(fixtures / "weights" / "torch_zip.pth", entry="model/state_dict")
    write(tmp_path / "net.pth", {"state_dict": original})
    copy = read(tmp_path / "net.pth", entry="state_dict")
    assert list(copy) == list(original)
    for name, tensor in original.items():
        assert copy[name].tobytes() == tensor.tobytes() and copy[name].dtype == tensor.dtype, name


def test_members_are_aligned_stored_and_reproducible(tmp_path):
    digests = set()
    for name in ("one.pth", "two.pth"):
        write(tmp_path / name, {"first": TENSORS})
        digests.add(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())
    assert len(digests) == 1
    with zipfile.ZipFile(tmp_path / "one.pth") as archive, (tmp_path / "one.pth").open("rb") as file:
        assert archive.testzip() is None
        assert {"archive/data.pkl", "archive/version", "archive/byteorder", "archive/data/0"} <= set(archive.namelist())
        for member in archive.infolist():
            assert member.compress_type == zipfile.ZIP_STORED
            file.seek(member.header_offset + 26)
            lengths = np.frombuffer(file.read(4), "<u2")
            assert (member.header_offset + 30 + int(lengths.sum())) % 64 == 0, member.filename


def test_a_type_that_torch_lacks_is_refused_by_name(tmp_path):
    with pytest.raises(WeightsError, match="first/w has the type uint16"):
        write(tmp_path / "net.pth", {"first": {"w": np.zeros(2, np.uint16)}})
    assert not list(tmp_path.iterdir())


def test_a_file_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(WeightsError, match="net.pth: cannot be written"):
        write(tmp_path / "file" / "net.pth", {"first": TENSORS})


def test_torch_itself_reads_it(tmp_path):
    torch = pytest.importorskip("torch")
    write(tmp_path / "net.pth", {"first": TENSORS})
    loaded = torch.load(tmp_path / "net.pth", weights_only=True)["first"]
    for name, want in TENSORS.items():
        np.testing.assert_array_equal(loaded[name].float().numpy(), want.astype(np.float32), err_msg=name)
