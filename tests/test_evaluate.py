"""`evaluate.py` on two hosts finds what one finds, and killed it goes on where it was."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import jax
import numpy as np
import pytest

from dfrec_jax.models import dfrec
from dfrec_jax.runs import stored_config
from dfrec_jax.runs.saving import CheckpointWriter
from tests import tiny

REPOSITORY = Path(__file__).parent.parent

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """Starts evaluate.py on a workdir of random weights; programs are compiled once for all of them."""
    folder = tmp_path_factory.mktemp("evaluation")
    config = tiny.config()
    config.data.test_examples = 48

    def make(name):
        workdir = folder / name
        if not workdir.exists():
            shapes = dfrec.variable_shapes(dfrec.build(config), config.image_size)
            rng = np.random.default_rng(1)
            nested = {}
            for path, shape in shapes.items():
                *parents, leaf = path.split("/")
                inner = nested
                for parent in parents:
                    inner = inner.setdefault(parent, {})
                inner[leaf] = np.abs(rng.normal(size=shape, scale=0.1)).astype(np.float32)
            workdir.mkdir()
            with CheckpointWriter(workdir) as writer:
                writer.save(3, {"variables": jax.tree.map(jax.numpy.asarray, nested)}, {})
            stored_config.save(workdir, config)
        return workdir

    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "JAX_PLATFORMS": "cpu"}
    environment |= {
        "JAX_COMPILATION_CACHE_DIR": str(folder / "programs"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }

    def start(name, num_hosts=1):
        with socket.socket() as free:
            free.bind(("localhost", 0))
            port = free.getsockname()[1]
        workdir, hosts = make(name), []
        for number in range(num_hosts):
            where = [f"--coordinator=localhost:{port}", f"--num_hosts={num_hosts}", f"--host={number}"]
            command = [sys.executable, "evaluate.py", f"--workdir={workdir}"]
            command += ["--distributed", *where] if num_hosts > 1 else []
            hosts.append(
                subprocess.Popen(
                    command,
                    cwd=REPOSITORY,
                    # As many rows a device: sums over another number of rows end in other digits.
                    env={**environment, "JAX_NUM_CPU_DEVICES": str(2 // num_hosts)},
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                )
            )
        return workdir, hosts

    return start


def _ended(hosts):
    outputs = [host.communicate(timeout=600) for host in hosts]
    assert [host.returncode for host in hosts] == [0] * len(hosts), outputs
    return outputs


def _records(workdir):
    return json.loads((workdir / "results" / "results.json").read_text())["records"]


@pytest.fixture(scope="module")
def one(start):
    workdir, hosts = start("one")
    return workdir, _ended(hosts)


def test_two_hosts_find_what_one_finds_and_the_first_prints(start, one):
    workdir, hosts = start("two", num_hosts=2)
    outputs = _ended(hosts)
    assert outputs[0][0] == one[1][0][0] and outputs[1][0] == "", "the same table to the digit, once"
    got, want = _records(workdir), _records(one[0])
    assert len(got) == len(want) > 10
    differing = [(a, b) for a, b in zip(got, want, strict=True) if a != b]
    print(f"{len(want)} records, of which {len(differing)} differ: {differing[:2]}")
    assert not differing
    assert not (workdir / "results" / "unfinished").exists()


@pytest.mark.parametrize("num_hosts", [1, 2])
def test_killed_it_goes_on_where_it_was(start, one, num_hosts):
    workdir, hosts = start(f"killed on {num_hosts}", num_hosts)
    while not list(workdir.glob("results/unfinished/*/*.npz")):
        assert all(host.poll() is None for host in hosts)
        time.sleep(0.001)
    hosts[-1].kill()
    for host in hosts:
        host.communicate(timeout=60)
    assert hosts[-1].returncode == -signal.SIGKILL and not (workdir / "results" / "results.json").exists()
    _, hosts = start(f"killed on {num_hosts}", 1)
    ((_, said),) = _ended(hosts)
    assert "of 6 batches were measured before, and are not again" in said
    assert _records(workdir) == _records(one[0])
