"""Two processes of two devices each find what one process of eight devices finds, and one of them writes."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.evaluation import on_hosts

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.slow
def test_two_hosts_find_what_one_finds(tmp_path):
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "JAX_PLATFORMS": "cpu", "JAX_NUM_CPU_DEVICES": "2"}
    command = [sys.executable, "-m", "tests.evaluation.on_hosts", str(port)]
    hosts = [
        subprocess.Popen(
            [*command, str(number), str(tmp_path / "two")],
            cwd=REPOSITORY,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(2)
    ]
    one = on_hosts.found(tmp_path / "one")
    outputs = [host.communicate(timeout=300) for host in hosts]
    assert [host.returncode for host in hosts] == [0, 0], [errors for _, errors in outputs]
    for output, _ in outputs:  # each host knows everything
        two = json.loads(output.splitlines()[-1])
        assert two["people"] == one["people"] and two["recovered"] == one["recovered"] == 2
        assert two["values"].keys() == one["values"].keys() and two["figures"].keys() == one["figures"].keys()
        for name, values in one["values"].items():
            np.testing.assert_allclose(two["values"][name], values, rtol=1e-5, atol=1e-6, err_msg=name)
        for name, value in one["figures"].items():
            assert two["figures"][name] == pytest.approx(value, rel=1e-5, abs=1e-7), name
        for attack, rows in one["panels"].items():
            np.testing.assert_allclose(two["panels"][attack], rows, rtol=1e-5)
    assert "compiling" in outputs[0][1] and "compiling" not in outputs[1][1]
    files = [sorted(path.name for path in (tmp_path / name).rglob("*.npz")) for name in ("one", "two")]
    assert files[0] == files[1] == ["000000.npz", "000001.npz"]
    for name in files[0]:
        contents = [np.load(next((tmp_path / hosts).rglob(name))) for hosts in ("one", "two")]
        for field in contents[0]:
            is_float = contents[0][field].dtype.kind == "f"  # sums of float32 in vectors of other lengths
            np.testing.assert_allclose(contents[1][field], contents[0][field], 1e-5 * is_float, err_msg=field)
