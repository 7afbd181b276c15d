"""Evaluation and recovery in the workdir of a training that saves at every step: neither harms the other."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from dfrec_jax.runs.checkpoint import Checkpoints

REPOSITORY = Path(__file__).parents[2]
CONFIG = """
from tests import tiny

def get_config():
    config = tiny.config()
    config.checkpoint.every, config.checkpoint.keep = 1, 2
    return config
"""
STEPS = 150  # of a start; one that has taken them is started again for as many more
DFREC = ("-c", "from dfrec_jax import cli; cli.main()")

pytestmark = pytest.mark.slow


def test_ten_recoveries_and_three_evaluations(tmp_path):
    (tmp_path / "config.py").write_text(CONFIG)
    workdir = tmp_path / "run"
    environment = {
        **os.environ,
        "PYTHONPATH": str(REPOSITORY),
        "JAX_PLATFORMS": "cpu",
        "JAX_COMPILATION_CACHE_DIR": str(tmp_path / "programs"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }

    def run(*arguments):
        return subprocess.run(
            [sys.executable, *map(str, arguments)], cwd=REPOSITORY, env=environment, capture_output=True, text=True
        )

    assert run(*DFREC, "draw", "--out", tmp_path / "faces").returncode == 0
    picture = sorted((tmp_path / "faces").glob("*.png"))[0]
    is_read, trainings = threading.Event(), []

    def keep_training():
        while not is_read.is_set():
            steps = STEPS * (len(trainings) + 1)
            command = ("train.py", f"--config={tmp_path / 'config.py'}", f"--workdir={workdir}")
            trainings.append(run(*command, f"--config.train.num_steps={steps}"))
            if trainings[-1].returncode:
                return

    training = threading.Thread(target=keep_training)
    training.start()
    try:
        while not Checkpoints(workdir).steps():
            assert training.is_alive(), trainings
            time.sleep(0.1)
        seen = []
        for number in range(13):
            before = Checkpoints(workdir).steps()[0]
            if number % 4 == 3:
                done = run("evaluate.py", f"--workdir={workdir}", "--checkpoint=newest")
            else:
                out = tmp_path / f"recovered-{number}"
                done = run(*DFREC, "recover", picture, "--workdir", workdir, "--out", out, "--checkpoint=newest")
            assert done.returncode == 0, done.stderr
            seen.append((before, Checkpoints(workdir).steps()[0]))
            assert training.is_alive(), trainings
    finally:
        is_read.set()
        training.join()
    print("newest step before and after each reader:", *seen)
    for done in trainings:
        assert done.returncode == 0, done.stderr
    assert Checkpoints(workdir).steps()[0] == STEPS * len(trainings)
    assert not (workdir / "torn_checkpoints").exists()
    assert sum(after > before for before, after in seen) >= 10  # it did save meanwhile
