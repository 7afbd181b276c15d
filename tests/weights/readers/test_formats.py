"""Every reader but PyTorch's: small files of each format, made here, whole and damaged."""

import json
import pickle
import struct

import h5py
import ml_dtypes
import numpy as np
import pytest
import safetensors.numpy

from dfrec_jax.weights.readers import read
from dfrec_jax.weights.rules import WeightsError

TENSORS = {
    "a/kernel": np.arange(6, dtype=np.float32).reshape(2, 3),
    "a/count": np.array([1, -2], np.int64),
    "b/kernel": np.ones((1, 2), np.float16),
}


def write_safetensors(path):
    safetensors.numpy.save_file(TENSORS, path)


def write_npz(path):
    np.savez_compressed(path, **TENSORS)


def write_h5(path):
    with h5py.File(path, "w") as file:
        for name, tensor in TENSORS.items():
            file[name] = tensor
        file["link"] = h5py.ExternalLink("/etc/passwd", "x")


def write_tfjs(path):
    content = b"".join(tensor.tobytes() for tensor in (TENSORS["a/kernel"], TENSORS["b/kernel"]))
    weights = [
        {"name": "a/kernel", "shape": [2, 3], "dtype": "float32"},
        {"name": "b/kernel", "shape": [1, 2], "dtype": "float16"},
    ]
    (path.parent / "shard1of2.bin").write_bytes(content[:10])
    (path.parent / "shard2of2.bin").write_bytes(content[10:])
    (path.parent / "counts.bin").write_bytes(TENSORS["a/count"].astype(np.int32).tobytes())
    counts = {"paths": ["counts.bin"], "weights": [{"name": "a/count", "shape": [2], "dtype": "int32"}]}
    path.write_text(json.dumps({"weightsManifest": [{"paths": SHARDS, "weights": weights}, counts]}))


SHARDS = ["shard1of2.bin", "shard2of2.bin"]


def varint(value):
    value &= (1 << 64) - 1
    groups = []
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*groups, value])


def field(number, payload):
    if isinstance(payload, int):
        return varint(number << 3) + varint(payload)
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def onnx_tensor(name, shape, code, *parts):
    return b"".join((*(field(1, n) for n in shape), field(2, code), field(8, name.encode()), *parts))


def onnx_model(*tensors):
    graph = field(2, b"a graph") + b"".join(field(5, tensor) for tensor in tensors)
    return field(1, 8) + field(2, b"a producer") + field(7, graph)


def write_onnx(path):
    counts = b"".join(varint(n) for n in (1, -2))
    path.write_bytes(
        onnx_model(
            onnx_tensor("a/kernel", (2, 3), 1, field(9, TENSORS["a/kernel"].tobytes())),
            onnx_tensor("a/count", (2,), 7, field(7, counts)),
            onnx_tensor("b/kernel", (1, 2), 10, field(5, varint(0x3C00) + varint(0x3C00))),
        )
    )


FORMATS = {
    "weights.safetensors": write_safetensors,
    "weights.npz": write_npz,
    "weights.h5": write_h5,
    "weights.onnx": write_onnx,
    "model.json": write_tfjs,
}


@pytest.fixture(params=FORMATS)
def path(request, tmp_path):
    FORMATS[request.param](tmp_path / request.param)
    return tmp_path / request.param


def test_reads_every_tensor(path):
    got = read(path)
    assert set(got) == set(TENSORS)
    for name, want in TENSORS.items():
        np.testing.assert_array_equal(got[name], want, err_msg=name)
        assert got[name].dtype == want.dtype or path.name == "model.json"  # TensorFlow.js has no int64


def test_an_entry_selects_and_a_prefix_is_taken_off(path):
    assert set(read(path, entry="a")) == {"kernel", "count"}
    assert set(read(path, entry="b", prefix="ker")) == {"nel"}
    with pytest.raises(WeightsError, match=f"{path.name}: has no entry 'c'; it holds .*a/kernel"):
        read(path, entry="c")


@pytest.mark.parametrize("share", [0.3, 0.7, 0.97])
def test_a_truncated_file_is_refused(path, share):
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(WeightsError, match=f"{path.name}: (truncated|damaged|no manifest|its shards)"):
        read(path)


def test_no_damage_ends_in_another_error(path):
    whole, rng = bytearray(path.read_bytes()), np.random.default_rng(0)
    for _ in range(100):
        damaged = whole.copy()
        for place in rng.integers(0, len(whole), 2):
            damaged[place] = rng.integers(256)
        path.write_bytes(damaged)
        try:
            read(path)
        except WeightsError:
            pass


def test_npz_with_objects_is_refused(tmp_path):
    np.savez(tmp_path / "w.npz", a=np.array([{}], dtype=object))
    with pytest.raises(WeightsError, match="w.npz: .*Python objects"):
        read(tmp_path / "w.npz")


def test_safetensors_of_bfloat16(tmp_path):
    header = json.dumps({"w": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}}).encode()
    values = np.array([1, -2], ml_dtypes.bfloat16)
    (tmp_path / "w.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + values.tobytes())
    np.testing.assert_array_equal(read(tmp_path / "w.safetensors")["w"], values)


@pytest.mark.parametrize("kind", ["external", "virtual", "text"])
def test_hdf5_reads_nothing_but_plain_arrays_of_its_own(tmp_path, kind):
    with h5py.File(tmp_path / "w.h5", "w") as file:
        if kind == "external":
            file.create_dataset("w", (4,), "u1", external=[("/etc/hostname", 0, 4)])
        elif kind == "virtual":
            layout = h5py.VirtualLayout((2,), "f4")
            layout[:] = h5py.VirtualSource("other.h5", "w", (2,))
            file.create_virtual_dataset("w", layout)
        else:
            file["w"] = "text"
    with pytest.raises(WeightsError, match="w.h5: 'w' is no plain array"):
        read(tmp_path / "w.h5")


@pytest.mark.parametrize(
    ("tensor", "message"),
    [
        (onnx_tensor("w", (2,), 1, field(9, b"1234")), "'w' has 1 values for the shape"),
        (onnx_tensor("w", (1,), 8, field(9, b"1234")), "'w' has the unknown type 8"),
        (onnx_tensor("w", (1,), 1, field(13, b"path")), "'w' lie in another file"),
    ],
)
def test_onnx_tensors_that_cannot_be_read_are_named(tmp_path, tensor, message):
    (tmp_path / "w.onnx").write_bytes(onnx_model(tensor))
    with pytest.raises(WeightsError, match=f"w.onnx: .*{message}"):
        read(tmp_path / "w.onnx")


def test_onnx_types_without_raw_data(tmp_path):
    model = onnx_model(
        onnx_tensor("float", (2,), 1, field(4, np.array([1.5, -2], "<f4").tobytes())),
        onnx_tensor("double", (1,), 11, field(10, np.array([0.1], "<f8").tobytes())),
        onnx_tensor("large", (1,), 13, field(11, varint((1 << 64) - 1))),
        onnx_tensor("int32", (1,), 6, field(5, varint(-7))),
        onnx_tensor("unpacked", (1,), 7, field(7, -1)),
        onnx_tensor("bfloat16", (1,), 16, field(5, varint(0x3F80))),
        onnx_tensor("scalar", (), 1, field(4, np.array([3], "<f4").tobytes())),
    )
    (tmp_path / "w.onnx").write_bytes(model)
    got = {name: tensor.tolist() for name, tensor in read(tmp_path / "w.onnx").items()}
    assert got == {
        "float": [1.5, -2],
        "double": [0.1],
        "large": [(1 << 64) - 1],
        "int32": [-7],
        "unpacked": [-1],
        "bfloat16": [1],
        "scalar": 3,
    }


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_a_pickle_of_numpy_arrays(tmp_path, protocol):
    arrays = {"mean": np.arange(6, dtype=np.float32).reshape(2, 3), "std": np.asfortranarray(np.eye(3)[:2])}
    arrays["big_endian"] = np.arange(3, dtype=">i4")
    (tmp_path / "w.pkl").write_bytes(pickle.dumps(arrays, protocol))
    got = read(tmp_path / "w.pkl")
    assert list(got) == list(arrays)
    for name, want in arrays.items():
        np.testing.assert_array_equal(got[name], want)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (np.arange(3), "a pickle of a NumpyArray, not of named arrays"),
        ({"a": [1, 2]}, "'a' in the pickle is a list, no array"),
        ({"a": np.array([{}], dtype=object)}, "damaged pickle, BUILD"),
        ({"a": print}, "asks for 'builtins.print'"),
    ],
)
def test_a_pickle_of_anything_else_is_refused(tmp_path, content, message):
    (tmp_path / "w.pkl").write_bytes(pickle.dumps(content, 4))
    with pytest.raises(WeightsError, match=f"w.pkl: .*{message}"):
        read(tmp_path / "w.pkl")


def test_onnx_without_initialisers_is_refused(tmp_path):
    (tmp_path / "w.onnx").write_bytes(onnx_model())
    with pytest.raises(WeightsError, match="without initialisers"):
        read(tmp_path / "w.onnx")


def tfjs(folder, weight, content, paths=("w.bin",)):
    (folder / "w.bin").write_bytes(content)
    (folder / "model.json").write_text(json.dumps({"weightsManifest": [{"paths": paths, "weights": [weight]}]}))
    return folder / "model.json"


def test_tfjs_quantised_to_8_and_16_bits_and_to_half(tmp_path):
    weight = {"name": "w", "shape": [3], "dtype": "float32"}
    for dtype, code in (("uint8", "u1"), ("uint16", "<u2")):
        quantisation = {"dtype": dtype, "scale": 0.5, "min": -1.0}
        file = tfjs(tmp_path, {**weight, "quantization": quantisation}, np.array([0, 2, 255], code).tobytes())
        np.testing.assert_array_equal(read(file)["w"], np.array([-1, 0, 126.5], np.float32))
    half = np.array([1, -2, 0.5], "<f2")
    file = tfjs(tmp_path, {**weight, "quantization": {"dtype": "float16", "original_dtype": "float32"}}, half.tobytes())
    assert read(file)["w"].dtype == np.float32
    np.testing.assert_array_equal(read(file)["w"], half)


def test_tfjs_shards_are_those_of_the_folder(tmp_path):
    weight = {"name": "w", "shape": [1], "dtype": "float32"}
    for shard, message in (
        ("../w.bin", "outside of the folder"),
        ("absent.bin", "'absent.bin' cannot be read: No such"),
    ):
        with pytest.raises(WeightsError, match=f"model.json: .*{message}"):
            read(tfjs(tmp_path, weight, b"1234", [shard]))
    with pytest.raises(WeightsError, match="hold 5 bytes, its weights take 4"):
        read(tfjs(tmp_path, weight, b"12345"))
    with pytest.raises(WeightsError, match="damaged at the weight .*truncated: bytes up to 4"):
        read(tfjs(tmp_path, weight, b"123"))
    with pytest.raises(WeightsError, match="damaged at the weight .*'string'"):
        read(tfjs(tmp_path, {**weight, "dtype": "string"}, b"1234"))


def test_reads_the_real_files(shared_weights):
    for file, count in (
        ("fsanet/fsanet-1x1-iter-688590.onnx", 175),
        ("pfld-onnx/pfld.onnx", 218),
        ("squeezenet-imagenet/squeezenet_weights_tf_dim_ordering_tf_kernels_notop.h5", 50),
        ("3ddfa_v2/param_mean_std_62d.npz", 2),
    ):
        tensors = read(shared_weights / file)
        assert len(tensors) == count and all(np.isfinite(tensor).all() for tensor in tensors.values())


def test_onnx_initialisers_are_those_that_onnxruntime_uses(shared_weights):
    """The last bias of PFLD, read by us, is what its output shifts by when the initialiser is fed as zeros instead."""
    onnxruntime = pytest.importorskip("onnxruntime")
    path = shared_weights / "pfld-onnx" / "pfld.onnx"
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    plain = onnxruntime.InferenceSession(str(path), options)
    (output,) = [node for node in plain.get_outputs() if node.shape[-1] == 136]
    (bias,) = [name for name, tensor in read(path).items() if tensor.shape == (136,)]
    zeros = onnxruntime.OrtValue.ortvalue_from_numpy(np.zeros(136, np.float32))
    options.add_initializer(bias, zeros)
    changed = onnxruntime.InferenceSession(str(path), options)
    image = {plain.get_inputs()[0].name: np.random.default_rng(0).random((1, 3, 112, 112), np.float32)}
    shift = plain.run([output.name], image)[0] - changed.run([output.name], image)[0]
    np.testing.assert_allclose(shift[0], read(path)[bias], atol=1e-6)
