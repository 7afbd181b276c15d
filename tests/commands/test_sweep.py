"""`dfrec sweep`: parts, a dry run, the table at the end, and how it ends."""

import os

import pytest

from dfrec_jax import cli
from dfrec_jax.commands import evaluate as evaluation
from dfrec_jax.commands import sweep
from dfrec_jax.config.errors import ConfigError
from dfrec_jax.training import run

BASE = ("--base", "configs/quickstart.py")
FIVE = """
from dfrec_jax.config.sweeps import Sweep, SweptRun

def get_sweep(argument, base):
    return Sweep(tuple(SweptRun(f"seed{number}", {"seed": number}) for number in range(5)), argument)
"""


@pytest.fixture
def called(monkeypatch):
    """Trainings and tables that are asked for; those that end in `ends` do so."""
    made = {"trained": [], "tables": [], "ends": {}}

    def train(config, workdir):
        made["trained"].append(workdir.name)
        end = made["ends"].get(workdir.name, True)
        if isinstance(end, Exception):
            raise end
        return end

    def evaluate(workdirs, table, figure, out, protocol):
        assert not figure
        made["tables"].append((workdirs, table, out))
        return "| a table |"

    monkeypatch.setattr(run, "train", train)
    monkeypatch.setattr(evaluation, "tables_and_figures", evaluate)
    return made


@pytest.fixture
def ended(tmp_path):
    """The status of a sweep of five runs into `t` and table 6."""
    (tmp_path / "five.py").write_text(FIVE)

    def run(*words, runs=None):
        with pytest.raises(SystemExit) as end:
            cli.main(["sweep", runs or f"{tmp_path}/five.py:6", *BASE, "--out", str(tmp_path / "t"), *words])
        return end.value.code

    return run


def test_every_run_is_trained_and_the_table_made_of_them(tmp_path, called, ended, capsys):
    assert ended() == 0
    assert called["trained"] == [f"seed{number}" for number in range(5)]
    assert called["tables"] == [([f"{tmp_path}/t/seed{number}" for number in range(5)], "6", f"{tmp_path}/t")]
    said = capsys.readouterr()
    assert "| a table |" in said.out and "python evaluate.py --table=6 --runs=" in said.err


def test_parts_train_every_run_once_and_make_no_table(called, ended, capsys):
    for part in ("1/2", "2/2"):
        assert ended("--only", part) == 0
    assert called["trained"] == ["seed0", "seed2", "seed4", "seed1", "seed3"] and not called["tables"]
    assert "the same command without --only makes the table" in capsys.readouterr().err


@pytest.mark.parametrize("only", ["0/3", "4/3", "1", "a/b", "1/0", "/"])
def test_a_part_that_is_none_is_refused(only):
    with pytest.raises(ConfigError, match=f"--only={only}: must be I/N, from 1/N to N/N"):
        sweep.part_of([], only)


def test_a_dry_run_lists_what_would_be_trained_and_trains_nothing(tmp_path, called, ended, capsys):
    assert ended("--dry_run", runs="configs/sweeps/tables.py:6") == 0
    said = capsys.readouterr().out
    assert "dfrec_leak0-10_without_fusion: to train, 150 steps" in said and "tirm.fusion='none'" in said
    assert said.endswith("12 runs, 12 of them to train\n")
    assert not called["trained"] and not called["tables"] and not (tmp_path / "t").exists()


def test_a_failed_run_is_named_and_the_table_is_made_of_the_others(called, ended, capsys):
    called["ends"]["seed1"] = OSError(28, "No space left on device")
    assert ended() == 2
    assert len(called["trained"]) == 5 and len(called["tables"][0][0]) == 4
    assert "error: seed1: [Errno 28] No space left" in capsys.readouterr().err


def test_a_sweep_that_is_told_to_stop_ends_as_a_training_does(called, ended):
    called["ends"]["seed1"] = False
    assert ended() == os.EX_TEMPFAIL
    assert called["trained"] == ["seed0", "seed1"] and not called["tables"]


def test_bad_input_is_one_line_and_status_2(called, ended, capsys):
    assert ended("--set", "train.num_steps=0") == 2
    assert capsys.readouterr().err == "error: seed0: train.num_steps=0: must be 1 or more\n"
    assert not called["trained"]
