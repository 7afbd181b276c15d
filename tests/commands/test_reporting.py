"""`dfrec recover --report` and `dfrec verify`, from files to files, on a network that was trained for no step."""

import hashlib
import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from PIL import Image

from dfrec_jax import cli
from dfrec_jax.forensics.report import pdf, sealing, write
from dfrec_jax.pictures.video import VideoFile
from dfrec_jax.runs import shipped
from dfrec_jax.tracing import routes
from dfrec_jax.tracing.embedder import Embedder
from dfrec_jax.weights import registry
from tests import tiny_run
from tests.forensics.report.test_sealing import pem, public_pem
from tests.tracing import made_head


@pytest.fixture(scope="module", autouse=True)
def _compiled_once(tmp_path_factory):
    with tiny_run.programs_kept(tmp_path_factory.mktemp("programs")):
        yield


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    return tiny_run.make(tmp_path_factory.mktemp("run"), map_bias=2.0)


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    path = tmp_path_factory.mktemp("in") / "photo ä.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 32, 3), dtype=np.uint8)).save(path)
    return path


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    """Files of a private and a public key."""
    folder, key = tmp_path_factory.mktemp("keys"), Ed25519PrivateKey.generate()
    return pem(key, folder / "key.pem"), public_pem(key, folder / "public.pem")


def _dfrec(*words):
    with pytest.raises(SystemExit) as end:
        cli.main([str(word) for word in words])
    return end.value.code


@pytest.fixture(scope="module")
def report(workdir, picture, key, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "recovered"
    words = ("--report", "--operator", "me", "--case", "1/26", "--sign", key[0])
    assert _dfrec("recover", picture, "--workdir", workdir, "--out", out, *words) == 0
    return out / "photo ä"


@pytest.fixture
def copied(report, tmp_path):
    return Path(shutil.copytree(report, tmp_path / "report"))


def _lines(text):
    return {line[13:].partition(":")[0]: line[:12].strip() for line in text.splitlines()}


def test_the_folder_holds_all_that_a_report_needs(report, picture, workdir):
    there = {path.relative_to(report).as_posix() for path in report.rglob("*") if path.is_file()}
    assert there == {
        "result.json", "report.json", "report.html", "report.pdf", "manifest.json", "signature.json", "config.json",
        "exhibit/photo ä.png", "input.png", "source.png", "target.png", "map.png", "panel.png",
        "evidence.png", "evidence_mask.png",
    }  # fmt: skip
    assert (report / "exhibit" / picture.name).read_bytes() == picture.read_bytes()
    assert (report / "config.json").read_bytes() == (workdir / "config.json").read_bytes()
    said = json.loads((report / "report.json").read_text())
    assert said["case"]["operator"] == "me" and said["options"]["seed"] == 0
    assert "one of its losses" in said["similarity"]["reason"], "embedded-a is loss and metric of the tiny config"


def test_it_is_verified(report, picture, key, workdir, capsys):
    assert _dfrec("verify", report, "--exhibit", picture, "--key", key[1]) == 0
    out, err = capsys.readouterr()
    assert set(_lines(out).values()) == {"ok"} and len(_lines(out)) == 11
    assert "nothing speaks against the report" in err
    assert _dfrec("verify", report, "--no-rerun") == 0
    assert _lines(capsys.readouterr().out)["made again"] == "not checked"


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Six frames of a picture that grows brighter."""
    path = tmp_path_factory.mktemp("clips") / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (32, 32))
    still = np.random.default_rng(0).integers(0, 240, (32, 32, 3))
    for level in range(6):
        writer.write((still + level).astype(np.uint8))
    writer.release()
    return path


def test_a_video_has_one_report_which_is_verified(workdir, clip, key, tmp_path, capsys):
    words = ("--frames", "3", "--best", "2", "--report", "--operator", "me", "--sign", key[0])
    assert _dfrec("recover", clip, "--workdir", workdir, "--out", tmp_path, *words) == 0
    folder = tmp_path / "clip"
    assert capsys.readouterr().out.split() == [str(folder / "report.html")]
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {"report.pdf", "manifest.json", "signature.json", "config.json", "exhibit/clip.avi"} <= there
    assert "track-1/frame-000002/target.png" in there and "track-1/frame-000002/report.json" not in there
    assert (folder / "exhibit" / "clip.avi").read_bytes() == clip.read_bytes()
    said = json.loads((folder / "report.json").read_text())["exhibit"]
    assert (said["codec"], said["frames"], [each["frame"] for each in said["frames_used"]]) == ("MJPG", 6, [0, 2])
    assert said["c2pa"]["status"] == "none" and "c2pa-rs" in said["c2pa"]["reader"]
    pixels = VideoFile(clip, "clip").read(2)
    assert said["frames_used"][1] == {
        "frame": 2, "seconds": 0.2, "size": [32, 32], "pixels_sha256": hashlib.sha256(pixels.tobytes()).hexdigest(),
    }  # fmt: skip
    assert _dfrec("verify", folder, "--exhibit", clip, "--key", key[1]) == 0
    lines = _lines(capsys.readouterr().out)
    assert len(lines) == 11 and set(lines.values()) == {"ok"}
    result = json.loads((folder / "track-1" / "frame-000002" / "result.json").read_text())
    (folder / "track-1" / "frame-000002" / "result.json").write_text(json.dumps(result | {"mean_map": 0.5}))
    assert _dfrec("verify", folder, "--no-rerun") == 1
    assert "track-1/frame-000002/result.json was changed" in capsys.readouterr().out


def test_a_video_that_was_changed_while_it_was_read_leaves_nothing(workdir, clip, tmp_path, monkeypatch, capsys):
    def copy_another(source, to):
        Path(to).write_bytes(Path(source).read_bytes() + b"more")

    monkeypatch.setattr(write.shutil, "copyfile", copy_another)
    words = ("--frames", "1", "--best", "1", "--report")
    assert _dfrec("recover", clip, "--workdir", workdir, "--out", tmp_path / "out", *words) == 2
    assert f"error: {clip}: was changed while it was read; recover it again" in capsys.readouterr().err
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_a_report_by_a_network_of_the_package_names_no_folder(picture, tmp_path, monkeypatch, capsys):
    """Of another machine, where the package is installed elsewhere."""
    for number, folder in enumerate(("here", "there")):
        record = tiny_run.make_packed(tmp_path / folder / "drawn", name="drawn")
        if not number:
            monkeypatch.setattr(shipped, "FOLDER", tmp_path / "here")
            known = registry.RELEASES["drawn"]._replace(sha256=record.sha256)
            monkeypatch.setitem(registry.RELEASES, "drawn", known)
            words = ("--network", "drawn", "--force", "--report")
            assert _dfrec("recover", picture, "--out", tmp_path / "out", *words) == 0
    folder = tmp_path / "out" / "photo ä"
    said = json.loads((folder / "report.json").read_text())
    assert said["network"]["came_with"] == "drawn"
    assert "--network drawn" in (folder / "report.html").read_text(encoding="utf-8")
    monkeypatch.setattr(shipped, "FOLDER", tmp_path / "there")
    shutil.rmtree(tmp_path / "here")
    capsys.readouterr()
    assert _dfrec("verify", folder) == 0
    assert "FAILED" not in capsys.readouterr().out


def test_a_changed_number_is_caught_by_the_network_where_its_hash_was_made_to_agree(copied, capsys):
    record = json.loads((copied / "result.json").read_text())
    record["mean_map"] -= 0.01
    (copied / "result.json").write_text(json.dumps(record))
    said = json.loads((copied / "report.json").read_text())
    (copied / "report.json").write_text(json.dumps(said | {"signed_by": None}))
    (copied / "signature.json").unlink()
    write.draw(copied)
    sealing.seal(copied, None)
    assert _dfrec("verify", copied) == 1
    out, err = capsys.readouterr()
    assert [name for name, outcome in _lines(out).items() if outcome == "FAILED"] == ["numbers"]
    assert "mean_map" in out and "the report does not hold" in err


def test_other_weights_are_caught(report, tmp_path, capsys):
    assert _dfrec("verify", report, "--workdir", tiny_run.make(tmp_path / "other", map_bias=2.5)) == 1
    lines = _lines(capsys.readouterr().out)
    assert (lines["config"], lines["weights"], lines["made again"]) == ("ok", "FAILED", "not checked")


def test_another_config_is_caught(report, workdir, tmp_path, capsys):
    other = Path(shutil.copytree(workdir, tmp_path / "other"))
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps(config | {"name": "other"}))
    assert _dfrec("verify", report, "--workdir", other) == 1
    lines = _lines(capsys.readouterr().out)
    assert (lines["config"], lines["weights"]) == ("FAILED", "ok")


def test_a_network_that_is_not_there_is_named(report, tmp_path, capsys):
    assert _dfrec("verify", report, "--workdir", tmp_path) == 2
    assert "--workdir names the folder of the network that the report is of" in capsys.readouterr().err
    assert _dfrec("verify", tmp_path) == 2
    assert f"{tmp_path}: is no report of `dfrec recover --report`" in capsys.readouterr().err


def test_the_same_report_is_kept_and_another_is_refused(report, workdir, picture, key, capsys):
    words = ("recover", picture, "--workdir", workdir, "--out", report.parent, "--report", "--sign", key[0])
    before = {path: path.stat().st_mtime_ns for path in report.rglob("*")}
    assert _dfrec(*words, "--operator", "me", "--case", "1/26") == 0
    assert "the same result was there already" in capsys.readouterr().err
    assert _dfrec(*words, "--operator", "somebody else") == 2
    assert "holds another result already (report " in capsys.readouterr().err
    assert {path: path.stat().st_mtime_ns for path in report.rglob("*")} == before


@pytest.fixture(scope="module")
def gallery(tmp_path_factory):
    """Of three people, beside `foils`, of two."""
    folder, rng = tmp_path_factory.mktemp("galleries"), np.random.default_rng(1)
    for kind, names in (("gallery", ("anna", "ben", "carl")), ("foils", ("eve", "fay"))):
        for name in names:
            (folder / kind / "people" / name).mkdir(parents=True)
            pixels = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / kind / "people" / name / "1.png")
        words = ("--recogniser", "embedded-b", "--origin", "drawn at random")
        assert _dfrec("trace", "index", folder / kind / "people", "--out", folder / kind / "made", *words) == 0
    return folder / "gallery" / "made"


def test_a_gallery_is_searched(workdir, picture, gallery, tmp_path, capsys):
    out = tmp_path / "out"
    assert _dfrec("recover", picture, "--workdir", workdir, "--out", out, "--report", "--gallery", gallery) == 0
    report = out / "photo ä"
    assert len(list((report / "trace" / "lineups").glob("*.png"))) == 5
    page = (report / "report.html").read_text(encoding="utf-8")
    assert all(f"<td>{name}</td>" in page for name in ("anna", "ben", "carl")) and "drawn at random" in page
    capsys.readouterr()
    assert _dfrec("verify", report) == 0
    lines = _lines(capsys.readouterr().out)
    assert (lines["files"], lines["pictures"], lines["candidates"]) == ("ok", "ok", "not checked")


def test_a_gallery_is_not_searched_for_a_video_but_for_its_frames(workdir, clip, gallery, tmp_path, capsys):
    words = ("recover", clip, "--workdir", workdir, "--frames", "1", "--best", "1", "--report")
    assert _dfrec(*words, "--out", tmp_path / "no", "--gallery", gallery) == 2
    assert f"error: {clip}: --gallery is searched for pictures; leave it out" in capsys.readouterr().err
    assert not (tmp_path / "no").exists()
    assert _dfrec(*words, "--out", tmp_path) == 0
    frame = tmp_path / "clip" / "track-1" / "frame-000000"
    assert _dfrec("trace", "search", frame, "--gallery", gallery, "--out", tmp_path / "found") == 0
    assert (tmp_path / "found" / "search.json").exists()


def test_a_gallery_is_searched_by_references_head_and_foils(workdir, picture, gallery, tmp_path, capsys):
    """By a network that cannot be told who is seen: the search can."""
    head = made_head.make(tmp_path / "head", Embedder("embedded-b", batch_size=4))
    reference = gallery.parent / "people" / "ben" / "1.png"
    foils, out = gallery.parents[1] / "foils" / "made", tmp_path / "out"
    searched = ("--gallery", gallery, "--foils", foils, "--head", head, "--visible", reference)
    words = ("recover", picture, "--workdir", workdir, "--out", out, "--report")
    assert _dfrec(*words, *searched) == 0
    assert "the gallery alone is searched by them" in capsys.readouterr().err
    report = out / "photo ä"
    rankings = json.loads((report / "trace" / "search.json").read_text())["rankings"]
    assert {(one["role"], one["route"]) for one in rankings} == {
        *(("target", route) for route in routes.ROUTES["target"]), ("source", "raw"), ("source", "recovered")
    }  # fmt: skip
    assert {each["person"] for each in rankings[0]["candidates"] if each["is_foil"]} == {"eve", "fay"}
    page = (report / "report.html").read_text(encoding="utf-8")
    for told in ("eve (foil)", "2 people said to be innocent", hashlib.sha256(reference.read_bytes()).hexdigest(),
                 "Trace head"):  # fmt: skip
        assert told in page, told
    assert json.loads((report / "result.json").read_text())["visible_sha256"] is None
    assert not (report / "references").exists()
    assert _dfrec(*words, *searched[:-2]) == 2, "a search by other words is another report"
    assert "holds another result already (report " in capsys.readouterr().err


def test_a_report_that_was_cut_short_leaves_nothing(workdir, picture, tmp_path, monkeypatch, capsys):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pdf, "write", fail)
    out = tmp_path / "out"
    assert _dfrec("recover", picture, "--workdir", workdir, "--out", out, "--report") == 2
    assert "No space left on device" in capsys.readouterr().err and not out.exists()


@pytest.mark.parametrize(
    ("words", "refusal"),
    [
        (["--operator", "me"], "--operator: is of a report, and none is asked for; add --report"),
        (["--sign", "key.pem"], "--sign: is of a report"),
        (["--report", "--calibration", "c"], "--calibration: is of a search, and no --gallery is named"),
        (["--report", "--head", "h"], "--head: is of a search, and no --gallery is named"),
        (["--report", "--foils", "f"], "--foils: is of a search, and no --gallery is named"),
        (["--visible", "r.png"], "--visible: this network (tirm.identity_width=0) cannot be told"),
        (["--report", "--sign", "nowhere.pem"], "--sign=nowhere.pem: cannot be read"),
        (["--report", "--gallery", "nowhere"], "nowhere"),
    ],
)
def test_a_report_that_cannot_be_written_is_refused_at_once(workdir, picture, tmp_path, capsys, words, refusal):
    out = tmp_path / "out"
    assert _dfrec("recover", picture, "--workdir", workdir, "--out", out, *words) == 2
    assert refusal in capsys.readouterr().err and not out.exists()
