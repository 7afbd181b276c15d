"""`dfrec runs show`: what it prints of a run's files."""

import json

import pytest
from PIL import Image

from dfrec_jax import cli
from dfrec_jax.commands import runs
from dfrec_jax.runs import stored_config
from tests import tiny


@pytest.fixture
def workdir(tmp_path):
    folder = tmp_path / "run"
    for step, score in ((2, 0.25), (4, 0.5), (6, 0.125)):
        (folder / "checkpoints" / str(step) / "metrics").mkdir(parents=True)
        (folder / "checkpoints" / str(step) / "metrics" / "metrics").write_text(json.dumps({"idsim": score}))
    config = tiny.config()
    config.name, config.train.num_steps = "tiny", 8
    stored_config.save(folder, config)
    lines = [{"step": step, "loss": 8.0 - step} for step in range(1, 7)]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    lines = [
        {"step": 0, "time": 10.0, "seconds": {"starting": 10.0}, "from": 0},
        {"step": 6, "time": 100.0, "seconds": {"stepping": 60.0, "input": 30.0}},
    ]
    (folder / "timing.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def _files(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _show(*words):
    with pytest.raises(SystemExit) as ended:
        cli.main(["runs", "show", *map(str, words)])
    return ended.value.code


def test_a_person_reads_time_best_and_curves_and_nothing_is_written(workdir, tmp_path, capsys):
    before = _files(workdir)
    assert _show(workdir, "--curves", tmp_path / "curves.png") == 0
    said = capsys.readouterr().out
    assert "tiny: step 6 of 8 (" in said and "best: step 4, idsim 0.5000" in said
    assert "00:01:40 of 1 process, 60.0% of it in steps that count" in said
    bar = next(line for line in said.splitlines() if line.startswith("  input"))
    assert bar.count("█") == 12 and "30.0%  00:00:30  waiting for input" in bar
    assert "loss  █▇▅▄▂▁" in said and "7 -> 2" in said
    assert _files(workdir) == before
    with Image.open(tmp_path / "curves.png") as picture:
        assert picture.width == 1280


def test_json_holds_the_same(workdir, capsys):
    assert _show(workdir, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["best"] == {"step": 4, "idsim": 0.5} and found["checkpoints"] == [2, 4, 6]
    assert found["time"]["total"] == found["time"]["clock"] == 100 and found["time"]["goodput"] == 0.6
    assert found["time"]["seconds"]["stepping"] == 60 and found["curves"]["loss"][0] == [1, 7.0]
    assert not found["is_at_its_end"]


def test_a_run_that_has_only_begun(workdir, capsys):
    (workdir / "metrics.jsonl").unlink()
    (workdir / "timing.jsonl").unlink()
    assert _show(workdir) == 0
    said = capsys.readouterr().out
    assert "no step is logged yet" in said and "where its time went is not known" in said


def test_what_is_refused(workdir, tmp_path, capsys):
    assert _show(tmp_path) == 2
    assert "there is no config.json in it" in capsys.readouterr().err
    assert _show(workdir, "--curves=curves.pdf") == 2
    assert "--curves=curves.pdf: must end in .png" in capsys.readouterr().err
    (workdir / "metrics.jsonl").write_text("[1]\n")
    assert _show(workdir, f"--curves={tmp_path}/c.png") == 2
    assert "line 1 is no line of a run's" in capsys.readouterr().err and not (tmp_path / "c.png").exists()


def test_curves_are_means_of_as_many_values():
    assert runs.drawn([0.0, 1.0]) == "▁█" and runs.drawn([0.0, 1.0], is_plain=True) == "09"
    assert runs.drawn([3.0, 3.0]) == "▁▁" and runs.drawn([float("nan"), 1.0]) == "?▁"
    assert len(runs.drawn([float(i) for i in range(1000)])) == runs.CURVE
