"""`dfrec recover`, from files to files, on a network that was trained for no step."""

import contextlib
import hashlib
import io
import json
import os

import cv2
import numpy as np
import pytest
from PIL import Image

from dfrec_jax import cli
from dfrec_jax.config.errors import ConfigError
from dfrec_jax.forensics.recover import recover
from dfrec_jax.forensics.recoverer import Recoverer
from dfrec_jax.pictures import grid
from dfrec_jax.reports import results
from dfrec_jax.runs import shipped
from dfrec_jax.weights import registry
from tests import tiny, tiny_run


@pytest.fixture(scope="module", autouse=True)
def _compiled_once(tmp_path_factory):
    with tiny_run.programs_kept(tmp_path_factory.mktemp("programs")):
        yield


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    """A run of the tiny network with random variables."""
    folder = tmp_path_factory.mktemp("run")
    return tiny_run.make(folder, map_bias=-2.0)  # the map tells no patches: the seed does


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    for name, size in {"a": (32, 32), "b": (50, 40), "c": (32, 32)}.items():
        Image.fromarray(rng.integers(0, 256, (*size, 3), dtype=np.uint8)).save(folder / f"{name}.png")
    return [folder / f"{name}.png" for name in "abc"]


def _recover(workdir, out, *paths, arguments=()):
    with pytest.raises(SystemExit) as end:
        cli.main(["recover", *map(str, paths), "--workdir", str(workdir), "--out", str(out), *arguments])
    return end.value.code


def _result(folder):
    return json.loads((folder / "result.json").read_text())


@pytest.fixture(scope="module")
def recovered(workdir, pictures, tmp_path_factory):
    """The folder of what was recovered of all pictures, one by one, and what was printed."""
    folder = tmp_path_factory.mktemp("recovered") / "all"
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        assert _recover(workdir, folder, *pictures) == 0
    return folder, printed.getvalue()


def test_each_picture_gets_its_folder(recovered):
    all_of_them, printed = recovered
    assert printed.split() == [str(all_of_them / name / "panel.png") for name in "abc"]
    for name in "abc":
        folder = all_of_them / name
        for file, is_generated in {"input": False, "source": True, "target": True, "map": False}.items():
            with Image.open(folder / f"{file}.png") as picture:
                assert (picture.width, picture.mode) == (tiny.SIZE, "RGB")
                assert (picture.height > tiny.SIZE, "xmp" in picture.info) == (is_generated, is_generated), "labelled"
        result = json.loads((folder / "result.json").read_text())
        assert (result["seed"], result["checkpoint_step"], result["input"]) == (0, 7, f"{name}.png")
        assert len(result["generated_patches"]) == result["num_patches"] // 2
    assert _result(all_of_them / "b")["input_size"] == [40, 50]


def test_alone_a_picture_gives_the_same_bytes_and_by_another_seed_another_target(
    workdir, pictures, recovered, tmp_path
):
    assert _recover(workdir, tmp_path / "alone", pictures[2]) == 0
    for file in ("source.png", "target.png", "map.png", "panel.png", "result.json"):
        assert (tmp_path / "alone" / "c" / file).read_bytes() == (recovered[0] / "c" / file).read_bytes(), file
    assert _recover(workdir, tmp_path / "other", pictures[2], arguments=["--seed", "1"]) == 0
    target = "c/target.png"
    assert (tmp_path / "other" / target).read_bytes() != (tmp_path / "alone" / target).read_bytes()


def test_in_batches_the_pictures_are_the_same_but_for_rounding(workdir, pictures, recovered, tmp_path):
    assert _recover(workdir, tmp_path / "two", *pictures, arguments=["--batch-size", "2"]) == 0  # and one left over
    for name in "abc":
        folders = recovered[0] / name, tmp_path / "two" / name
        one, two = map(_result, folders)
        assert one["generated_patches"] == two["generated_patches"]
        for file in ("source", "target", "map"):
            with Image.open(folders[0] / f"{file}.png") as a, Image.open(folders[1] / f"{file}.png") as b:
                assert np.abs(np.asarray(a, int) - np.asarray(b, int)).max() <= 1


def test_without_a_workdir_the_network_of_the_package_is_taken_and_named(pictures, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(shipped, "FOLDER", tmp_path / "networks")
    words = ["recover", str(pictures[0]), "--out", str(tmp_path / "out")]
    with pytest.raises(SystemExit) as end:
        cli.main(words)
    assert end.value.code == 2 and "dfrec-small: its files are missing" in capsys.readouterr().err
    folder = tmp_path / "networks" / "dfrec-small"
    record = tiny_run.make_packed(folder, name="dfrec-small")
    known = registry.RELEASES["dfrec-small"]._replace(sha256=record.sha256)
    monkeypatch.setitem(registry.RELEASES, "dfrec-small", known)
    gain = results.Record("recovery", "DFREC", "embedded", "all", "target", "idsim_gain", 0.25, 0.2, 0.3, 12, "b")
    records = [gain, gain._replace(metric="idsim", value=0.5), gain._replace(row="None", metric="idsim")]
    results.write(results.Results({}, {}, records), folder / "results" / "results.json")
    with pytest.raises(SystemExit) as end:
        cli.main(words)
    said = capsys.readouterr().err
    assert end.value.code == 0, said
    assert "dfrec-small, version 2, trained on made-up faces; gain in IDSIM to the target +0.250" in said
    assert "faces are not looked for: the network was trained on drawn faces" in said
    network = _result(tmp_path / "out" / "a")["network"]
    assert (network["name"], network["version"], network["file_sha256"]) == ("dfrec-small", 2, record.sha256)
    assert (network["trained_on"], network["licence"]) == ("made-up faces", "Apache-2.0")
    assert network["idsim_to_the_target"][0]["gain"] == 0.25
    recoverer = Recoverer()
    assert (recoverer.came_with, recoverer.workdir) == ("dfrec-small", folder)
    with pytest.raises(ConfigError, match="name one of the two"):
        Recoverer("runs/mine", network="dfrec-small")


def test_outside_the_generated_patches_the_target_is_the_input(pictures, recovered):
    folder = recovered[0] / "a"
    generated = _result(folder)["generated_patches"]
    with Image.open(pictures[0]) as given, Image.open(folder / "target.png") as target:
        difference = np.abs(np.asarray(given, int) - np.asarray(target)[: tiny.SIZE]).sum(-1)  # less its label
    differs = difference.reshape(4, 8, 4, 8).sum((1, 3)).ravel() > 0
    assert set(np.flatnonzero(differs)) <= set(generated)
    assert differs.sum() == len(generated) == 8


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--checkpoint", "8"], "--checkpoint=8: must be best, newest, or one of the saved steps [7]"),
        (["--batch-size", "0"], "--batch-size=0: must be 1 or more"),
        (["--seed", "-1"], "--seed=-1: must be from 0 to 4294967295"),
        (["--seed", "99999999999999999999"], "--seed=99999999999999999999: must be from 0 to 4294967295"),
    ],
)
def test_a_bad_argument_is_refused(workdir, pictures, tmp_path, capsys, arguments, words):
    assert _recover(workdir, tmp_path / "out", pictures[0], arguments=arguments) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_one_bad_picture_does_not_stop_the_others(workdir, pictures, tmp_path, capsys):
    (tmp_path / "bad.png").write_bytes(pictures[0].read_bytes()[:200])
    (tmp_path / "empty.png").write_bytes(b"")
    bad = (tmp_path / "bad.png", tmp_path / "empty.png", tmp_path / "nowhere.png")
    assert _recover(workdir, tmp_path / "out", bad[0], pictures[0], *bad[1:], pictures[1]) == 2
    out, err = capsys.readouterr()
    assert out.split() == [str(tmp_path / "out" / name / "panel.png") for name in "ab"]
    assert f"undetected: {pictures[0]}: the map marks no patch of it" in err
    assert all(f"{name}.png: " in err for name in ("bad", "empty")) and "nowhere.png: there is no such file" in err
    assert err.splitlines()[-1] == "error: 3 of 5 files were refused, see above"
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a", "b"]


def test_two_pictures_of_one_name_are_refused_before_anything_is_written(workdir, pictures, tmp_path, capsys):
    twin = tmp_path / "twin" / "a.jpg"
    twin.parent.mkdir()
    twin.write_bytes(b"")
    assert _recover(workdir, tmp_path / "out", pictures[0], twin) == 2
    assert "would both be written to a/" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_record_is_of_the_bytes_that_were_read(workdir, pictures, tmp_path):
    copies = [tmp_path / path.name for path in pictures[::2]]
    for copy, path in zip(copies, pictures[::2], strict=True):
        copy.write_bytes(path.read_bytes())
    before = [hashlib.sha256(copy.read_bytes()).hexdigest() for copy in copies]
    outcomes = recover(copies, Recoverer(workdir, batch_size=2), tmp_path / "out")
    first = next(outcomes)
    copies[1].write_bytes(pictures[1].read_bytes())  # another picture under the name
    second = next(outcomes)
    assert [_result(outcome.folder)["input_sha256"] for outcome in (first, second)] == before


def test_an_input_is_never_written_over(workdir, pictures, tmp_path, capsys):
    source = tmp_path / "source" / "source.png"
    source.parent.mkdir()
    source.write_bytes(pictures[0].read_bytes())
    assert _recover(workdir, tmp_path, source) == 2
    assert f"{source.parent} is there already and holds no result: choose another folder" in capsys.readouterr().err
    assert [path.name for path in source.parent.iterdir()] == ["source.png"]
    assert source.read_bytes() == pictures[0].read_bytes()


def test_a_result_that_is_there_is_kept_and_another_is_refused(workdir, pictures, tmp_path, capsys):
    (tmp_path / "in").mkdir()
    picture = tmp_path / "in" / "a.png"
    picture.write_bytes(pictures[0].read_bytes())
    assert _recover(workdir, tmp_path / "out", picture) == 0
    folder = tmp_path / "out" / "a"
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}
    capsys.readouterr()
    assert _recover(workdir, tmp_path / "out", picture) == 0
    out, err = capsys.readouterr()
    assert out.split() == [str(folder / "panel.png")] and "the same result was there already" in err
    assert _recover(workdir, tmp_path / "out", picture, arguments=["--seed", "1"]) == 2
    assert f"{folder} holds another result already (seed 0, now 1)" in capsys.readouterr().err
    picture.write_bytes(pictures[2].read_bytes())
    assert _recover(workdir, tmp_path / "out", picture) == 2
    assert "holds another result already (input_sha256 " in capsys.readouterr().err
    assert {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()} == before


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (OSError(28, "No space left on device"), 2, "error: {folder}: No space left on device"),
        (KeyboardInterrupt(), 130, "stopped"),
    ],
)
def test_a_result_that_was_cut_short_leaves_nothing(
    workdir, pictures, tmp_path, capsys, monkeypatch, error, status, words
):
    def fail(*_):
        raise error

    monkeypatch.setattr(grid, "save", fail)
    assert _recover(workdir, tmp_path / "out", pictures[0]) == status
    assert capsys.readouterr().err.split("\n")[-2:] == [words.format(folder=tmp_path / "out" / "a"), ""]
    assert not (tmp_path / "out").exists()


def test_odd_names_stay_in_their_folder(workdir, pictures, tmp_path):
    for name in ("...png", ".b.png"):
        (tmp_path / name).write_bytes(pictures[0].read_bytes())
    assert _recover(workdir, tmp_path / "out", tmp_path / "...png", tmp_path / ".b.png") == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["...png", ".b"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["...png", ".b.png", "out"]


def test_an_out_that_is_a_file_is_refused(workdir, pictures, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert _recover(workdir, tmp_path / "file" / "out", pictures[0]) == 2
    assert f"error: {tmp_path / 'file'}: is a file: name a folder for the results" in capsys.readouterr().err


def test_what_is_no_picture_of_a_face_is_warned_of(workdir, tmp_path, capsys):
    pixels = np.random.default_rng(0).integers(0, 256, (20, 400, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "strip.png")
    assert _recover(workdir, tmp_path / "out", tmp_path / "strip.png") == 0
    result = _result(tmp_path / "out" / "strip")
    assert ["far from square" in words for words in result["warnings"]] == [True]
    assert "not looked for: the network was trained on drawn faces" in result["face"]
    err = capsys.readouterr().err
    assert all(f"warning: {tmp_path / 'strip.png'}: {words}" in err for words in result["warnings"])


def test_what_the_gate_stops_is_recovered_by_force_alone_and_that_is_recorded(workdir, tmp_path, capsys):
    Image.new("RGB", (32, 32), (90, 120, 200)).save(tmp_path / "sky.png")
    assert _recover(workdir, tmp_path / "out", tmp_path / "sky.png") == 0
    out, err = capsys.readouterr()
    assert out.split() == [str(tmp_path / "out" / "sky" / "result.json")] and "not_applicable: " in err
    result = _result(tmp_path / "out" / "sky")
    assert (result["status"], result["force"], result["gate_failed"]) == ("not_applicable", False, ["contrast"])
    assert result["checks"][0] == {
        "name": "contrast", "value": 0.0, "least": 2.0, "passed": False, "words": result["reason"],
    }  # fmt: skip
    assert result["reason"] == "nearly one colour all over: there is no face in it"
    assert [path.name for path in (tmp_path / "out" / "sky").iterdir()] == ["result.json"]
    assert _recover(workdir, tmp_path / "forced", tmp_path / "sky.png", arguments=["--force"]) == 0
    result = _result(tmp_path / "forced" / "sky")
    assert (result["force"], result["gate_failed"]) == (True, ["contrast"])
    assert "forced: nearly one colour" in result["warnings"][0] and result["status"] != "not_applicable"
    assert (tmp_path / "forced" / "sky" / "target.png").exists()


def test_no_probability_is_shown_until_it_is_one(workdir, pictures, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(
        grid, "grid", lambda *given, real=grid.grid, **named: drawn.append(given) or real(*given, **named)
    )
    assert _recover(workdir, tmp_path / "out", pictures[0]) == 0
    (_, _, (captions,)) = drawn[0]
    assert not any("%" in caption or "forged" in caption for caption in captions)
    result = _result(tmp_path / "out" / "a")
    assert "forgery_probability" not in result and 0 < result["forgery_score_uncalibrated"] < 1


def test_a_missing_workdir_is_refused(pictures, tmp_path, capsys):
    assert _recover(tmp_path / "nowhere", tmp_path / "out", pictures[0]) == 2
    assert "there is no config.json in it" in capsys.readouterr().err
    assert not (tmp_path / "nowhere").exists()


def test_what_was_done_in_reading_stands_in_the_record_and_on_the_screen(workdir, tmp_path, capsys):
    frames = [Image.new("RGB", (32, 32), (level, 80, 90)) for level in (40, 200)]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    assert _recover(workdir, tmp_path / "out", tmp_path / "moving.gif") == 0
    remark = "the first of its 2 frames or pages was taken"
    assert remark in capsys.readouterr().err and remark in _result(tmp_path / "out" / "moving")["warnings"]


def test_a_swap_that_is_assumed_is_recovered_where_the_map_leaves_the_face_out(
    workdir, pictures, recovered, tmp_path, capsys
):
    assert _recover(workdir, tmp_path / "told", pictures[0], arguments=["--assume", "swap"]) == 0
    plain, told = (_result(folder / "a") for folder in (recovered[0], tmp_path / "told"))
    assert (plain["status"], told["status"]) == ("undetected", "recovered")
    assert "the map marks no patch" in plain["reason"] and "--assume swap" in plain["reason"]
    assert (plain["assume"], plain["map"]) == (None, "the network's")
    assert (told["assume"], told["map"]) == ("swap", "the face's region: the network's leaves the face out")
    assert plain["mean_map"] == told["mean_map"], "of the ISM, whatever map was used"
    assert any("its middle is recovered" in warning for warning in told["warnings"])
    is_overruled = any("takes it for a real face, and was told" in warning for warning in told["warnings"])
    assert is_overruled == (told["forgery_score_uncalibrated"] < 0.5)
    with Image.open(tmp_path / "told" / "a" / "map.png") as picture:
        used = np.asarray(picture.convert("L"))
    assert used[tiny.SIZE // 2, tiny.SIZE // 2] == 255 and used[0, 0] == 0


def test_a_network_that_cannot_be_told_who_is_seen_refuses(workdir, pictures, tmp_path, capsys):
    arguments = ["--visible", str(pictures[1])]
    assert _recover(workdir, tmp_path / "out", pictures[0], arguments=arguments) == 2
    assert "--visible: this network (tirm.identity_width=0)" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_video_is_recovered_by_the_best_frames_of_its_track(workdir, tmp_path, capsys):
    rng = np.random.default_rng(0)
    writer = cv2.VideoWriter(str(tmp_path / "clip.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 10, (tiny.SIZE, tiny.SIZE))
    still = rng.integers(0, 256, (tiny.SIZE, tiny.SIZE, 3), dtype=np.uint8)
    for level in range(6):
        writer.write(np.clip(still.astype(int) + level, 0, 255).astype(np.uint8))
    writer.release()
    (tmp_path / "cut.mp4").write_bytes(b"no video")
    arguments = ["--frames", "3", "--best", "2", "--assume", "swap", "--seeds", "2"]
    os.mkfifo(tmp_path / "pipe.mp4")
    files = (tmp_path / name for name in ("clip.avi", "cut.mp4", "pipe.mp4"))
    assert _recover(workdir, tmp_path / "out", *files, arguments=arguments) == 2
    out, err = capsys.readouterr()
    assert "pipe.mp4: is a pipe or a device, and no file" in err, "which is not waited for"
    assert out.split() == [str(tmp_path / "out" / "clip" / "result.json")] and "cut.mp4: cannot be read as a" in err
    result = _result(tmp_path / "out" / "clip")
    assert (result["kind"], result["status"], result["frames"], result["frames_read"]) == (
        "video",
        "recovered",
        6,
        [0, 2, 5],
    )
    (track,) = result["tracks"]
    assert (track["seen_in"], track["recovered_from"], track["statuses"]) == ([0, 2, 5], [0, 2], ["recovered"] * 2)
    np.testing.assert_allclose(np.linalg.norm(track["target_embedding"]), 1, atol=1e-5)
    assert len(track["target_cosines"]) == 2 and min(track["target_cosines"]) > 0.5
    folder = tmp_path / "out" / "clip" / "track-1"
    assert sorted(path.name for path in folder.iterdir()) == ["drift.png", "frame-000000", "frame-000002"]
    frame = _result(folder / "frame-000002")
    assert (frame["frame"], frame["seeds"], frame["input_sha256"]) == (2, [0, 1], result["input_sha256"])
    for name in ("evidence.png", "evidence_mask.png", "seeds_mean.png", "seeds_spread.png", "target.png"):
        assert (folder / "frame-000002" / name).exists(), name


@pytest.mark.parametrize("kind", ["CMYK.jpg", "palette.png", "palette_clear.png", "16bit.png", "big.jpg", "avif"])
def test_pictures_of_every_kind_end_in_a_clear_outcome(workdir, tmp_path, capsys, kind):
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8))
    path = tmp_path / f"x.{kind.rpartition('.')[2]}"
    if kind == "CMYK.jpg":
        picture.convert("CMYK").save(path)
    elif kind.startswith("palette"):
        clear = {"transparency": 0} if "clear" in kind else {}
        picture.quantize(16).save(path, **clear)
    elif kind == "16bit.png":
        Image.fromarray(np.arange(1024, dtype=np.uint16).reshape(32, 32) * 64).save(path)
    else:
        picture.resize((4000, 3000) if kind == "big.jpg" else (40, 40)).save(path)
    is_refused = kind == "palette_clear.png"
    assert _recover(workdir, tmp_path / "out", path, arguments=["--assume", "swap"]) == (2 if is_refused else 0)
    err = capsys.readouterr().err
    if is_refused:
        assert "has transparent pixels" in err and not (tmp_path / "out" / "x").exists()
    else:
        assert _result(tmp_path / "out" / "x")["status"] in ("recovered", "not_applicable")
