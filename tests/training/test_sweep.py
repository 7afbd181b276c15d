"""What a sweep trains: what is there is skipped, what was begun goes on, what fails is named and stops nothing."""

import pytest

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.runs import stored_config
from dfrec_jax.runs.errors import CheckpointError
from dfrec_jax.training import run, sweep
from tests import tiny

LEAKS = {"a": (0.0, 0.1), "b": (0.1, 0.25), "c": (0.25, 0.4)}


def configs(**changes):
    made = {}
    for name, leak in LEAKS.items():
        made[name] = tiny.config()
        made[name].data.leak, made[name].train.num_steps = leak, 5
        made[name].update(changes)
    return made


def begun(out, name, step):
    stored_config.save(out / name, configs()[name])
    (out / name / "checkpoints" / str(step) / "meta").mkdir(parents=True)


@pytest.fixture
def trained(monkeypatch):
    """Trainings that do nothing, end at once, and of which some fail or are told to stop."""
    calls, answers = [], {}

    def train(config, workdir):
        calls.append(workdir.name)
        answer = answers.get(workdir.name, True)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(run, "train", train)
    return calls, answers


@pytest.fixture(autouse=True)
def _folders(tmp_path, monkeypatch):
    monkeypatch.setattr(stored_config.whole, "write_json", _write_json(stored_config.whole.write_json))


def _write_json(write):
    def made(path, *arguments, **options):
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, *arguments, **options)

    return made


def test_finished_runs_are_skipped_and_a_run_under_way_goes_on(tmp_path, trained, capsys):
    begun(tmp_path, "a", 5)
    begun(tmp_path, "b", 3)
    planned = sweep.plan(configs(), tmp_path)
    assert [one.state() for one in planned] == [
        "finished at step 5", "goes on from step 3 of 5", "to train, 5 steps",
    ]  # fmt: skip
    outcome = sweep.train(planned)
    assert trained[0] == ["b", "c"] and not outcome.failed and not outcome.is_stopped
    assert [one.name for one in outcome.finished] == ["a", "b", "c"]
    assert "[2/3] b: goes on from step 3 of 5" in capsys.readouterr().err


def test_a_run_that_fails_is_named_and_the_next_one_begins(tmp_path, trained, capsys):
    trained[1].update(a=CheckpointError("a is torn"), b=RuntimeError("out of memory\nand so on"))
    outcome = sweep.train(sweep.plan(configs(), tmp_path))
    assert trained[0] == ["a", "b", "c"] and [one.name for one in outcome.finished] == ["c"]
    assert outcome.failed == {"a": "a is torn", "b": "RuntimeError: out of memory"}
    said = capsys.readouterr().err
    assert "a failed: a is torn" in said and "Traceback" in said and "and so on" in said


def test_a_sweep_that_is_told_to_stop_begins_no_other_run(tmp_path, trained):
    trained[1]["b"] = False
    outcome = sweep.train(sweep.plan(configs(), tmp_path))
    assert trained[0] == ["a", "b"] and outcome.is_stopped and [one.name for one in outcome.finished] == ["a"]


def refused(out, message, **changes):
    with pytest.raises(ConfigError, match=message):
        sweep.plan(configs(**changes), out)


def test_a_folder_that_holds_other_runs_is_refused_before_anything_is_trained(tmp_path):
    begun(tmp_path, "b", 3)
    refused(tmp_path, "--out=.* holds another sweep: .*b/config.json .* .seed: 0 -> 1.", seed=1)
    begun(tmp_path, "c", 9)
    refused(tmp_path, "--out=.* holds another sweep: .*c is at step 9, beyond train.num_steps=5")
    stored_config.save(tmp_path / "b", tiny.config())
    (tmp_path / "b" / "config.json").rename(tmp_path / "config.json")
    refused(tmp_path, "is the workdir of a single training")
    refused(tmp_path / "config.json", "is a file; name a folder")


def test_a_config_that_cannot_be_run_and_two_that_are_one_are_refused(tmp_path):
    refused(tmp_path, "a: image_size=40: must be a multiple of 16", image_size=40)
    same = configs()
    same["c"].data.leak = same["a"].data.leak
    with pytest.raises(ConfigError, match="a and c would be the same run"):
        sweep.plan(same, tmp_path)


def test_a_damaged_run_does_not_keep_the_others_from_training(tmp_path, trained):
    begun(tmp_path, "a", 3)
    (tmp_path / "a" / "config.json").write_text("{")
    sweep.train(sweep.plan(configs(), tmp_path))
    assert trained[0] == ["a", "b", "c"], "its own training says what is wrong"
