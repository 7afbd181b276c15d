"""`train.py --distributed` on two hosts of a Slurm job is the run of one host, which can go on with it."""

import json
import os
import subprocess
import sys
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
def train(tmp_path_factory):
    """Runs train.py to the end on so many hosts, all of them this one."""
    folder = tmp_path_factory.mktemp("hosts")
    (folder / "config.py").write_text(CONFIG)
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "JAX_PLATFORMS": "cpu"}
    environment.pop("XLA_FLAGS", None)  # of the suite: eight devices a process
    environment |= {"SLURM_JOB_ID": "40961", "SLURM_STEP_NODELIST": "localhost", "SLURM_LOCALID": "0"}

    def run(workdir, *overrides, num_hosts):
        command = [sys.executable, "train.py", f"--config={folder}/config.py", f"--workdir={workdir}", *overrides]
        command += ["--distributed"] * (num_hosts > 1)
        hosts = [
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
        for host in hosts:
            said, _ = host.communicate(timeout=900)
            assert host.returncode == 0, said
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
