"""`train.py --distributed` on two hosts of a Slurm job is the run of one host, which can go on with it."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from dfrec_jax.runs import trained

REPOSITORY = Path(__file__).parent.parent
CONFIG = """
from tests import tiny

def get_config():
    config = tiny.config()
    config.train.num_steps = 3
    return config
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """Starts train.py on so many hosts, all of them this one; programs are compiled once for all of them."""
    folder = tmp_path_factory.mktemp("hosts")
    (folder / "config.py").write_text(CONFIG)
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "JAX_PLATFORMS": "cpu"}
    environment |= {
        "JAX_COMPILATION_CACHE_DIR": str(folder / "programs"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }
    environment |= {"SLURM_JOB_ID": "40961", "SLURM_STEP_NODELIST": "localhost", "SLURM_LOCALID": "0"}

    def start(workdir, *overrides, num_hosts):
        command = [sys.executable, "train.py", f"--config={folder}/config.py", f"--workdir={workdir}", *overrides]
        command += ["--distributed"] * (num_hosts > 1)
        return [
            subprocess.Popen(
                command,
                cwd=REPOSITORY,
                env={**environment, "SLURM_NTASKS": str(num_hosts), "SLURM_PROCID": str(number)},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            for number in range(num_hosts)
        ]

    return start


@pytest.fixture(scope="module")
def train(start):
    """Runs train.py to the end on so many hosts, all of them this one."""

    def run(workdir, *overrides, num_hosts):
        hosts = start(workdir, *overrides, num_hosts=num_hosts)
        said = [host.communicate(timeout=900)[0] for host in hosts]
        assert [host.returncode for host in hosts] == [0] * num_hosts, "\n\n".join(said)
        return trained.load(workdir, which="newest")

    return run


def _records(workdir):
    return [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]


def test_two_hosts_train_what_one_does_and_one_goes_on_where_they_stopped(train, tmp_path):
    one = train(tmp_path / "one", num_hosts=1)
    two = train(tmp_path / "two", num_hosts=2)
    assert two.step == one.step == 3
    losses = [[record["loss"] for record in _records(tmp_path / name) if "loss" in record] for name in ("one", "two")]
    assert len(losses[1]) == 3  # one host writes
    np.testing.assert_allclose(*losses, rtol=2e-3)  # Adam's first steps magnify sums in another order
    further = train(tmp_path / "two", "--config.train.num_steps=4", num_hosts=1)
    assert further.step == 4


LONG = ("--config.train.num_steps=40", "--config.checkpoint.every=1000")


@pytest.mark.parametrize("attempt", range(10))
def test_sigterm_to_one_of_two_hosts_stops_both_after_one_step_with_one_checkpoint(start, train, tmp_path, attempt):
    """At another moment each time; the run then goes on to the end."""
    workdir = tmp_path / "run"
    hosts = start(workdir, *LONG, num_hosts=2)
    wanted = 3 * attempt  # lines of the log that are waited for; none: while it compiles
    while (workdir / "metrics.jsonl").exists() is False or len(_records(workdir)) < wanted:
        assert all(host.poll() is None for host in hosts), "it ended before it was told to"
        time.sleep(0.002)
    hosts[attempt % 2].send_signal(signal.SIGTERM)
    said = [host.communicate(timeout=300)[0] for host in hosts]
    assert [host.returncode for host in hosts] == [os.EX_TEMPFAIL] * 2, said
    assert "told to stop by SIGTERM" in said[attempt % 2]
    (checkpoint,) = [path.name for path in (workdir / "checkpoints").iterdir() if path.name.isdecimal()]
    steps = {int(found) for text in said for found in re.findall(r"stopped after step (\d+)", text)}
    assert steps == {int(checkpoint)} and wanted <= int(checkpoint) < 40
    print(f"attempt {attempt}: both stopped after step {checkpoint}")
    assert train(workdir, *LONG, num_hosts=2).step == 40
