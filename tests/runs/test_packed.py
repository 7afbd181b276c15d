"""A packed network: what comes back of it, and what is refused."""

import json

import jax
import numpy as np
import pytest
import safetensors.numpy
from flax.traverse_util import flatten_dict, unflatten_dict

from dfrec_jax.models import dfrec
from dfrec_jax.runs import packed, trained
from dfrec_jax.runs.errors import CheckpointError
from dfrec_jax.weights.rules import WeightsError
from tests import tiny, tiny_run


@pytest.fixture(scope="module")
def variables():
    """Random ones of the tiny network, {path: array}; a variance beyond half precision among them."""
    rng, config = np.random.default_rng(0), tiny.config()
    shapes = dfrec.variable_shapes(dfrec.build(config), config.image_size)
    flat = {path: rng.normal(size=shape).astype(np.float32) for path, shape in shapes.items()}
    statistic = next(path for path in flat if path.startswith("batch_stats/") and path.endswith("var"))
    flat[statistic][0] = 1e5
    return flat


@pytest.fixture
def folder(variables, tmp_path):
    tiny_run.make_packed(tmp_path / "packed", variables=unflatten_dict(variables, sep="/"))
    return tmp_path / "packed"


def test_parameters_come_back_in_half_precision_and_statistics_as_they_were(folder, variables):
    for which in ("best", "newest", "7"):
        network = trained.load(folder, which)
    assert network.step == 7 and json.loads(network.config.to_json()) == json.loads(tiny.config().to_json())
    found = flatten_dict(network.variables, sep="/")
    assert found.keys() == variables.keys()
    for path, value in found.items():
        assert value.dtype == np.float32
        expected = variables[path]
        if path.startswith("params/"):
            expected = expected.astype(np.float16)
        np.testing.assert_array_equal(value, expected, err_msg=path)


def test_the_file_is_half_the_size_and_the_record_says_what_it_is(folder, variables):
    record = packed.read_record(folder)
    num_values = sum(value.size for value in variables.values())
    assert 2 * num_values < record.num_bytes < 3 * num_values
    assert record.num_bytes == (folder / "tiny.safetensors").stat().st_size
    assert (record.step, record.examples, record.seed, record.averaged) == (7, 7 * 8, 0, False)
    assert (record.name, record.version, record.commit, record.data) == ("tiny", 2, "0123abc", "made-up faces")


@pytest.mark.parametrize("file", ["tiny.safetensors", "config.json"])
def test_a_file_with_another_hash_is_refused(folder, file):
    data = bytearray((folder / file).read_bytes())
    data[-2] ^= 1
    (folder / file).write_bytes(data)
    with pytest.raises(CheckpointError, match=f"{file}: SHA-256 [0-9a-f]* but|{file}: SHA-256 .*not used"):
        packed.restore(folder, "best", {})
    (folder / file).unlink()
    with pytest.raises(CheckpointError, match=f"{file}: cannot be read"):
        packed.read_record(folder)


def test_a_damaged_record_another_step_and_another_network_are_refused(folder):
    with pytest.raises(CheckpointError, match="--checkpoint=8: the packed network tiny is of step 7 alone"):
        trained.load(folder, "8")
    abstract = {"params": {"kernel": jax.ShapeDtypeStruct((2,), np.float32)}}
    with pytest.raises(CheckpointError, match="tiny.safetensors: .* of another network"):
        packed.restore(folder, "best", abstract)
    said = json.loads((folder / packed.RECORD).read_text())
    for damaged in ("{", "[]", json.dumps({**said, "more": 1}), json.dumps({"name": "tiny"})):
        (folder / packed.RECORD).write_text(damaged)
        with pytest.raises(CheckpointError, match="network.json: damaged"):
            packed.read_record(folder)


def test_what_half_precision_cannot_hold_is_refused():
    for value in (1e5, np.inf, np.nan):
        with pytest.raises(WeightsError, match="params/a/kernel: holds .*half precision ends at 6.55e"):
            packed.halved({"params": {"a": {"kernel": np.array([1.0, value], np.float32)}}, "batch_stats": {}})


def test_it_is_written_over_nothing_and_its_file_is_no_pickle(folder):
    with pytest.raises(WeightsError, match="it holds a run already"):
        tiny_run.make_packed(folder)
    assert safetensors.numpy.load_file(folder / "tiny.safetensors")


def test_the_same_network_is_packed_into_the_same_bytes(folder, variables, tmp_path):
    for number in range(4):
        tiny_run.make_packed(tmp_path / str(number), variables=unflatten_dict(variables, sep="/"))
        assert (tmp_path / str(number) / "network.json").read_bytes() == (folder / "network.json").read_bytes()


def test_of_paths_the_last_name_is_kept():
    config = tiny.config()
    config.data.dir = "/home/me/LFW, triplets:/home/me/DFDC, s3://mine/CELEBA, triplets:gs://mine/SWAPS"
    config.train.initialise, config.frozen.weights_dir = "/home/me/runs/stage1", ""
    found = packed.without_paths(config)
    assert found.data.dir == "LFW,triplets:DFDC,CELEBA,triplets:SWAPS" and found.train.initialise == "stage1"
    assert found.frozen.weights_dir == "" and config.data.dir.startswith("/home")
