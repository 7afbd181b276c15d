"""A host that is lost or fails ends the others, which say who it was."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
# Joined by no JAX: only who is there. What a host does then is the last argument.
HOST = """
import os, sys, time
from dfrec_jax.runs import muster, roll_call
from dfrec_jax.runs.roll_call import Place
roll_call.ENDING_SECONDS = 1.0
port, number, num_hosts, deed = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
roll = muster.muster(Place(f"localhost:{port}", num_hosts, number), silent_seconds=2.0)
roll.watch()
print("there", flush=True)
if deed == "works":
    time.sleep(60)
elif deed == "fails":
    time.sleep(0.5)
    roll.end("CheckpointError: the disk is full", status=2)
    os._exit(2)
elif deed == "is interrupted":
    time.sleep(0.5)
    roll.end("KeyboardInterrupt: ")
    os._exit(130)
elif deed == "ends":
    roll.end()
    time.sleep(1)
else:
    time.sleep(60)
"""


@pytest.fixture
def start():
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    started = []

    def start(*deeds):
        for number, deed in enumerate(deeds):
            command = [sys.executable, "-c", HOST, str(port), str(number), str(len(deeds)), deed]
            process = subprocess.Popen(
                command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
            started.append(process)
        for process in started:
            assert process.stdout.readline() == "there\n", process.stderr.read()
        return started

    yield start
    for process in started:
        process.kill()
        process.communicate()


def _said(process, seconds=10):
    said = process.communicate(timeout=seconds)[1]
    return process.returncode, said


@pytest.mark.parametrize("victim", [0, 1])
def test_a_killed_host_is_named_by_all_others(start, victim):
    hosts = start("works", "works", "works")
    began = time.monotonic()
    hosts[victim].kill()
    for number in {0, 1, 2} - {victim}:
        status, said = _said(hosts[number])
        assert status == os.EX_TEMPFAIL and said.count("\n") == 1
        assert said.startswith(f"error: host {victim} of 3 ({socket.gethostname()}) is lost: its process ended without")
        assert f"this is host {number} of 3" in said and "goes on from the last checkpoint" in said
    assert time.monotonic() - began < 4


def test_a_host_that_falls_silent_is_lost(start):
    hosts = start("works", "works")
    hosts[1].send_signal(__import__("signal").SIGSTOP)
    status, said = _said(hosts[0])
    assert status == os.EX_TEMPFAIL and "host 1 of 2" in said and "nothing was heard of it for" in said


@pytest.mark.parametrize("failing", [0, 1])
def test_a_host_that_fails_says_why_and_no_scheduler_starts_the_others_again(start, failing):
    hosts = start(*("fails" if number == failing else "works" for number in range(3)))
    for number in {0, 1, 2} - {failing}:
        status, said = _said(hosts[number], 15)
        assert status == 2 and "Once that is mended, the same command" in said
        assert f"host {failing} of 3 ({socket.gethostname()}) ended: CheckpointError: the disk is full; this is" in said


def test_an_interrupted_host_ends_the_others_as_a_lost_one_does(start):
    assert _said(start("works", "is interrupted")[0], 15)[0] == os.EX_TEMPFAIL


def test_hosts_that_fail_alike_or_end_say_nothing(start):
    assert [_said(host)[0] for host in start("fails", "fails")] == [2, 2]


def test_hosts_that_are_at_their_end_say_nothing(start):
    assert [_said(host) for host in start("ends", "ends", "ends")] == [(0, "")] * 3
