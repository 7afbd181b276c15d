"""SIGTERM and Ctrl-C are heard at once, and acted on when the step is done."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import jax

from dfrec_jax.config import defaults
from dfrec_jax.training import sharding, stopping

BUSY = """
import hashlib
from dfrec_jax.training import stopping
with stopping.stop_signal() as stop:
    print("ready", flush=True)
    hashlib.pbkdf2_hmac("sha256", b"", b"", 10**8)  # a minute without the interpreter's lock, as a compilation is
"""


def test_told_to_stop_it_says_so_at_once_and_goes_on(capfd):
    before = [signal.getsignal(number) for number in stopping.HANDLED]
    with stopping.stop_signal() as stop:
        assert not stop.is_set
        os.kill(os.getpid(), signal.SIGTERM)
        deadline = time.monotonic() + 10
        while not stop.is_set and time.monotonic() < deadline:
            time.sleep(0.01)
        assert stop.is_set
    assert [signal.getsignal(number) for number in stopping.HANDLED] == before
    assert "told to stop by SIGTERM" in capfd.readouterr().err


def _busy():
    """A process inside one long call, in which no handler of Python's runs."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.Popen(
        [sys.executable, "-c", BUSY], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    assert process.stdout.readline() == "ready\n"
    return process


def test_a_word_comes_while_the_interpreter_is_busy_and_a_second_ctrl_c_ends_it():
    process = _busy()
    process.send_signal(signal.SIGINT)
    assert "told to stop by SIGINT" in process.stderr.readline()
    assert process.poll() is None, "it had ended before it could be told twice"
    process.send_signal(signal.SIGINT)
    said, errors = process.communicate(timeout=60)
    assert (process.returncode, said) == (stopping.ENDED_BY_CTRL_C, "")
    assert "ended at once" in errors


def test_one_host_follows_its_own_signal_at_once():
    mesh = sharding.make_mesh(defaults.dfrec().mesh)
    stop = stopping.Stop()
    is_told = stopping.make_agreement(stop, mesh)
    assert not is_told()
    stop.is_set = True
    assert is_told()


def test_hosts_agree_one_step_later(monkeypatch):
    mesh = sharding.make_mesh(defaults.dfrec().mesh)
    stop = stopping.Stop()
    monkeypatch.setattr(jax, "process_count", lambda: 2)  # only which way is taken; the devices are those of one
    is_told = stopping.make_agreement(stop, mesh)
    assert [is_told(), is_told()] == [False, False]
    stop.is_set = True
    assert [is_told(), is_told(), is_told()] == [False, True, True]
