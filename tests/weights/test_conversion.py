import functools
import hashlib

import numpy as np
import pytest
import safetensors.numpy

from dfrec_jax.weights import conversion, digest
from dfrec_jax.weights.registry import Release
from dfrec_jax.weights.rules import Rule, WeightsError, conv, linear, same

TENSORS = {"fc.weight": np.arange(6, dtype=np.float32).reshape(2, 3), "fc.bias": np.ones(2, np.float32)}
RULES = (Rule(r"fc\.weight", "params/fc/kernel", linear), Rule(r"fc\.bias", "params/fc/bias"))
EXPECTED = {"params/fc/kernel": (3, 2), "params/fc/bias": (2,)}
RELEASE = Release("some-net", "weights.safetensors", "a test", "MIT", "safetensors", page="https://authors.example")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DFREC_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def write(path, tensors):
    safetensors.numpy.save_file(tensors, path)
    return path


def convert(path, rules=RULES, expected=EXPECTED, release=RELEASE):
    return conversion.convert(path, release, rules, expected)


def test_converts_and_then_reads_the_cache(tmp_path, monkeypatch):
    path = write(tmp_path / "weights.safetensors", TENSORS)
    first = convert(path)
    np.testing.assert_array_equal(first["params/fc/kernel"], TENSORS["fc.weight"].T)
    monkeypatch.setattr(conversion, "port", lambda *_: pytest.fail("converted twice"))
    second = convert(path)
    assert set(second) == set(first)
    for key, value in first.items():
        np.testing.assert_array_equal(second[key], value)


def test_another_source_rule_or_shape_is_another_conversion(tmp_path, cache):
    path = write(tmp_path / "weights.safetensors", TENSORS)
    convert(path)
    write(path, {**TENSORS, "fc.bias": np.zeros(2, np.float32)})
    assert convert(path)["params/fc/bias"].sum() == 0
    square = {"fc.weight": np.eye(2, dtype=np.float32) + 1, "fc.bias": TENSORS["fc.bias"]}
    path = write(tmp_path / "square.safetensors", square)
    expected = {"params/fc/kernel": (2, 2), "params/fc/bias": (2,)}
    convert(path, expected=expected)
    doubled = (RULES[0]._replace(layout=lambda tensor: 2 * tensor.T), RULES[1])
    np.testing.assert_array_equal(convert(path, doubled, expected)["params/fc/kernel"], 2 * square["fc.weight"].T)
    assert len(list((cache / "converted").iterdir())) == 4


def test_the_fingerprint_sees_through_partials_and_closures():
    def scaled(factor):
        return lambda tensor: factor * tensor

    layouts = (same, conv, linear, scaled(1), scaled(2), functools.partial(np.moveaxis, source=0, destination=1))
    prints = {conversion.fingerprint((Rule("a", "b", layout),), {"b": (1,)}) for layout in layouts}
    assert len(prints) == len(layouts)
    again = conversion.fingerprint((Rule("a", "b", scaled(2)),), {"b": (1,)})
    assert again in prints


def test_a_damaged_cache_is_made_again(tmp_path, cache, caplog):
    path = write(tmp_path / "weights.safetensors", TENSORS)
    convert(path)
    (cached,) = (cache / "converted").iterdir()
    cached.write_bytes(cached.read_bytes()[:50])
    assert convert(path)["params/fc/kernel"].shape == (3, 2)
    assert "is damaged and is made again" in caplog.text
    assert len(safetensors.numpy.load_file(cached)) == 2


def test_a_cache_that_cannot_be_written_only_warns(tmp_path, cache, caplog):
    cache.write_bytes(b"a file where the folder should be")
    assert set(convert(write(tmp_path / "weights.safetensors", TENSORS))) == set(EXPECTED)
    assert "cannot be written" in caplog.text


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"head.weight": TENSORS["fc.weight"]}, r"weights.safetensors: tensor 'head.weight' matches no rule"),
        ({"fc.weight": TENSORS["fc.weight"]}, r"weights.safetensors: 1 of our variables were not filled.*fc/bias"),
        ({**TENSORS, "fc.bias": np.ones(3, np.float32)}, r"weights.safetensors: tensor 'fc.bias' gives .*shape \(3,\)"),
        ({**TENSORS, "fc.bias": np.array([1, np.nan], np.float32)}, r"weights.safetensors: tensor 'fc.bias' holds NaN"),
    ],
)
def test_a_wrong_file_is_refused_with_file_and_tensor(tmp_path, cache, tensors, message):
    with pytest.raises(WeightsError, match=message):
        convert(write(tmp_path / "weights.safetensors", tensors))
    assert not (cache / "converted").exists()


def test_size_and_checksum_of_the_registry_are_demanded(tmp_path):
    path = write(tmp_path / "weights.safetensors", TENSORS)
    size, right = path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest()
    convert(path, release=RELEASE._replace(num_bytes=size, sha256=right))
    with pytest.raises(WeightsError, match=rf"{size} bytes, but some-net has 7: a truncated or another file"):
        convert(path, release=RELEASE._replace(num_bytes=7))
    with pytest.raises(WeightsError, match=rf"SHA-256 {right}, but some-net has 0+: a damaged or another file"):
        convert(path, release=RELEASE._replace(sha256="0" * 64))


def test_a_digest_is_remembered_until_the_file_changes(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_bytes(b"one")
    assert digest.sha256(path) == hashlib.sha256(b"one").hexdigest()
    monkeypatch.setattr(digest, "sha256_of_file", lambda *_: pytest.fail("hashed again"))
    assert digest.sha256(path) == hashlib.sha256(b"one").hexdigest()
    monkeypatch.undo()
    monkeypatch.setenv("DFREC_CACHE", str(tmp_path / "cache"))
    path.write_bytes(b"three")
    assert digest.sha256(path) == hashlib.sha256(b"three").hexdigest()
