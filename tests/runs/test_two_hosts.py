"""Two processes that share a workdir restore the same step, are refused together, and move nothing aside in error."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]

pytestmark = pytest.mark.slow


def test_two_hosts_begin_alike(tmp_path):
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "JAX_PLATFORMS": "cpu", "JAX_NUM_CPU_DEVICES": "2"}
    environment.pop("XLA_FLAGS", None)
    hosts = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.runs.two_hosts", str(port), str(number), str(tmp_path / "run")],
            cwd=REPOSITORY,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(2)
    ]
    outputs = [host.communicate(timeout=300) for host in hosts]
    assert [host.returncode for host in hosts] == [0, 0], [errors for _, errors in outputs]
    met = [json.loads(output.splitlines()[-1]) for output, _ in outputs]
    for begun in met:
        fresh, after_tearing, other_seed, out_of_memory, resumed, again, listing = begun
        assert fresh is None
        assert after_tearing == [2, 2.0]
        assert other_seed.startswith("ConfigError: ") and "seed: 0 -> 1" in other_seed
        assert out_of_memory.startswith("CheckpointError: ")
        assert (resumed, again) == ([2, 2.0], [3, 3.0])
        assert listing == ["checkpoints", "config.json", "torn_checkpoints", "training.lock"]
    assert "could not be restored on another host" in met[0][3] and "MemoryError: no room" in met[1][3]
    assert sorted(os.listdir(tmp_path / "run" / "torn_checkpoints")) == ["3-0"]
    assert sorted(os.listdir(tmp_path / "run" / "checkpoints")) == ["1", "2", "3"]
    assert "moved to" in outputs[0][1] and "moved to" not in outputs[1][1]
