"""`verify` catches what was changed, forged or mixed up, even where the hashes were made to agree again."""

import hashlib
import io
import json
import os
import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from PIL import Image

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.forensics import rerun
from dfrec_jax.forensics.report import contents, sealing, write
from dfrec_jax.forensics.verify import Expected, verify
from tests.forensics.report import made_up


@pytest.fixture(scope="module")
def key():
    return Ed25519PrivateKey.generate()


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A report that is not signed: whoever changes it can make its hashes agree."""
    return made_up.report(tmp_path_factory.mktemp("original") / "swap")


@pytest.fixture(scope="module")
def signed(tmp_path_factory, key):
    return made_up.report(tmp_path_factory.mktemp("signed") / "swap", key=key)


@pytest.fixture
def report(original, tmp_path):
    return Path(shutil.copytree(original, tmp_path / "swap"))


def _sha256(data):
    return hashlib.sha256(data).hexdigest()


def _network(**fields):
    said = made_up.said(b"")["network"]
    return lambda: {"config_sha256": said["config_sha256"], "network_sha256": made_up.NETWORK} | fields


def _checks(folder, original, expected=None, network=None):
    """The outcome and words of each check; made again, the network gives what it gave."""
    found = verify(folder, expected or Expected(), network or _network(), lambda contents, out: original)
    return {check.name: (check.holds, check.words) for check in found}


def _failed(checks):
    return {name for name, (holds, _) in checks.items() if holds is False}


def _change(path, **fields):
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def _with_another_pixel(path):
    with Image.open(path) as picture:
        changed = picture.convert("RGB")
    red, green, blue = changed.getpixel((3, 4))
    changed.putpixel((3, 4), (red ^ 64, green, blue))
    changed.save(path)


def _cover(folder):
    """What a forger does who has read how reports are made: pages and hashes agree with the records again."""
    for page in ("report.html", "report.pdf"):
        (folder / page).unlink()
    write.draw(folder)
    sealing.seal(folder, None)


def test_a_report_that_nobody_touched_holds(report, original):
    checks = _checks(report, original, Expected(_sha256(made_up.exhibit())))
    assert not _failed(checks)
    assert {name for name, (holds, _) in checks.items() if holds is None} == {"signature"}
    assert set(checks) == {
        "files", "signature", "exhibit", "pages", "config", "weights", "numbers", "file", "similarity", "test set",
        "pictures",
    }  # fmt: skip
    assert "within 3 levels of 255 (0 at most)" in checks["pictures"][1]


def test_a_changed_exhibit_is_caught(report, original):
    copy = report / "exhibit" / "swap.png"
    _with_another_pixel(copy)
    checks = _checks(report, original)
    assert _failed(checks) == {"files", "exhibit"} and "exhibit/swap.png was changed" in checks["files"][1]
    assert "not made again" in checks["made again"][1]
    _cover(report)
    assert _failed(_checks(report, original)) == {"exhibit"}


def test_a_changed_picture_is_caught(report, original):
    _with_another_pixel(report / "target.png")
    checks = _checks(report, original)
    assert "target.png was changed" in checks["files"][1]
    _cover(report)
    checks = _checks(report, original)
    assert _failed(checks) == {"pictures"} and "target.png: differs by up to 64 levels" in checks["pictures"][1]


@pytest.mark.parametrize(
    "fields",
    [{"mean_map": 0.4612}, {"seed": 8}, {"generated_patches": [0]}, {"status": "undetected"}, {"warnings": []}],
)
def test_a_changed_number_is_caught(report, original, fields):
    _change(report / "result.json", **fields)
    checks = _checks(report, original)
    assert {"files", "pages"} <= _failed(checks) and "result.json was changed" in checks["files"][1]
    _cover(report)
    checks = _checks(report, original)
    assert _failed(checks) == {"numbers"} and next(iter(fields)) in checks["numbers"][1]


@pytest.fixture(scope="module")
def of_video(tmp_path_factory):
    return made_up.video(tmp_path_factory.mktemp("video") / "clip")


def test_of_a_video_every_frame_is_held_against_what_is_made_again(of_video, tmp_path):
    whole = _checks(of_video, of_video, Expected(_sha256(made_up.VIDEO)))
    assert not _failed(whole) and whole["pictures"][1].startswith("11 pictures") and "pixels" in whole["file"][1]
    folder = Path(shutil.copytree(of_video, tmp_path / "clip"))
    frame = folder / "track-1" / "frame-000030"
    _change(frame / "result.json", mean_map=0.9)
    assert "track-1/frame-000030/result.json was changed" in _checks(folder, of_video)["files"][1]
    _cover(folder)
    checks = _checks(folder, of_video)
    assert _failed(checks) == {"numbers"} and "track-1/frame-000030 mean_map: 0.9" in checks["numbers"][1]
    shutil.copyfile(of_video / "track-1" / "frame-000030" / "result.json", frame / "result.json")
    _with_another_pixel(frame / "target.png")
    shutil.copyfile(frame / "map.png", folder / "track-1" / "proof.png")
    _cover(folder)
    checks = _checks(folder, of_video)
    assert _failed(checks) == {"pictures"} and "track-1/proof.png: was not made" in checks["pictures"][1]
    assert "track-1/frame-000030/target.png: differs" in checks["pictures"][1]
    (folder / "exhibit" / "clip.mp4").write_bytes(b"another")
    assert _failed(_checks(folder, of_video)) >= {"files", "exhibit"}
    assert _failed(_checks(of_video, of_video, Expected(_sha256(b"another")))) == {"exhibit"}


def test_of_a_video_hashes_of_pixels_are_compared_where_one_decoder_read_both(of_video, tmp_path):
    folder = Path(shutil.copytree(of_video, tmp_path / "clip"))
    said = json.loads((folder / "report.json").read_text())
    said["exhibit"]["frames_used"][0]["pixels_sha256"] = "00" * 32
    said["similarity"]["track-1/frame-000012"]["target"] = 0.9
    (folder / "report.json").write_text(json.dumps(said))
    _cover(folder)
    checks = _checks(folder, of_video)
    assert _failed(checks) == {"file", "similarity"} and "frames_used" in checks["file"][1]
    said["exhibit"]["decoder"] = "OpenCV 4"
    (folder / "report.json").write_text(json.dumps(said))
    _cover(folder)
    checks = _checks(folder, of_video)
    assert checks["file"] == (True, "codec, rate and C2PA; another decoder: no pixels")
    made = Path(shutil.copytree(of_video, tmp_path / "made"))
    now = json.loads((made / "report.json").read_text())
    now["similarity"] = dict.fromkeys(now["similarity"], {"reason": "not at hand"})
    (made / "report.json").write_text(json.dumps(now))
    assert _checks(of_video, made)["similarity"] == (None, "not measured again: not at hand")


def test_ranks_among_other_figures_of_a_test_set_are_not_compared(tmp_path):
    """The run may have been measured since, or lie where it was not."""
    step = {"kind": "noise", "strength": 2, "target_cosine": 0.9, "source_cosine": 0.8, "map_overlap": 0.7}
    ranks = {
        "consistency_identity": 0.7,
        "consistency_ssim": 0.6,
        "consistency_words": "",
        "consistency_ssim_rank": None,
    }
    told = ranks | {"consistency_identity_rank": 0.4, "degradation": [step | {"target_cosine_rank": 0.25}]}
    untold = ranks | {"consistency_identity_rank": None, "degradation": [step | {"target_cosine_rank": None}]}
    before = made_up.report(tmp_path / "before" / "swap", reference="no figures are kept", **untold)
    since = made_up.report(tmp_path / "since" / "swap", reference="200 swaps of LFW", **told)
    checks = _checks(before, since)
    assert not _failed(checks) and checks["reference"][0] is None
    since = made_up.report(tmp_path / "same" / "swap", reference="no figures are kept", **told)
    checks = _checks(before, since)
    assert _failed(checks) == {"numbers"} and "reference" not in checks


def test_a_number_within_the_tolerance_is_no_difference(report, original):
    _change(report / "result.json", mean_map=0.4512 + 0.0009)
    _cover(report)
    assert not _failed(_checks(report, original))


@pytest.mark.parametrize(
    ("part", "check", "words"),
    [
        ({"similarity": {"target": 0.912, "source": 0.81}}, "similarity", "target: 0.912, now 0.51234"),
        ({"similarity": {"reason": "not at hand"}}, "similarity", 'reason: "not at hand", now null'),
        ({"exhibit": {"exif": {"Make": "Another"}}}, "file", "exif: "),
        ({"network": {"networks_of_losses": []}}, "test set", "networks_of_losses: "),
        ({"network": {"reliability": {"reason": "", "recovery": [], "detection": []}}}, "test set", "recovery: "),
    ],
)
def test_what_the_report_says_of_file_and_network_is_measured_again(report, original, part, check, words):
    """Of a report that is not signed, all but the words of the case."""
    said = json.loads((report / "report.json").read_text())
    ((name, changed),) = part.items()
    _change(report / "report.json", **{name: changed if name == "similarity" else said[name] | changed})
    _cover(report)
    checks = _checks(report, original)
    assert _failed(checks) == {check} and words in checks[check][1]


def test_what_cannot_be_measured_here_is_not_checked(report, original, tmp_path):
    made = Path(shutil.copytree(original, tmp_path / "made"))
    network = json.loads((made / "report.json").read_text())["network"]
    measured = network["reliability"] | {"file_sha256": "00" * 32, "recovery": []}
    changed = {"similarity": {"reason": "not at hand"}, "network": network | {"reliability": measured}}
    _change(made / "report.json", **changed)
    checks = _checks(report, made)
    assert not _failed(checks)
    assert checks["similarity"] == (None, "not measured again: not at hand")
    assert checks["test set"][0] is None and "another results.json than that at hand" in checks["test set"][1]


def test_a_changed_page_is_caught(report, original):
    page = report / "report.html"
    page.write_text(page.read_text().replace("0.451", "0.951"))
    sealing.seal(report, None)
    checks = _checks(report, original)
    assert _failed(checks) == {"pages"} and "report.html: not what the records say" in checks["pages"][1]


def test_pages_that_another_state_of_the_package_drew_are_not_called_changed(report, original, monkeypatch):
    """Of one version there are many, from a repository."""
    other = (report / "report.html").read_text(encoding="utf-8").replace("In plain words", "In short")
    (report / "report.html").write_text(other, encoding="utf-8")
    sealing.seal(report, None)
    assert _failed(_checks(report, original)) == {"pages"}
    monkeypatch.setattr(write, "_of_sources", lambda: "another")
    checks = _checks(report, original)
    assert not _failed(checks) and checks["pages"][0] is None and "now another" in checks["pages"][1]


@pytest.mark.parametrize(("field", "check"), [("network_sha256", "weights"), ("config_sha256", "config")])
def test_another_network_is_caught(report, original, field, check):
    checks = _checks(report, original, network=_network(**{field: "00" * 32}))
    assert _failed(checks) == {check} and "00" * 32 in checks[check][1]
    assert checks["made again"] == (None, "not made again: it is another network")


def test_another_config_in_the_report_is_caught(report, original):
    (report / "config.json").write_text("{}")
    _cover(report)
    assert _failed(_checks(report, original)) == {"config"}


def test_a_report_of_another_exhibit_is_caught(report, original, tmp_path):
    other = io.BytesIO()
    Image.new("RGB", (64, 48)).save(other, format="PNG")
    checks = _checks(report, original, Expected(_sha256(other.getvalue())))
    assert _failed(checks) == {"exhibit"} and "the file named" in checks["exhibit"][1]
    strange = made_up.result(other.getvalue())
    (report / "result.json").write_text(json.dumps(strange))
    _cover(report)
    assert _failed(_checks(report, original)) == {"exhibit"}


def test_a_forged_signature_is_caught(signed, original, key, tmp_path):
    public = key.public_key().public_bytes_raw()
    good = _checks(signed, signed, Expected(None, public))
    assert good["signature"][0] is True and not _failed(good)
    assert "whose that is nobody said" in _checks(signed, signed)["signature"][1]
    forged = Path(shutil.copytree(signed, tmp_path / "forged"))
    _change(forged / "result.json", mean_map=0.9)
    _cover(forged)
    checks = _checks(forged, signed, Expected(None, public))
    assert _failed(checks) == {"signature"} and "does not hold" in checks["signature"][1]
    other = Ed25519PrivateKey.generate()
    sealing.seal(forged, other)  # signed once more, by whoever changed it
    checks = _checks(forged, signed, Expected(None, public))
    assert _failed(checks) == {"signature"} and "and not by" in checks["signature"][1]
    assert _failed(_checks(forged, signed)) == {"signature"}, "report.json names the first key"
    (forged / "signature.json").unlink()
    assert "there is none" in _checks(forged, signed)["signature"][1]
    assert _failed(_checks(original, original, Expected(None, public))) == {"signature"}


def test_a_file_more_or_less_is_caught(report, original):
    (report / "more.txt").write_text("more")
    assert "more.txt is not in manifest.json" in _checks(report, original)["files"][1]
    sealing.seal(report, None)
    assert not _failed(_checks(report, original)), "a note that was sealed in is no picture"
    (report / "map.png").unlink()
    assert "map.png is missing" in _checks(report, original)["files"][1]
    sealing.seal(report, None)
    assert _failed(_checks(report, original)) >= {"pages"}


def test_a_picture_that_was_not_made_is_caught(report, original):
    shutil.copyfile(report / "map.png", report / "proof.png")
    sealing.seal(report, None)
    checks = _checks(report, original)
    assert _failed(checks) == {"pictures"} and "proof.png: was not made" in checks["pictures"][1]


def test_a_working_copy_outside_the_report_is_not_read(report, original):
    record = json.loads((report / "report.json").read_text())
    record["exhibit"]["copy"] = "../swap/../../etc/hostname"
    (report / "report.json").write_text(json.dumps(record))
    _cover(report)
    checks = _checks(report, original)
    assert "exhibit" in _failed(checks) and "is not in the report" in checks["exhibit"][1]


def test_records_and_pictures_that_make_no_page_are_said(tmp_path, original):
    """Whatever drawing them raises, which is no ValueError for each of these."""
    folder = made_up.report(tmp_path / "r", search=True)
    search = json.loads((folder / "trace" / "search.json").read_text())
    search["rankings"][0]["log10_lr_bounds"][1] = 1e308
    (folder / "trace" / "search.json").write_text(json.dumps(search))
    checks = _checks(folder, original)
    assert checks["pages"][0] is False and "do not make a report (OverflowError" in checks["pages"][1]
    bomb = io.BytesIO()
    Image.new("1", (20_000, 15_000)).save(bomb, format="PNG")
    (folder / "trace" / "search.json").write_text(json.dumps(made_up.SEARCH))
    (folder / "map.png").write_bytes(bomb.getvalue())
    checks = _checks(folder, original)
    assert checks["pages"][0] is False and "do not make a report (ImageError: " in checks["pages"][1]


def test_a_record_that_is_a_pipe_is_not_waited_for(report, original):
    (report / "report.json").unlink()
    os.mkfifo(report / "report.json")
    with pytest.raises(ValueError, match="report.json: cannot be read .it is a pipe"):
        _checks(report, original)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"seed": -1}, "seed -1"),
        ({"seed": "7"}, 'seed "7"'),
        ({"num_seeds": 10**12}, "num_seeds 1000000000000"),
        ({"batch_size": 10**9}, "batch_size 1000000000"),
        ({"crop": "else"}, 'crop "else"'),
        ({"force": 1}, "force 1"),
        ({"estimate_visible": "yes"}, 'estimate_visible "yes"'),
    ],
)
def test_options_that_no_command_gives_are_not_tried(tmp_path, options, words):
    """Or a report could have whoever checks it compute for ever, or fill the memory."""
    folder = made_up.report(tmp_path / "r", said_fields={"options": options})
    network = rerun.Network(tmp_path / "nowhere", contents.read(folder))
    with pytest.raises(ConfigError, match=f"made with options that this version does not know .{words}"):
        network.recover_again(contents.read(folder), tmp_path)


@pytest.mark.parametrize("asked", [0, "3", None, True])
def test_frames_that_no_command_asks_for_are_not_tried(of_video, tmp_path, asked):
    folder = Path(shutil.copytree(of_video, tmp_path / "clip"))
    _change(folder / "result.json", frames_asked=asked)
    network = rerun.Network(tmp_path / "nowhere", contents.read(folder))
    with pytest.raises(
        ConfigError, match=f"this version does not know .frames_asked {json.dumps(asked)}, best_asked 2"
    ):
        network.sampling()


@pytest.mark.parametrize("broken", ["{", "[]", '{"files": 3}'])
def test_what_is_no_manifest_is_said(report, original, broken):
    (report / "manifest.json").write_text(broken)
    assert "manifest.json cannot be read" in _checks(report, original)["files"][1]


def test_what_is_no_report_is_refused(tmp_path, original):
    with pytest.raises(ValueError, match="report.json: cannot be read"):
        _checks(tmp_path, original)
    for file, field in (("report.json", "exhibit"), ("report.json", "options"), ("result.json", "checkpoint_step")):
        folder = Path(shutil.copytree(original, tmp_path / field))
        _change(folder / file, **{field: "else"})
        with pytest.raises(ValueError, match=f"{file}: has no {field}"):
            _checks(folder, original)
