"""One training at a time in a workdir."""

import errno
import fcntl
import os
import signal
import socket
import subprocess
import sys

import pytest

from dfrec_jax.runs import lock
from dfrec_jax.runs.errors import CheckpointError


def test_a_second_training_is_refused_by_the_name_of_the_first(tmp_path):
    holder = rf"process {os.getpid()} of {socket.gethostname()}, since "
    with lock.held(tmp_path / "run"):
        with pytest.raises(CheckpointError, match=f"another training is at work there .{holder}"):
            with lock.held(tmp_path / "run"):
                raise AssertionError("both hold it")
    with lock.held(tmp_path / "run"):  # it was let go
        pass


def test_an_error_lets_go(tmp_path):
    with pytest.raises(ZeroDivisionError), lock.held(tmp_path):
        raise ZeroDivisionError
    with lock.held(tmp_path):
        pass


HOLD = """
import sys, time
from dfrec_jax.runs import lock
with lock.held(sys.argv[1]):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_killed_training_lets_go(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", HOLD, tmp_path], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    with pytest.raises(CheckpointError, match=f"process {process.pid} of "), lock.held(tmp_path):
        pass
    process.send_signal(signal.SIGKILL)
    process.communicate()
    with lock.held(tmp_path):
        pass


def test_a_file_system_without_locks_is_said(tmp_path, monkeypatch, capsys):
    def flock(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", flock)
    with lock.held(tmp_path):
        pass
    assert "cannot be locked here (No locks available)" in capsys.readouterr().err


def test_a_workdir_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "run").write_text("")
    with pytest.raises(CheckpointError, match="--workdir=.*run: cannot be written to"), lock.held(tmp_path / "run"):
        pass


def test_a_full_disk_is_one_error_that_names_the_workdir(disk):
    with lock.held(disk.seen / "run"):
        pass
    disk.leave(0)
    with pytest.raises(CheckpointError, match="--workdir=.*run: cannot be written to: .*No space left on device"):
        with lock.held(disk.seen / "run"):
            pytest.fail("it is full")
    disk.empty()
    with lock.held(disk.seen / "run"):
        assert f"process {os.getpid()} of " in (disk.seen / "run" / lock.NAME).read_text()
