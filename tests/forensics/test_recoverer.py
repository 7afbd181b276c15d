"""Recovery in memory: a face in a photograph, by a network of photographs that was trained for no step."""

import json

import numpy as np
import pytest
from PIL import Image

import dfrec_jax
from dfrec_jax import cli
from dfrec_jax.config.errors import ConfigError, typed
from dfrec_jax.forensics import finding
from dfrec_jax.forensics.record import record_of
from dfrec_jax.forensics.recoverer import Recoverer
from dfrec_jax.pictures import generated
from dfrec_jax.runs.errors import CheckpointError
from tests import tiny, tiny_run

FACES = {"photo.png": [{"box": [90, 40, 154, 104]}, {"box": [10, 60, 42, 92]}], "blank.png": []}


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    config = tiny.config()
    config.data.dataset, config.data.dir, config.data.crop, config.data.margin = "faces", "nowhere", "box", 0.5
    return tiny_run.make(folder, config, map_bias=2.0)  # the map is full: every patch is marked


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photo")
    pixels = np.random.default_rng(0).integers(0, 256, (160, 240, 3), dtype=np.uint8)
    for name in FACES:
        Image.fromarray(pixels).save(folder / name)
    (folder / "faces.json").write_text(json.dumps(FACES))
    return folder / "photo.png"


@pytest.fixture(scope="module")
def recoverer(workdir, photo):
    return Recoverer(workdir, faces=photo.parent / "faces.json")


def test_the_target_stands_in_its_place_in_the_picture(recoverer, photo):
    recovery = recoverer(photo)
    with Image.open(photo) as picture:
        given = np.asarray(picture)
    changed = (recovery.target_in_picture != given).any(axis=-1)
    # the larger box, enlarged by a half: 96 pixels from (74, 24), of which the generated patches alone may change
    assert recovery.target_in_picture.shape == given.shape and changed.any()
    outside = np.ones(changed.shape, bool)
    outside[21:123, 71:173] = False  # where three pixels are one of the network, the last of them fades out
    assert not changed[outside].any()
    assert recovery.made.generated.mean() == 0.5
    assert 0.3 < changed[24:120, 74:170].mean() < 0.7
    for face in (recovery.source, recovery.target):
        assert face.shape == (tiny.SIZE, tiny.SIZE, 3) and face.dtype == np.uint8
    np.testing.assert_allclose(recovery.framed.face.box, [90, 40, 154, 104])


def test_the_package_has_it_by_name():
    assert dfrec_jax.Recoverer is Recoverer
    with pytest.raises(AttributeError, match="nothing"):
        _ = dfrec_jax.nothing


def test_from_files_it_is_the_same(workdir, photo, recoverer, tmp_path, capsys):
    arguments = ["--workdir", str(workdir), "--faces", str(photo.parent / "faces.json"), "--all-faces"]
    with pytest.raises(SystemExit) as end:
        cli.main(["recover", str(photo), str(photo.with_name("blank.png")), "--out", str(tmp_path), *arguments])
    assert end.value.code == 0
    out, err = capsys.readouterr()
    wanted = ("photo-1/panel.png", "photo-2/panel.png", "blank/result.json")
    assert out.split() == [str(tmp_path / name) for name in wanted]
    assert "not_applicable: " in err and "no face was found in it (as faces.json says)" in err
    records = [json.loads((tmp_path / name / "result.json").read_text()) for name in ("photo-1", "photo-2", "blank")]
    assert [record["status"] for record in records] == ["recovered", "recovered", "not_applicable"]
    assert [record.get("face_box") for record in records] == [[90, 40, 154, 104], [10, 60, 42, 92], None]
    assert records[0]["crop"] == "--crop box --margin 0.5"
    assert [path.name for path in (tmp_path / "blank").iterdir()] == ["result.json"]
    recovery = recoverer(photo)
    for name, wanted in {"target": recovery.target, "target_in_picture": recovery.target_in_picture}.items():
        with Image.open(tmp_path / "photo-1" / f"{name}.png") as picture:
            np.testing.assert_array_equal(generated.without_label(np.asarray(picture), len(wanted)), wanted)


def test_where_there_is_no_face_nothing_is_invented(workdir, photo, monkeypatch):
    detector = finding.Detector("nobody", lambda pixels: [], 0.5)
    monkeypatch.setattr(finding, "detector_for", lambda config: (detector, "looked for with nobody"))
    recovery = Recoverer(workdir)(photo)
    assert (recovery.status, recovery.framed, recovery.made) == ("not_applicable", None, None)
    assert recovery.reason == "no face was found in it (looked for with nobody)"
    with pytest.raises(ValueError, match="nothing was recovered: no face"):
        _ = recovery.target


def test_without_a_detector_a_photograph_is_refused(workdir, photo, monkeypatch):
    monkeypatch.setattr(finding, "detector_for", lambda config: (None, "not looked for: there is none"))
    with pytest.raises(
        ConfigError, match="a face must be found .*Or faces='FILE' says .*, or crop='none' that"
    ) as refused:
        Recoverer(workdir)
    assert "Or --faces=FILE says where they are, or --crop=none that" in typed(refused.value)
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    assert Recoverer(workdir, crop="none").look(noise)[0].matrix is None


@pytest.mark.parametrize(
    ("arguments", "called", "as_typed"),
    [
        ({"network": "huge"}, "network='huge': must be one of .*is named by workdir$", "--network=huge: must"),
        (
            {"workdir": "w", "network": "drawn"},
            "network='drawn' and workdir='w': name",
            "--network=drawn and --workdir=w",
        ),
        ({"workdir": "nowhere"}, "^workdir='nowhere': there is no config.json", "--workdir=nowhere: there is"),
        ({"which": "9"}, r"^which='9': must be best, newest, or one of .*\[7\]", "--checkpoint=9: must be"),
        ({"faces": "none.json"}, "^faces='none.json': cannot be read", "--faces=none.json: cannot"),
        ({"visible": ["a.png"], "crop": "none"}, "^visible: this network", "--visible: this network"),
        ({"crop": "tight"}, "^crop='tight': must be one of", "crop='tight': must"),
        ({"assume": "real"}, "^assume='real': must be 'swap', or empty", "assume='real': must"),
        ({"seed": -1}, "^seed=-1: must be from 0", "seed=-1"),
        ({"num_seeds": 0}, "^num_seeds=0: must be from 1", "num_seeds=0"),
        ({"batch_size": 0}, "^batch_size=0: must be 1 or more", "batch_size=0"),
    ],
)
def test_errors_name_the_argument_and_the_command_line_its_option(workdir, arguments, called, as_typed):
    with pytest.raises((ConfigError, CheckpointError), match=called) as refused:
        Recoverer(**{"workdir": None if "network" in arguments else workdir} | arguments)
    assert typed(refused.value).startswith(as_typed) and "--" not in str(refused.value)


def test_what_a_report_cannot_be_signed_with_is_named_by_the_argument(recoverer, photo, tmp_path):
    with pytest.raises(ConfigError, match="^sign='.*faces.json': cannot be read as a private key") as refused:
        recoverer.report(photo, tmp_path / "out", sign=str(photo.parent / "faces.json"))
    assert typed(refused.value).startswith("--sign=") and not (tmp_path / "out").exists()


def test_a_picture_that_the_file_does_not_name_is_refused(recoverer):
    with pytest.raises(ConfigError, match="it says nothing of other.png, but of blank.png, photo.png"):
        recoverer.looker.check_named(["photo.png", "other.png"])


@pytest.mark.parametrize("bias", [-1.0, 2.0, 20.0])  # of a map that marks little, much, all
def test_of_a_part_of_the_map_status_and_source_are_those_of_the_whole(tmp_path, bias):
    found = {}
    for scale in (1.0, 0.5):
        config = tiny.config()
        config.data.dataset, config.data.dir, config.data.crop, config.data.margin = "faces", "nowhere", "none", 0.0
        config.sirm.features, config.sirm.stem, config.ism.given_scale = (8,), 4, scale
        folder = tiny_run.make(tmp_path / str(scale), config, map_bias=bias)
        pixels = np.random.default_rng(0).integers(0, 256, (tiny.SIZE, tiny.SIZE, 3), dtype=np.uint8)
        recoverer = Recoverer(folder, crop="none", force=True, assume="swap")
        found[scale] = recoverer(pixels)
        said = record_of(found[scale], (), recoverer)
        assert ("; for the target times 0.5 (ism.given_scale)" in said["map"]) == (scale == 0.5)
    whole, half = found[1.0], found[0.5]
    assert (half.status, half.checks) == (whole.status, whole.checks)
    np.testing.assert_array_equal(half.source, whole.source)
    np.testing.assert_array_equal(half.source_map, whole.source_map)
    np.testing.assert_array_equal(half.made.generated, whole.made.generated)
    assert not np.array_equal(half.target, whole.target)


def test_a_second_pass_is_told_by_the_first_who_is_seen(tmp_path):
    config = tiny.config()
    config.data.dataset, config.data.dir, config.data.crop, config.data.margin = "faces", "nowhere", "none", 0.0
    config.sirm.features, config.sirm.stem, config.tirm.identity_width = (8,), 4, 4
    folder = tiny_run.make(tmp_path / "run", config, map_bias=2.0)
    pixels = np.random.default_rng(0).integers(0, 256, (tiny.SIZE, tiny.SIZE, 3), dtype=np.uint8)
    told = {"crop": "none", "force": True, "load_network": lambda name, config: tiny.network()}
    plain = Recoverer(folder, **told)
    assert plain.identity["visible_estimated"] is None, "or a folder with the one's result would pass for the other's"
    first = plain(pixels)
    estimated = Recoverer(folder, estimate_visible=True, **told)
    second = estimated(pixels)
    np.testing.assert_array_equal(first.source, second.source)
    assert not np.array_equal(first.target, second.target)
    assert estimated.identity["visible_estimated"] and estimated.options["estimate_visible"]
    Image.fromarray(first.source).save(tmp_path / "source.png")  # to eight bits: nearly that source
    given = Recoverer(folder, visible=[tmp_path / "source.png"], **told)(pixels)
    assert np.abs(given.target.astype(int) - second.target).max() <= 2
