"""`dfrec trace`, typed as an examiner would, on drawn patterns that stand for people."""

import functools
import json
import shutil
import sys

import numpy as np
import pytest
from PIL import Image

from dfrec_jax import cli, commands
from dfrec_jax.commands import trace_data
from dfrec_jax.config.errors import ConfigError
from dfrec_jax.metrics.likelihood_ratio import Logistic
from dfrec_jax.pictures import generated
from dfrec_jax.runs import stored_config
from dfrec_jax.tracing import calibration, indexing, search_report
from dfrec_jax.tracing import embedder as embedder_lib
from dfrec_jax.tracing.words import LEAD
from tests import tiny, tiny_run
from tests.tracing import drawn
from tests.tracing.test_routes import result

FOILS = ("eve", "fay", "gus")


def _run(capsys, *words):
    with pytest.raises(SystemExit) as end:
        cli.main([str(word) for word in words])
    out, err = capsys.readouterr()
    return end.value.code, out, err


@pytest.fixture(scope="module", autouse=True)
def _compiled_once():
    """A recogniser that was loaded serves all commands of these tests."""
    assert (
        indexing.Embedder is embedder_lib.Embedder
    )  # imported by now: its hints are of the class, not of what follows
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embedder_lib, "Embedder", functools.cache(embedder_lib.Embedder))
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trace")
    drawn.write_people(folder / "people")
    drawn.write_people(folder / "innocent", first=20, names=FOILS)
    result(folder / "swap")  # of ada's face, with ben's on it
    drawn.save(drawn.pattern(1, 2), folder / "reference.png")
    return folder


@pytest.fixture(scope="module")
def gallery(folder):
    with pytest.raises(SystemExit) as end:
        cli.main(["trace", "index", f"{folder}/people", "--out", f"{folder}/gallery", "--recogniser", "embedded-b",
                  "--origin", "drawn for a test"])  # fmt: skip
    assert end.value.code == 0
    return folder / "gallery"


@pytest.fixture(scope="module")
def found(folder, gallery):
    with pytest.raises(SystemExit) as end:
        cli.main(
            ["trace", "search", f"{folder}/swap", "--gallery", str(gallery), "--out", f"{folder}/found",
             "--lineup", "4", "--visible", f"{folder}/reference.png", "--foils", f"{folder}/innocent"]
        )  # fmt: skip
    assert end.value.code == 0
    return folder / "found"


def test_the_hidden_person_is_found_and_the_visible_one_taken_away(found):
    said = json.loads((found / search_report.RECORD).read_text())
    first = {(one["role"], one["route"]): one["candidates"][0] for one in said["rankings"]}
    assert first["target", "visible given"]["person"] == first["target", "visible estimated"]["person"] == "ada"
    assert first["target", "recovered"]["person"] == "ada" and first["source", "recovered"]["person"] == "ben"
    raw = next(one for one in said["rankings"] if (one["role"], one["route"]) == ("target", "raw"))
    assert {one["person"] for one in raw["candidates"]} == {*drawn.NAMES, *FOILS}
    assert [one["is_foil"] for one in raw["candidates"]] == [one["person"] in FOILS for one in raw["candidates"]]
    assert [one["rank"] for one in raw["candidates"]] == list(range(1, 8))
    assert said["gallery"]["origin"] == "drawn for a test" and said["exhibit"]["sha256"] == "ab" * 32
    assert said["exhibit"]["network_sha256"] == "cd" * 32 and said["lineup_seed"] == int("ab" * 4, 16)


def test_every_output_says_that_it_is_a_lead(found):
    for name in (search_report.RECORD, search_report.KEYS):
        assert json.loads((found / name).read_text())["statement"] == LEAD
    assert LEAD in (found / search_report.TABLE).read_text()


def test_the_line_ups_name_nobody_and_the_key_does(found):
    keys = json.loads((found / search_report.KEYS).read_text())["sheets"]
    assert set(keys) == {path.name for path in (found / search_report.SHEETS).iterdir()} and len(keys) == 6
    for name, said in keys.items():
        key = said["key"]
        assert list(key) == ["A", "B", "C", "D"] and sum(one["is_foil"] for one in key.values()) == 2
        with Image.open(found / search_report.SHEETS / name) as sheet:
            assert set(sheet.info) <= {"xmp", "XML:com.adobe.xmp"}, (
                "which says that the query was generated, where it was"
            )
            assert ("DigitalSourceType" in sheet.info.get("xmp", b"").decode()) == ("recovered" in name)
            is_labelled = (np.asarray(sheet.convert("RGB")) == generated.PAPER).all(axis=-1).sum() > 500
            assert is_labelled == ("recovered" in name), name
        data = (found / search_report.SHEETS / name).read_bytes()
        assert not any(person.encode() in data for person in (*drawn.NAMES, *FOILS) if len(person) > 3)
    assert len({tuple(one["person"] for one in said["key"].values()) for said in keys.values()}) > 1


def test_a_calibration_gives_bounded_ratios_or_is_refused(folder, gallery, found, capsys):
    said = json.loads((gallery / "gallery.json").read_text())
    fit = {"slope": 10.0, "intercept": -3.0, "log10_lr_bounds": [-1.0, 1.5]}
    fit |= {"measured_on": dict.fromkeys(calibration.SHOWN)}
    record = {
        "format": calibration.FORMAT, "rule": said["rule"], "routes": {"target, raw": fit}, "left_out": {},
        "population": "drawn people", "network_sha256": None, "bounds": "of nothing",
        **{name: said[name] for name in ("recogniser", "recogniser_sha256", "frame", "size")},
    }  # fmt: skip
    (folder / "fits").mkdir()
    (folder / "fits" / calibration.RECORD).write_text(json.dumps(record))
    picture = folder / "swap" / "input.png"
    words = ("trace", "search", picture, "--gallery", gallery, "--lineup", "0", "--top", "4", "--calibration")
    status, out, err = _run(capsys, *words, folder / "fits", "--out", folder / "with_lr")
    assert status == 0 and LEAD in out and "[0.10, 32]" in out
    assert "no LR: source, raw: the calibration holds no `source, raw`" in err
    rankings = json.loads((folder / "with_lr" / search_report.RECORD).read_text())["rankings"]
    for one in rankings[0]["candidates"]:
        wanted = np.clip(Logistic(10.0, -3.0).log_lr(np.array([one["cosine"]])) / np.log(10), -1.0, 1.5)
        assert one["log10_lr"] == pytest.approx(wanted[0], abs=0.01)
    assert rankings[1]["candidates"][0]["log10_lr"] is None and rankings[0]["log10_lr_bounds"] == [-1.0, 1.5]
    (folder / "others").mkdir()
    (folder / "others" / calibration.RECORD).write_text(json.dumps(record | {"recogniser_sha256": "other"}))
    status, _, err = _run(capsys, *words, folder / "others", "--out", folder / "refused")
    assert status == 2 and "made for another recogniser or frame" in err and not (folder / "refused").exists()
    only = {**record, "routes": {"target, recovered": fit}}
    (folder / "others" / calibration.RECORD).write_text(json.dumps(only))
    status, _, err = _run(capsys, *words, folder / "others", "--out", folder / "refused")
    assert status == 2 and "holds no route of this search" in err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--top", "0"), "--top=0: must be 1 or more"),
        (("--lineup", "1"), "--lineup=1: must be 0, or from 2 to 26"),
        (("--out", "{}/people"), "people: is there already"),
        (("--foils", "{}/gallery"), "ada, ben, cleo, dan stand in the gallery too"),
        (("--gallery", "{}/people"), "no gallery"),
        (("--visible", "{}/nobody.png"), "nobody.png"),
        (("--head", "{0}/people"), "people: there is no config.json in it; name the folder of a training run"),
    ],
)
def test_bad_input_is_refused_and_nothing_is_left(folder, gallery, capsys, words, told):
    here = sorted(folder.iterdir())
    given = [word.format(folder) for word in words]
    status, out, err = _run(
        capsys, "trace", "search", folder / "swap", "--gallery", gallery, "--out", folder / "bad", *given
    )
    assert status == 2 and told in err and err.count("error: ") == 1 and not out
    assert sorted(folder.iterdir()) == here


def test_cases_are_calibrated_from_pictures(folder, gallery, capsys):
    people = folder / "many"
    names = tuple(f"n{i:02d}" for i in range(10))
    drawn.write_people(people, first=40, names=names)
    assert _run(capsys, "trace", "index", people, "--out", folder / "population", "--recogniser", "embedded-b")[0] == 0
    rows = ["exhibit,target,part"]
    for number, name in enumerate(names):
        drawn.save(drawn.pattern(40 + number, 7), folder / f"{name}.png")
        rows.append(f"{name}.png,{name},{'fit' if number < 5 else 'measure'}")
    shutil.copy(folder / "people" / "ada" / "0.png", folder / "broken.png")
    (folder / "broken.png").write_text("no picture")
    (folder / "cases.csv").write_text("\n".join([*rows, "broken.png,n00,fit"]) + "\n")
    status, out, err = _run(
        capsys, "trace", "calibrate", "--gallery", folder / "population", "--cases", folder / "cases.csv",
        "--population", "ten patterns", "--out", folder / "calibration",
    )  # fmt: skip
    assert status == 0 and "left out: " in err and "10 of 11 cases" in err and LEAD in out
    said = calibration.read(folder / "calibration")
    assert set(said.fits) == {"target, raw"} and said.population == "ten patterns"


def _kept_out(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(scope="module")
def run_of_drawn_faces(tmp_path_factory):
    return tiny_run.make(tmp_path_factory.mktemp("run"), map_bias=-2.0)


@pytest.mark.slow  # four networks are compiled
def test_cases_are_made_of_prepared_data(prepared, run_of_drawn_faces, tmp_path, capsys):
    words = (
        "trace", "calibrate", "--data", f"{prepared}:all", "--workdir", run_of_drawn_faces, "--recogniser",
        "embedded-b", "--swaps", "10", "--population", "ten made-up people",
    )  # fmt: skip
    status, out, err = _run(capsys, *words, "--keep", tmp_path / "kept", "--out", tmp_path / "calibration")
    assert status == 0, err
    assert "10 of 20 swaps, made by the generator of training, of 10 people" in err and "10 of 10 cases" in err
    assert "none of their 10 people stands in training, which saw drawn faces alone" in out
    said = json.loads((tmp_path / "calibration" / calibration.RECORD).read_text())
    assert said["made_of"]["statuses"] == {"recovered": 10} and said["made_of"]["data"][0]["people"] == 10
    assert (
        said["network_sha256"] and "target, visible given" in said["routes"] and "target, recovered" in said["routes"]
    )
    assert _kept_out(tmp_path) == ["calibration", "kept"]
    assert _kept_out(tmp_path / "kept") == ["cases.csv", "gallery", "people", "recovered", "swaps"]

    by_hand = (
        "trace",
        "calibrate",
        "--gallery",
        tmp_path / "kept" / "gallery",
        "--cases",
        tmp_path / "kept" / "cases.csv",
    )
    assert _run(capsys, *by_hand, "--population", "ten made-up people", "--out", tmp_path / "again")[0] == 0
    again = json.loads((tmp_path / "again" / calibration.RECORD).read_text())
    assert again.pop("made_of") is None and said.pop("made_of") and again == said

    search = ("trace", "search", tmp_path / "kept" / "recovered" / "out" / "0000", "--lineup", "2")
    status, _, err = _run(
        capsys, *search, "--gallery", tmp_path / "kept" / "gallery", "--calibration", tmp_path / "calibration",
        "--out", tmp_path / "found",
    )  # fmt: skip
    assert status == 0, f"the gallery's pictures lie where it says: {err}"


@pytest.mark.parametrize("stops", [KeyboardInterrupt, ConfigError])
def test_a_calibration_that_is_stopped_leaves_nothing(
    prepared, run_of_drawn_faces, tmp_path, capsys, monkeypatch, stops
):
    def stopped(*_):
        raise stops("stopped")

    monkeypatch.setattr(trace_data, "recover", stopped)
    status, _, _ = _run(
        capsys, "trace", "calibrate", "--data", f"{prepared}:all", "--workdir", run_of_drawn_faces, "--recogniser",
        "embedded-b", "--swaps", "10", "--population", "x", "--keep", tmp_path / "kept", "--out", tmp_path / "out",
    )  # fmt: skip
    assert status == (130 if stops is KeyboardInterrupt else 2) and not _kept_out(tmp_path)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "no cases: name cases by --gallery and --cases, or have them made by --data"),
        (("--gallery", "g"), "--gallery alone: name cases by"),
        (("--workdir", "w"), "--workdir alone: name cases by"),
        (("--gallery", "g", "--cases", "c.csv", "--data", "d"), "--gallery and --cases with --data: "),
        (("--gallery", "g", "--cases", "c.csv", "--keep", "k"), "--gallery and --cases with --keep: "),
        (("--data", "d", "--swaps", "0"), "--swaps=0: must be 1 or more"),
        (("--data", "nowhere"), "data.dir='nowhere': holds no prepared 'faces'"),
        (("--data", "{prepared}", "--workdir", "{run}"), "swaps of 3 people can be made of it, and 10 are the least"),
        (("--data", "{prepared}:all", "--workdir", "{other}"), "was prepared with `--crop box --margin 0.3`, and the"),
        (("--data", "{prepared}:all", "--workdir", "{own}"), "was trained on people of this folder"),
    ],
)
def test_what_cannot_be_calibrated_is_refused_before_anything_is_made(
    prepared, run_of_drawn_faces, tmp_path, capsys, words, told
):
    for name, changes in {
        "other": {"crop": "box", "margin": 0.5},
        "own": {"dataset": "faces", "dir": str(prepared)},
    }.items():
        config = tiny.config()
        config.data.update(changes)
        stored_config.save(tmp_path / "runs" / name, config)
    places = {
        "prepared": prepared,
        "run": run_of_drawn_faces,
        "other": tmp_path / "runs/other",
        "own": tmp_path / "runs/own",
    }
    given = [word.format(**places) for word in words]
    status, out, err = _run(capsys, "trace", "calibrate", *given, "--population", "x", "--out", tmp_path / "out")
    assert status == 2 and told in err and err.count("error: ") == 1 and not out
    assert _kept_out(tmp_path) == ["runs"]


def test_without_the_packages_of_training_data_are_refused_in_words(tmp_path, capsys, monkeypatch):
    monkeypatch.delattr(commands, "trace_data")
    monkeypatch.setitem(sys.modules, "dfrec_jax.commands.trace_data", None)
    status, _, err = _run(capsys, "trace", "calibrate", "--data", "d", "--population", "x", "--out", tmp_path / "out")
    assert status == 2 and "--data: reads what `dfrec prepare` wrote by packages that are not installed here" in err


@pytest.mark.slow
def test_the_target_of_a_published_swap_is_first_when_the_visible_person_is_taken_away(
    shared_data, shared_weights, tmp_path, capsys
):
    swaps = shared_data / "real_swaps"
    for name in ("001_simswap", "016_simswap", "021_simswap", "031_simswap", "041_simswap", "051_simswap"):
        (tmp_path / "people" / name).mkdir(parents=True)
        shutil.copy(swaps / f"{name}_target.jpg", tmp_path / "people" / name)
    assert _run(capsys, "trace", "index", tmp_path / "people", "--out", tmp_path / "gallery")[0] == 0
    status, _, err = _run(
        capsys, "trace", "search", swaps / "001_simswap_swap.jpg", "--visible", swaps / "001_simswap_source.jpg",
        "--gallery", tmp_path / "gallery", "--out", tmp_path / "found",
    )  # fmt: skip
    assert status == 0, err
    rankings = json.loads((tmp_path / "found" / search_report.RECORD).read_text())["rankings"]
    given, raw = ([each["person"] for each in one["candidates"]] for one in rankings[:2])
    assert given[0] == "001_simswap" and raw.index("001_simswap") >= given.index("001_simswap")
