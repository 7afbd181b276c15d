import argparse
import hashlib
import pickle

import numpy as np
import pytest
import safetensors.numpy

from dfrec_jax import networks
from dfrec_jax.commands import weights, weights_check
from dfrec_jax.weights import registry
from dfrec_jax.weights.published import Sizes, published_shapes
from dfrec_jax.weights.registry import RELEASES, Release
from dfrec_jax.weights.resolution import is_at_hand, store
from dfrec_jax.weights.rules import WeightsError
from tests.weights.conftest import no_proxy, serve  # noqa: F401  (fixtures)
from tests.weights.server import BODY, corrupt, status, whole


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    monkeypatch.setenv("DFREC_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("DFREC_WEIGHTS", raising=False)


def run(*words):
    parser = argparse.ArgumentParser()
    weights.add_parser(parser.add_subparsers())
    arguments = parser.parse_args(["weights", *words])
    return arguments.run(arguments)


def add_release(monkeypatch, name, url, sha256=""):
    release = Release(
        name, f"{name}.bin", "a test", "MIT", "PyTorch", url=url, page="https://authors.example", sha256=sha256
    )
    monkeypatch.setitem(registry.RELEASES, name, release)
    return store() / name / release.file


def test_list_shows_every_release_with_all_that_is_known(capsys, monkeypatch, tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "vgg19-dcbb9e9d.pth").write_bytes(b"")
    monkeypatch.setenv("DFREC_WEIGHTS", str(tmp_path))
    assert run("list") == 0
    text = capsys.readouterr().out
    for release in RELEASES.values():
        for known in (release.name, release.file, release.role, release.licence, release.format, release.sha256):
            assert known in text
        assert release.url in text and (release.url or release.page in text)
    assert f"found   {tmp_path / 'deep' / 'vgg19-dcbb9e9d.pth'}" in text
    come_with_it = [release for release in RELEASES.values() if release.comes_with and is_at_hand(release)]
    assert text.count("found   no") == len(RELEASES) - 1 - len(come_with_it)


def test_fetch_puts_the_file_into_the_cache_once(capsys, monkeypatch, serve):  # noqa: F811
    server = serve(whole)
    target = add_release(monkeypatch, "net", server.url, hashlib.sha256(BODY).hexdigest())
    assert run("fetch", "net") == 0
    assert target.read_bytes() == BODY
    assert "as the registry says" in capsys.readouterr().out
    assert run("fetch", "net") == 0
    assert "already at" in capsys.readouterr().out
    assert len(server.requests) == 1
    target.write_bytes(b"damaged since")
    assert run("fetch", "net") == 0
    assert target.read_bytes() == BODY


def test_fetch_goes_on_to_the_next_after_a_failure(capsys, monkeypatch, serve):  # noqa: F811
    bad = add_release(monkeypatch, "bad", serve(corrupt).url, hashlib.sha256(BODY).hexdigest())
    gone = add_release(monkeypatch, "gone", serve(status(404)).url)
    good = add_release(monkeypatch, "good", serve(whole).url)
    assert run("fetch", "bad", "gone", "good") == 2
    assert good.exists() and not bad.exists() and not gone.exists()
    streams = capsys.readouterr()
    errors = [line for line in streams.err.splitlines() if line.startswith("error:")]
    assert len(errors) == 2 and "SHA-256" in errors[0] and "404" in errors[1]
    assert "the registry knows none" in streams.out


def test_what_comes_with_the_package_is_neither_fetched_nor_imported(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(networks, "__file__", str(tmp_path / "__init__.py"))
    with pytest.raises(WeightsError, match="drawn: is not in this installation; it comes with the package"):
        run("fetch", "drawn")
    (tmp_path / "drawn").mkdir()
    (tmp_path / "drawn" / "drawn.safetensors").write_bytes(b"")
    assert run("fetch", "drawn") == 0
    assert f"drawn: comes with the package: {tmp_path}" in capsys.readouterr().out
    with pytest.raises(WeightsError, match="drawn: comes with the package, .*nothing to import"):
        run("import", str(tmp_path / "drawn" / "drawn.safetensors"), "--as", "drawn")


def test_fetch_of_what_must_be_fetched_by_hand_says_so(capsys):
    assert run("fetch", "deep3d-resnet50") == 2
    assert "get it by hand from https://drive.google.com" in capsys.readouterr().err


@pytest.mark.parametrize(
    "action", [("fetch", "nothing"), ("check", "nothing"), ("import", __file__, "--as", "nothing")]
)
def test_an_unknown_name_is_refused(action):
    with pytest.raises(WeightsError, match="no weights are called 'nothing'"):
        run(*action)


def test_import_refuses_a_wrong_checksum_and_an_absent_file(tmp_path):
    (tmp_path / "vgg.pth").write_bytes(b"something else")
    with pytest.raises(WeightsError, match="vgg.pth: 14 bytes, but vgg19-imagenet has 574673361"):
        run("import", str(tmp_path / "vgg.pth"), "--as", "vgg19-imagenet")
    with pytest.raises(WeightsError, match="absent.pth: there is no such file"):
        run("import", str(tmp_path / "absent.pth"), "--as", "vgg19-imagenet")
    assert not store().exists()


def test_import_refuses_a_file_of_another_network_by_its_tensors(tmp_path):
    other = tmp_path / "statistics.npz"
    np.savez(other, mean=np.ones(62, np.float32), std_deviation=np.ones(62, np.float32))
    with pytest.raises(
        WeightsError, match=r"statistics.npz: .*1 matched, 1 unmatched \(std_deviation\), 1 of ours not"
    ):
        run("import", str(other), "--as", "3ddfa-v2-statistics")
    np.savez(other, mean=np.ones(62, np.float32), std=np.full(62, np.nan, np.float32))
    with pytest.raises(WeightsError, match="statistics.npz: tensor 'std' holds NaN"):
        run("import", str(other), "--as", "3ddfa-v2-statistics")
    assert not store().exists()


def test_import_makes_an_npz_of_the_authors_pickle(tmp_path, capsys):
    arrays = {"mean": np.arange(62, dtype=np.float32), "std": np.ones(62, np.float32)}
    (tmp_path / "param_mean_std.pkl").write_bytes(pickle.dumps(arrays, 3))
    assert run("import", str(tmp_path / "param_mean_std.pkl"), "--as", "3ddfa-v2-statistics") == 0
    with np.load(store() / "3ddfa-v2-statistics" / "param_mean_std_62d.npz") as file:
        np.testing.assert_array_equal(file["mean"], arrays["mean"])
    assert "2: 2 matched, 0 unmatched" in capsys.readouterr().out
    assert [path.name for path in (store() / "3ddfa-v2-statistics").iterdir()] == ["param_mean_std_62d.npz"]


def test_import_of_an_encoder_that_the_ism_starts_from(tmp_path, capsys):
    rng, prefix = np.random.default_rng(0), "encoder."
    shapes = published_shapes(Sizes())["state_dict"]
    tensors = {
        name.removeprefix(prefix): rng.random(shape, np.float32)
        for name, shape in shapes.items()
        if name.startswith(prefix)
    }
    tensors["_fc.weight"] = rng.random((1000, 1280), np.float32)
    safetensors.numpy.save_file(tensors, tmp_path / "net.pth")  # the format is told by the content
    assert run("import", str(tmp_path / "net.pth"), "--as", "efficientnet-b0") == 0
    text = capsys.readouterr().out
    assert "matched" in text and "dropped (the ImageNet classifier" in text and "0 unmatched" in text
    assert (store() / "efficientnet-b0" / "efficientnet-b0-355c32eb.pth").exists()


def test_import_of_a_network_makes_no_workdir(tmp_path):
    safetensors.numpy.save_file({"a": np.ones(1, np.float32)}, tmp_path / "file")
    with pytest.raises(WeightsError, match="--workdir=runs/x: only dfrec-ftm, recce-ffpp-c23, adm-celeba256 become"):
        run("import", str(tmp_path / "file"), "--as", "efficientnet-b0", "--workdir", "runs/x")


def test_check_says_what_is_missing_and_fails_only_for_what_was_named(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(networks, "__file__", str(tmp_path / "__init__.py"))  # without those that come with the package
    assert run("check") == 0
    assert capsys.readouterr().out.count("found    no") == len(RELEASES)
    assert run("check", "vgg19-imagenet") == 2
    streams = capsys.readouterr()
    assert "run `dfrec weights fetch vgg19-imagenet`" in streams.out
    assert streams.err == "error: 1 of 1 wrong or missing\n"


def test_check_finds_a_wrong_file(tmp_path, capsys):
    (tmp_path / "vgg19-dcbb9e9d.pth").write_bytes(b"cut")
    assert run("check", "vgg19-imagenet", "--weights-dir", str(tmp_path)) == 2
    assert "wrong    " in capsys.readouterr().out


def test_check_of_the_real_files(shared_weights, capsys):
    names = ["mobilefacenet-foamliu", "3ddfa-v2-statistics", "pfld"]
    assert run("check", *names, "--weights-dir", str(shared_weights)) == 0
    text = capsys.readouterr().out
    assert text.count("as the registry says") == 2 and text.count("(as recorded)") == 1
    assert "307: 256 matched, 51 dropped (BatchNorm's step counter, which inference does not use), 0 unmatched" in text


def test_check_notices_other_features(shared_weights, monkeypatch, capsys):
    monkeypatch.setattr(weights_check, "run_frozen", lambda *_: {"embedding": np.array([-0.08]), "stage5": 0.727638})
    assert run("check", "mobilefacenet-foamliu", "--weights-dir", str(shared_weights)) == 2
    assert "the forward pass gives other features: embedding 0.08, recorded 0.0709" in capsys.readouterr().out
