"""`train.py --distributed` is the run of one host: its batches, its curve, one writer; and a host may be lost."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from dfrec_jax.runs import trained
from dfrec_jax.training import loop, run
from tests import counting

REPOSITORY = Path(__file__).parent.parent
CONFIG = """
from tests import tiny

def get_config():
    config = tiny.config()
    config.train.num_steps = 3
    return config
"""


def _free_port():
    with socket.socket() as free:
        free.bind(("localhost", 0))
        return free.getsockname()[1]


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

    def start(workdir, *overrides, num_hosts, config=f"{folder}/config.py", devices=1, launcher="slurm"):
        command = [sys.executable, "train.py", f"--config={config}", f"--workdir={workdir}", *overrides]
        flags, variables = [[] for _ in range(num_hosts)], [{} for _ in range(num_hosts)]
        if num_hosts > 1:
            command += ["--distributed", "--lost_after=20"]
            port = _free_port()
            if launcher == "slurm":
                job = {"SLURM_JOB_ID": "40961", "SLURM_STEP_NODELIST": "localhost", "SLURM_LOCALID": "0"}
                job |= {"SLURM_NTASKS": str(num_hosts), "JAX_COORDINATOR_PORT": str(port)}
                variables = [job | {"SLURM_PROCID": str(number)} for number in range(num_hosts)]
            else:
                by_hand = [f"--coordinator=localhost:{port}", f"--num_hosts={num_hosts}"]
                flags = [[*by_hand, f"--host={number}"] for number in range(num_hosts)]
        of_devices = f"{environment.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={devices}"
        return [
            subprocess.Popen(
                command + flags[number],
                cwd=REPOSITORY,
                env={**environment, "XLA_FLAGS": of_devices, **variables[number]},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            for number in range(num_hosts)
        ]

    return start


@pytest.fixture(scope="module")
def train(start):
    """Runs train.py to the end on so many hosts, all of them this one; returns what they said."""

    def train(workdir, *overrides, num_hosts, **options):
        hosts = start(workdir, *overrides, num_hosts=num_hosts, **options)
        said = [host.communicate(timeout=900)[0] for host in hosts]
        assert [host.returncode for host in hosts] == [0] * num_hosts, "\n\n".join(said)
        return said

    return train


def _records(workdir):
    return [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]


def _losses(workdir):
    return [record["loss"] for record in _records(workdir) if "loss" in record]


COUNTED = [counting.loss_of(step) for step in range(1, 13)]


def test_a_host_is_killed_and_one_goes_on_with_the_same_batches(start, tmp_path, monkeypatch):
    workdir = tmp_path / "run"
    hosts = start(workdir, num_hosts=2, config="tests/counting.py:kill1", launcher="flags")
    said = [host.communicate(timeout=120)[0] for host in hosts]
    assert [host.returncode for host in hosts] == [os.EX_TEMPFAIL, -signal.SIGKILL], said
    assert f"error: host 1 of 2 ({socket.gethostname()}) is lost: its process ended without a word" in said[0]
    assert "this is host 0 of 2" in said[0] and "Traceback" not in said[0] and "Terminating" not in said[0]
    before = _losses(workdir)
    assert 2 <= len(before) < 5 and before == COUNTED[: len(before)]
    monkeypatch.setitem(run.TASKS, "dfrec", counting.Counting)
    assert loop.train(counting.Counting(counting.get_config()), workdir)
    assert _losses(workdir) == COUNTED, "every batch has the rows that it has on one host, and none is there twice"


@pytest.mark.slow
@pytest.mark.parametrize(("num_hosts", "devices", "launcher"), [(2, 1, "slurm"), (4, 2, "flags")])
def test_hosts_train_what_one_does_and_one_goes_on_where_they_stopped(train, tmp_path, num_hosts, devices, launcher):
    train(tmp_path / "one", num_hosts=1)
    said = train(tmp_path / "many", num_hosts=num_hosts, devices=devices, launcher=launcher)
    assert trained.load(tmp_path / "many", "newest").step == trained.load(tmp_path / "one", "newest").step == 3
    one, many = _losses(tmp_path / "one"), _losses(tmp_path / "many")
    assert len(many) == 3  # one host writes
    assert all("step 3/3" not in words for words in said[1:])  # and speaks
    np.testing.assert_allclose(one, many, rtol=2e-3)  # Adam's first steps magnify sums in another order
    print("losses of one host and of many:", one, many)
    train(tmp_path / "many", "--config.train.num_steps=4", num_hosts=1)
    assert trained.load(tmp_path / "many", "newest").step == 4


@pytest.mark.slow
@pytest.mark.parametrize(("num_hosts", "victim", "then"), [(4, 2, 2), (2, 0, 4), (4, 0, 1)])
def test_a_killed_host_ends_the_others_and_others_go_on(start, train, tmp_path, num_hosts, victim, then):
    workdir = tmp_path / "run"
    hosts = start(workdir, num_hosts=num_hosts, config=f"tests/counting.py:kill{victim}", launcher="flags")
    hosts[victim].wait(timeout=600)
    killed = time.monotonic()
    said = [host.communicate(timeout=60)[0] for host in hosts]
    took = time.monotonic() - killed
    statuses = [host.returncode for host in hosts]
    print(f"host {victim} of {num_hosts} killed; the others ended within {took:.1f} s, by {statuses}")
    assert took < 20 and statuses[victim] == -signal.SIGKILL
    for number in set(range(num_hosts)) - {victim}:
        assert statuses[number] == os.EX_TEMPFAIL or (victim == 0 and statuses[number] == -signal.SIGABRT), said[number]
        if statuses[number] == os.EX_TEMPFAIL:
            assert f"host {victim} of {num_hosts} ({socket.gethostname()}) is lost" in said[number], said[number]
    before = _losses(workdir)
    assert before == COUNTED[: len(before)] and len(before) < 12
    train(workdir, num_hosts=then, config="tests/counting.py", launcher="flags")
    assert _losses(workdir) == COUNTED


@pytest.mark.slow
@pytest.mark.parametrize("num_hosts", [2, 4])
def test_the_batches_are_the_same_on_any_number_of_hosts(train, tmp_path, num_hosts):
    said = train(tmp_path / "run", num_hosts=num_hosts, config="tests/counting.py", devices=8 // num_hosts)
    assert _losses(tmp_path / "run") == COUNTED and "waited for input" not in said[0]


@pytest.mark.slow
def test_a_slow_host_is_named(train, tmp_path):
    said = train(tmp_path / "run", "--config.train.log_every=3", num_hosts=2, config="tests/counting.py:slow1")
    named = re.findall(r"step (\d+): host (\d) of 2 .* is slow: it waited for input (\d+)%", said[0])
    assert named and {number for _, number, _ in named} == {"1"}, said[0]
    assert "is slow" not in said[1]


@pytest.mark.slow
def test_a_host_whose_data_cannot_be_read_ends_the_others_with_its_reason(start, tmp_path):
    hosts = start(tmp_path / "run", num_hosts=2, config="tests/counting.py:fail1", launcher="flags")
    said = [host.communicate(timeout=120)[0] for host in hosts]
    assert [host.returncode for host in hosts] == [2, 2], said
    assert said[1].splitlines()[-1] == "error: faces-train.array_record: Input/output error"
    assert "host 1 of 2" in said[0] and "ended: OSError: [Errno 5] Input/output error" in said[0]


LONG = ("--config.train.num_steps=40", "--config.checkpoint.every=1000")


@pytest.mark.slow
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
    train(workdir, *LONG, num_hosts=2)
    assert trained.load(workdir, "newest").step == 40
