"""`dfrec serve`: what it refuses, that it ends clean, and, slow, that it listens soon and leaves nothing."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image

from dfrec_jax import cli
from dfrec_jax.commands import recover, serve
from dfrec_jax.config.errors import ConfigError
from dfrec_jax.forensics.serve import page
from dfrec_jax.forensics.serve.server import Server
from dfrec_jax.reports import provenance
from tests import tiny_run


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    return tiny_run.make(tmp_path_factory.mktemp("run"), map_bias=2.0)


def _dfrec(*words):
    with pytest.raises(SystemExit) as end:
        cli.main([str(word) for word in words])
    return end.value.code


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """The folder of temporary files of this test alone."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("words", "refusal"),
    [
        (["--port", "65536"], "--port=65536: must be from 0 to 65535"),
        (["--max-mib", "0"], "--max-mib=0: must be 1 or more"),
        (["--seed", "-1"], "--seed=-1: must be from 0 to"),
        (["--workdir", "nowhere"], "--workdir=nowhere: there is no config.json in it"),
    ],
)
def test_bad_words_are_refused_before_it_listens(workdir, temporary, capsys, words, refusal):
    assert _dfrec("serve", "--workdir", workdir, *words) == 2
    assert refusal in capsys.readouterr().err and not list(temporary.iterdir())


def test_a_port_that_is_taken_is_refused_and_nothing_is_left(workdir, temporary, capsys, monkeypatch):
    monkeypatch.setattr(serve, "prepared", lambda said, say: None)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert _dfrec("serve", "--workdir", workdir, "--port", port) == 2
    words = f"--host=127.0.0.1 --port={port}: cannot be listened on (Address already in use); name another port"
    assert words in capsys.readouterr().err and not list(temporary.iterdir())


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_by_a_signal_and_leaves_nothing(workdir, temporary, capsys, monkeypatch, end):
    monkeypatch.setattr(serve, "prepared", lambda said, say: None)
    monkeypatch.setattr(Server, "serve_forever", lambda self: os.kill(os.getpid(), end) or time.sleep(10))
    before = signal.getsignal(signal.SIGTERM)
    assert _dfrec("serve", "--workdir", workdir, "--host", "127.0.0.2") == 0
    out, err = capsys.readouterr()
    assert out.startswith("http://127.0.0.2:") and "others can reach it" in err
    assert not list(temporary.iterdir()) and signal.getsignal(signal.SIGTERM) is before


def test_a_network_that_cannot_be_used_ends_it_with_its_error(workdir, temporary, capsys, monkeypatch):
    def fail(said, say):
        raise ConfigError("--assume swap: this network takes every picture for a swap")

    monkeypatch.setattr(serve, "prepared", fail)
    assert _dfrec("serve", "--workdir", workdir) == 2
    assert "error: --assume swap: this network takes" in capsys.readouterr().err and not list(temporary.iterdir())


def test_who_is_seen_is_told_the_network_and_said_on_the_page(workdir, temporary, capsys):
    words = _words(workdir, "--visible", "refs/ann.png", "b.png")
    assert recover._told(serve._words_of_recover(words)) == ["refs/ann.png", "b.png"]
    about = {"network": "`tiny`, on <faces>", "assume": "", "visible": []}
    said = page.html(about | {"visible": ["ann.png", "<b>.png"]}, 1 << 20)
    assert "Network <code>tiny</code>, on &lt;faces&gt;." in said and "taken to be a face swap" not in said
    assert "the person of <code>ann.png</code>, <code>&lt;b&gt;.png</code>" in said
    assert "who is seen" not in page.html(about, 1 << 20)
    assert "taken to be a face swap, whatever" in page.html(about | {"assume": "swap"}, 1 << 20)
    assert _dfrec("serve", "--workdir", workdir, "--visible", "ann.png") == 2
    assert "error: --visible: this network (tirm.identity_width=0) cannot be told" in capsys.readouterr().err
    assert not list(temporary.iterdir())


def test_a_picture_gets_the_report_of_its_case_and_time(workdir, tmp_path, monkeypatch):
    said = serve._words_of_recover(_words(workdir))
    steps = []
    recovered = serve.prepared(said, steps.append)
    assert steps == ["being restored", "being compiled"]
    picture = tmp_path / "a.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(picture)
    for number in "12":
        monkeypatch.setattr(provenance, "now", lambda number=number: f"at {number}")
        case = dict.fromkeys(("operator", "acquisition", "legal_basis", "authorisation"), "")
        folder, refusal = recovered(picture, tmp_path / number, case | {"case_number": number})
        assert refusal == "" and (folder / "report.pdf").is_file()
        said = json.loads((folder / "report.json").read_text())
        assert said["case"]["case_number"] == number and said["made"]["time"] == f"at {number}"
    picture.write_bytes(b"no picture")
    folder, refusal = recovered(picture, tmp_path / "3", {})
    assert folder is None and refusal.startswith("a.png: cannot be read as a picture"), "no path of this machine"
    video = picture.rename(tmp_path / "a.mp4")
    folder, refusal = recovered(video, tmp_path / "4", {})
    assert (
        folder is None and refusal == "a.mp4: is a video by its name; `dfrec recover` takes videos, this page pictures"
    )


def _words(workdir, *more):
    import argparse

    parser = argparse.ArgumentParser()
    serve.add_parser(parser.add_subparsers())
    return parser.parse_args(["serve", "--workdir", str(workdir), *more])


LONGEST_START = 5.0  # seconds, of a core of its own; twice that is waited for


@pytest.mark.slow
def test_it_listens_soon_recovers_and_leaves_nothing(workdir, tmp_path):
    began = time.monotonic()
    command = [sys.executable, "-c", "from dfrec_jax import cli; cli.main()", "serve", "--workdir", str(workdir)]
    environment = {**os.environ, "TMPDIR": str(tmp_path), "JAX_PLATFORMS": "cpu"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment) as program:
        assert program.stdout is not None
        address = urlsplit(program.stdout.readline().decode().strip())
        assert time.monotonic() - began < 2 * LONGEST_START
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", address.port, timeout=60)) as connection:
            picture = tmp_path / "a.png"
            Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(picture)
            connection.request("POST", f"{address.path}pictures?name=a.png", picture.read_bytes())
            number = json.loads(connection.getresponse().read())["job"]
            while True:
                connection.request("GET", f"{address.path}jobs/{number}")
                said = json.loads(connection.getresponse().read())
                if said["state"] in ("done", "refused"):
                    break
                time.sleep(0.1)
            assert said["state"] == "done" and "report.pdf" in said["files"], said["words"]
        assert list(tmp_path.glob("dfrec-serve-*"))
        program.send_signal(signal.SIGTERM)
        assert program.wait(60) == 0
    assert not list(tmp_path.glob("dfrec-serve-*"))
