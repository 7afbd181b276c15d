"""How the programs end: status 2 and one line for bad input."""

import subprocess
import sys
from pathlib import Path

import pytest

from dfrec_jax import cli

REPOSITORY = Path(__file__).parent.parent


def _run(script, *arguments):
    return subprocess.run(
        [sys.executable, script, *arguments], cwd=REPOSITORY, capture_output=True, text=True, timeout=120
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--config=configs/quickstart.py", "--config.loss.patches=1"], "patches"),
        (["--config=configs/quickstart.py", "--config.train.batch_size=many"], "many"),
        (
            ["--config=configs/quickstart.py", "--config.tirm.mask_ratio=2"],
            "tirm.mask_ratio=2.0: must be between 0 and 1",
        ),
        (["--config=configs/quickstart.py:large"], "takes no argument"),
        (["--config=configs/nowhere.py"], "nowhere"),
        (["--config=configs/quickstart.py", "--config.frozen.metric=vgg"], "vgg"),
        (["--conf=configs/quickstart.py"], "conf"),
    ],
)
def test_train_refuses_bad_input(tmp_path, arguments, words):
    workdir = tmp_path / "run"
    ended = _run("train.py", f"--workdir={workdir}", *arguments)
    assert ended.returncode == 2, ended.stderr
    assert words in ended.stderr
    assert ended.stderr.rstrip().splitlines()[-1].startswith("error: ")
    assert not workdir.exists()


def test_evaluate_refuses_a_missing_workdir(tmp_path):
    ended = _run("evaluate.py", f"--workdir={tmp_path / 'nowhere'}")
    assert ended.returncode == 2
    assert "there is no config.json in it" in ended.stderr


def test_draw_writes_pictures(tmp_path, capsys):
    with pytest.raises(SystemExit) as end:
        cli.main(["draw", "--out", str(tmp_path), "--count", "2", "--size", "32"])
    assert end.value.code == 0
    assert capsys.readouterr().out.split() == [str(tmp_path / f"test-{i:04d}.png") for i in range(2)]
    with pytest.raises(SystemExit) as end:
        cli.main(["draw", "--out", str(tmp_path / "none"), "--count", "0"])
    assert end.value.code == 2
    assert not (tmp_path / "none").exists()


def test_a_reader_that_has_had_enough_is_no_error():
    listing = subprocess.Popen(
        [sys.executable, "-c", "from dfrec_jax import cli; cli.main(['weights', 'list'])"],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    listing.stdout.close()
    assert listing.stderr.read() == ""
    assert listing.wait(timeout=120) == cli.BROKEN_PIPE
    listing.stderr.close()


@pytest.mark.parametrize(("arguments", "is_heard"), [((), False), (("--verbosity=0",), True)])
def test_libraries_speak_only_when_asked(arguments, is_heard):
    program = "from absl import logging; from dfrec_jax import cli; cli.run_app(lambda argv: logging.info('a page'))"
    ended = subprocess.run([sys.executable, "-c", program, *arguments], cwd=REPOSITORY, capture_output=True, text=True)
    assert ended.returncode == 0
    assert ("a page" in ended.stderr) == is_heard
