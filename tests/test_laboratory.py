"""What examiners run, `recover`, `verify`, `trace` and `serve`, without the packages of training and the network."""

import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tests import tiny_run
from tests.tracing import drawn

ABSENT = ("grain", "array_record", "tensorflow", "tensorflow_datasets")
COMMANDS = """
import http.client, importlib.abc, json, os, signal, sys, threading, time
from pathlib import Path
from urllib.parse import urlsplit

folder, absent = Path(sys.argv[1]), sys.argv[2:]


class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in absent:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


sys.meta_path.insert(0, Absent())
asked = []


def deny_the_network(event, given):
    if event in ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"):
        where = given[1] if event in ("socket.connect", "socket.sendto") else given
        if isinstance(where, tuple) and where[0] not in ("127.0.0.1", "localhost"):
            asked.append((event, str(where)))
            raise ConnectionRefusedError(f"{event}: {where}")


sys.addaudithook(deny_the_network)

from dfrec_jax import cli


def dfrec(*words):
    try:
        cli.main([str(word) for word in words])
    except SystemExit as end:
        assert end.code == 0, f"dfrec {words[0]} ended with {end.code}"


dfrec("recover", folder / "photo.png", "--workdir", folder / "run", "--out", folder / "out", "--report")
dfrec("verify", folder / "out" / "photo", "--no-rerun")  # once more is what is served below
dfrec("trace", "index", folder / "people", "--out", folder / "gallery", "--recogniser", "embedded-b")
dfrec("trace", "search", folder / "out" / "photo", "--gallery", folder / "gallery", "--out", folder / "found")

reading, writing = os.pipe()
sys.stdout = os.fdopen(writing, "w")
states = []


def drop_a_picture():
    address = urlsplit(os.fdopen(reading).readline().strip())
    connection = http.client.HTTPConnection("127.0.0.1", address.port, timeout=60)
    connection.request("POST", f"{address.path}pictures?name=a.png", (folder / "photo.png").read_bytes())
    job = json.loads(connection.getresponse().read())["job"]
    while not states or states[-1] not in ("done", "refused"):
        time.sleep(0.1)
        connection.request("GET", f"{address.path}jobs/{job}")
        states.append(json.loads(connection.getresponse().read())["state"])
    os.kill(os.getpid(), signal.SIGTERM)


visitor = threading.Thread(target=drop_a_picture)
visitor.start()
dfrec("serve", "--workdir", folder / "run")
visitor.join()
assert states[-1] == "done", states
there = [name for name in absent if name in sys.modules]
assert not there, there
assert not asked, asked
"""


@pytest.mark.slow
def test_what_examiners_run_needs_no_package_of_training_and_asks_nobody(tmp_path):
    tiny_run.make(tmp_path / "run", map_bias=2.0)
    pixels = np.random.default_rng(0).integers(0, 256, (40, 32, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    drawn.write_people(tmp_path / "people", names=("ada", "ben"))
    compiled_once = {
        "JAX_COMPILATION_CACHE_DIR": str(tmp_path / "compiled"), "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1", "JAX_PLATFORMS": "cpu",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", COMMANDS, tmp_path, *ABSENT],
        env=os.environ | compiled_once, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "photo" / "report.pdf").exists() and (tmp_path / "found").is_dir()
