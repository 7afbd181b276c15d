"""The PyTorch files under fixtures/weights are torch's own (make.py beside them); the hostile ones are made here."""

import os
import pickle
import zipfile

import ml_dtypes
import numpy as np
import pytest

from dfrec_jax.weights.readers import read
from dfrec_jax.weights.readers.pytorch import LEGACY_MAGIC, PytorchFile
from dfrec_jax.weights.rules import Rule, WeightsError, port

BASE = np.arange(24, dtype=np.float32).reshape(4, 6)
WANT = {
    "base": BASE,
    "transposed": BASE.T,
    "slice": BASE[1:3, ::2],
    "rows": BASE[2:],
    "half": BASE.astype(np.float16),
    "bfloat16": BASE.astype(ml_dtypes.bfloat16),
    "double": BASE.astype(np.float64),
    "int8": BASE.astype(np.int8),
    "uint8": BASE.astype(np.uint8),
    "int16": BASE.astype(np.int16),
    "int32": BASE.astype(np.int32),
    "int64": BASE.astype(np.int64),
    "bool": BASE > 3,
    "scalar": np.float32(3.5),
    "empty": np.zeros((0, 3), np.float32),
    "parameter": BASE * 2,
}
FORMS = ("torch_zip.pth", "torch_legacy.pth")


class Malice:
    """Pickles to a call of os.mkdir, as hostile checkpoints do with os.system."""

    def __init__(self, proof):
        self.proof = proof

    def __reduce__(self):
        return os.mkdir, (str(self.proof),)


def zip_of(path, pickled):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickled)
        archive.writestr("archive/version", "3\n")
    return path


def legacy_of(path, pickled):
    path.write_bytes(LEGACY_MAGIC + b"." + pickle.dumps(1001, 2) + pickle.dumps({"little_endian": True}, 2) + pickled)
    return path


@pytest.mark.parametrize("name", FORMS)
def test_reads_every_type_and_layout_that_torch_writes(fixtures, name):
    got = read(fixtures / "weights" / name, entry="model/state_dict")
    assert list(got) == list(WANT)
    for key, want in WANT.items():
        assert got[key].dtype == want.dtype, key
        assert got[key].flags.aligned, key
        np.testing.assert_array_equal(got[key], want, err_msg=key)


@pytest.mark.parametrize("name", FORMS)
def test_reads_numbers_beside_the_tensors(fixtures, name):
    tree = PytorchFile(fixtures / "weights" / name).tree
    assert (tree["epoch"], tree["acc1"], tree["args"]) == (3, 0.25, {"lr": 0.1})


def test_maps_the_file_instead_of_loading_it(fixtures):
    base = read(fixtures / "weights" / "torch_zip.pth", entry="model/state_dict")["base"]
    assert not base.flags.owndata and not base.flags.writeable


@pytest.mark.parametrize(
    ("entry", "message"),
    [("", "'epoch' in the file is a int"), ("model/net", "no entry 'model/net'.*state_dict"), ("epoch", "holds a int")],
)
def test_a_wrong_entry_is_refused_and_says_what_there_is(fixtures, entry, message):
    with pytest.raises(WeightsError, match=message):
        read(fixtures / "weights" / "torch_zip.pth", entry=entry)


def test_a_prefix_is_demanded_of_every_name(fixtures):
    with pytest.raises(WeightsError, match="'base' does not begin with 'module.'"):
        read(fixtures / "weights" / "torch_zip.pth", entry="model/state_dict", prefix="module.")


@pytest.mark.parametrize("form", [zip_of, legacy_of])
def test_a_malicious_pickle_is_refused_and_not_run(tmp_path, form):
    proof = tmp_path / "executed"
    for protocol in (2, 4):
        file = form(tmp_path / "file.pth", pickle.dumps({"weight": Malice(proof)}, protocol))
        with pytest.raises(WeightsError, match=r"file.pth: the pickle asks for '(posix|nt).mkdir' at byte \d+"):
            read(file)
    pickle.loads(pickle.dumps(Malice(proof)))
    assert proof.exists()  # so the pickle was live ammunition


def test_only_listed_names_can_be_called(tmp_path):
    attack = b"\x80\x02ctorch\nFloatStorage\nX\x01\x00\x00\x00a\x85R."  # calls a storage type
    with pytest.raises(WeightsError, match="calls 'torch.FloatStorage' at byte 29"):
        read(zip_of(tmp_path / "file.pth", attack))
    with pytest.raises(WeightsError, match="REDUCE at byte .* a Name is expected, found a str"):
        read(zip_of(tmp_path / "file.pth", b"\x80\x02X\x02\x00\x00\x00os)R."))
    with pytest.raises(WeightsError, match="instruction INST at byte 3"):
        read(zip_of(tmp_path / "file.pth", b"\x80\x02(ios\nsystem\n."))
    with pytest.raises(WeightsError, match="instruction EXT1"):
        read(zip_of(tmp_path / "file.pth", b"\x80\x02\x82\x01."))


def test_a_tensor_outside_of_its_storage_is_refused(tmp_path):
    def tensor(shape, strides, offset=0):
        storage = b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x04tQ"
        head, tail = b"\x80\x02}X\x01\x00\x00\x00wctorch._utils\n_rebuild_tensor_v2\n(" + storage, b"\x89Nt"
        parts = b"".join(pickle.dumps(part, 2)[2:-1] for part in (offset, shape, strides))
        return head + parts + tail + b"Rs."

    def file_of(pickled):
        path = tmp_path / "file.pth"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a/data.pkl", pickled)
            archive.writestr("a/data/0", np.arange(4, dtype=np.float32).tobytes())
        return path

    np.testing.assert_array_equal(read(file_of(tensor((2, 2), (1, 2))))["w"], [[0, 2], [1, 3]])
    for shape, strides, offset in (((5,), (1,), 0), ((4,), (1,), 1), ((2,), (9,), 0), ((9,), (0,), 0)):
        with pytest.raises(WeightsError, match="'w' of shape .* does not fit its storage of 4 elements"):
            read(file_of(tensor(shape, strides, offset)))
    with pytest.raises(WeightsError, match="'w' has impossible shape"):
        read(file_of(tensor((2,), (-1,), 3)))


@pytest.mark.parametrize("name", ["torch_module.pth", "torch_module_legacy.pth"])
def test_a_pickled_module_is_refused_and_says_what_to_use(fixtures, name):
    with pytest.raises(WeightsError, match=r"torch.nn.modules.linear.Linear.*Use a file of the network's state_dict"):
        read(fixtures / "weights" / name)


def test_torchscript_is_refused(fixtures):
    with pytest.raises(WeightsError, match="a TorchScript archive, which is a program"):
        read(fixtures / "weights" / "torchscript.pt")


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.95])
def test_a_truncated_file_is_refused(fixtures, tmp_path, name, share):
    whole = (fixtures / "weights" / name).read_bytes()
    file = tmp_path / name
    file.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(WeightsError, match=f"{name}: .*(truncated|damaged|not write)"):
        read(file, entry="model/state_dict")


@pytest.mark.parametrize("name", FORMS)
def test_no_damage_to_the_pickle_ends_in_another_error(fixtures, tmp_path, name):
    whole = bytearray((fixtures / "weights" / name).read_bytes())
    rng = np.random.default_rng(0)
    for _ in range(60):
        damaged = whole.copy()
        for place in rng.integers(0, 3000, 3):
            damaged[place] = rng.integers(256)
        (tmp_path / name).write_bytes(damaged)
        try:
            read(tmp_path / name, entry="model/state_dict")
        except WeightsError:
            pass


def test_a_plain_pickle_and_an_unknown_file_are_refused(tmp_path):
    for content in (pickle.dumps({"a": 1}), b"<html>not found</html>", b""):
        (tmp_path / "file.pth").write_bytes(content)
        with pytest.raises(WeightsError, match="file.pth: not a weight file of a known format"):
            read(tmp_path / "file.pth")
    with pytest.raises(WeightsError, match="absent.pth: cannot be read: No such file"):
        read(tmp_path / "absent.pth")


def test_a_wrong_or_renamed_or_nan_tensor_is_refused_by_name(fixtures):
    tensors = read(fixtures / "weights" / "torch_zip.pth", entry="model/state_dict")
    rules = (Rule("base", "params/kernel"), Rule("(?!base).*", None, reason="other types"))
    expected = {"params/kernel": (4, 6)}
    np.testing.assert_array_equal(port(tensors, rules, expected)["params/kernel"], BASE)
    with pytest.raises(WeightsError, match="'other' matches no rule"):
        port({"other": BASE}, rules[:1], expected)
    with pytest.raises(WeightsError, match="'base' gives 'params/kernel' the shape"):
        port({"base": BASE.T}, rules, expected)
    with pytest.raises(WeightsError, match="not filled.*params/kernel"):
        port({"other": BASE}, rules, expected)
    with pytest.raises(WeightsError, match="'base' holds NaN"):
        port({"base": np.where(BASE == 5, np.nan, BASE)}, rules, expected)


@pytest.mark.parametrize(
    ("file", "entry", "prefix", "count", "name", "shape"),
    [
        ("mobilefacenet-foamliu/mobilefacenet.pt", "", "", 307, "conv1.0.weight", (64, 3, 3, 3)),
        ("mobilefacenet-xiaoccer/068.ckpt", "net_state_dict", "", 333, "conv1.conv.weight", (64, 3, 3, 3)),
        ("3ddfa_v2/mb05_120x120.pth", "state_dict", "module.", 166, "conv1.weight", (16, 3, 3, 3)),
        ("retinaface-mobile025/mobilenet0.25_Final.pth", "", "", 300, "body.stage1.0.0.weight", (8, 3, 3, 3)),
        ("squeezenet-imagenet/squeeze.pth", "", "", 7, "lin0.model.1.weight", (1, 64, 1, 1)),
    ],
)
def test_reads_the_real_files(shared_weights, file, entry, prefix, count, name, shape):
    tensors = read(shared_weights / file, entry=entry, prefix=prefix)
    assert len(tensors) == count and tensors[name].shape == shape
    assert all(np.isfinite(tensor).all() for tensor in tensors.values())
