"""Where a host finds the others, and that what the first process decides, all hear of."""

import os
import sys

import pytest

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.runs import hosts
from dfrec_jax.runs.errors import TornError
from dfrec_jax.runs.roll_call import Place


class _Two:
    """Two processes in turn: what the first broadcasts, the second receives."""

    def __init__(self, monkeypatch):
        self.index, self.sent, self.received = 0, [], []
        monkeypatch.setattr(hosts.jax, "process_count", lambda: 2)
        monkeypatch.setattr(hosts.jax, "process_index", lambda: self.index)
        monkeypatch.setattr(hosts.multihost_utils, "broadcast_one_to_all", self.broadcast)

    def broadcast(self, value):
        if self.index == 0:
            self.sent.append(value)
            return value
        theirs = self.sent[len(self.received)]
        assert (theirs.shape, theirs.dtype) == (value.shape, value.dtype)  # or a collective would hang
        self.received.append(theirs)
        return theirs

    def run(self, decide):
        outcomes = []
        for self.index in (0, 1):
            try:
                outcomes.append(hosts.first_decides(decide if self.index == 0 else _never))
            except Exception as error:
                outcomes.append(error)
        return outcomes


def _never():
    raise AssertionError("the second host decided too")


@pytest.mark.parametrize("value", [None, 3, ["grün", {"a": 1.5}]])
def test_all_hear_what_the_first_decides(monkeypatch, value):
    assert _Two(monkeypatch).run(lambda: value) == [value, value]


@pytest.mark.parametrize(
    ("error", "kind"), [(TornError("torn"), ValueError), (ConfigError("no"), ConfigError), (OSError(), RuntimeError)]
)
def test_all_hear_of_a_refusal(monkeypatch, error, kind):
    def refuse():
        raise error

    first, second = _Two(monkeypatch).run(refuse)
    assert first is error
    assert isinstance(second, kind) and str(second) == (str(error) or "OSError")


def test_one_process_decides_alone():
    assert hosts.first_decides(lambda: 5) == 5
    assert hosts.greatest(2) == 2


@pytest.fixture
def launched(monkeypatch):
    """The environment of a launcher and of nothing else."""

    def launched(**variables):
        for name in list(hosts.os.environ):
            if name.startswith(("SLURM", "OMPI", "JAX_COORDINATOR", "KUBERNETES")):
                monkeypatch.delenv(name)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    launched()
    return launched


SLURM = {"SLURM_JOB_ID": "40961", "SLURM_STEP_NODELIST": "node[003-006,9]", "SLURM_NTASKS": "5"}
SLURM |= {"SLURM_PROCID": "2", "SLURM_LOCALID": "1"}
OMPI = {"OMPI_MCA_orte_hnp_uri": "1531576320.0;tcp://10.96.0.1,10.148.0.1:34911", "OMPI_COMM_WORLD_SIZE": "4"}
OMPI |= {"OMPI_COMM_WORLD_RANK": "3", "OMPI_COMM_WORLD_LOCAL_RANK": "0"}


@pytest.mark.parametrize(
    ("variables", "place", "devices"),
    [
        (SLURM, Place("node003:61441", 5, 2), [1]),
        (SLURM | {"JAX_COORDINATOR_PORT": "29400"}, Place("node003:29400", 5, 2), [1]),
        (SLURM | {"JAX_COORDINATOR_ADDRESS": "other:1"}, Place("other:1", 5, 2), [1]),
        (OMPI, Place("10.96.0.1:62624", 4, 3), [0]),
    ],
)
def test_a_launcher_says_where_the_others_are(launched, variables, place, devices):
    launched(**variables)
    assert hosts.detected() == (place, devices)


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({}, "none of them is there); name the hosts by --coordinator=HOST:PORT --num_hosts=N --host=I"),
        ({"SLURM_JOB_ID": "1", "SLURM_NTASKS": "2"}, "SLURM_JOB_ID is set but SLURM_PROCID is not: start it by srun"),
        (SLURM | {"SLURM_NTASKS": "two"}, "cannot be read (invalid literal for int"),
        (SLURM | {"SLURM_PROCID": "5"}, "the cluster says that this is host 5 of 5"),
        ({"OMPI_MCA_orte_hnp_uri": "1.0;tcp://10.0.0.1:1"}, "cannot be read ('OMPI_COMM_WORLD_SIZE')"),
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, "Kubernetes (with the package kubernetes)"),
    ],
)
def test_a_launcher_that_says_too_little(launched, variables, words):
    launched(**variables)
    with pytest.raises(ConfigError) as refusal:
        hosts.detected()
    assert words in str(refusal.value) and "\n" not in str(refusal.value)


def test_a_person_says_where_the_others_are():
    assert hosts.asked("node001:29400", 2, 1) == Place("node001:29400", 2, 1)
    assert hosts.asked(None, None, None) is None


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("node001:1", None, None), "--coordinator=node001:1 without --num_hosts and --host: the three go together"),
        ((None, 2, 0), "--num_hosts=2 and --host=0 without --coordinator"),
        (("node001", 2, 0), "--coordinator=node001: must be HOST:PORT"),
        (("node001:1", 0, 0), "--num_hosts=0: must be 1 or more"),
        (("node001:1", 2, 2), "--host=2 with --num_hosts=2: hosts are numbered from 0 to 1"),
        (("node001:1", 2, -1), "--host=-1 with --num_hosts=2"),
    ],
)
def test_what_a_person_says_must_be_whole(given, words):
    with pytest.raises(ConfigError) as refusal:
        hosts.asked(*given)
    assert words in str(refusal.value)


@pytest.mark.parametrize(("names", "devices"), [(["a", "b"], None), (["a", "a"], [1])])
def test_a_process_alone_on_its_machine_has_all_its_devices(monkeypatch, launched, names, devices, capfd):
    """JAX gives one device to each process of Slurm and Open MPI, if there is but one on the machine too."""
    launched(**SLURM)
    calls = []

    class Roll:
        def watch(self):
            calls.append("watch")

        def end(self, error=""):
            calls.append(error)

    monkeypatch.setattr(hosts.muster, "muster", lambda place, work, silent_seconds: calls.append(work) or Roll())
    monkeypatch.setattr(hosts.jax.distributed, "initialize", lambda *given, **more: calls.append((given, more)))
    Roll.names, Roll.place = [*names, *"xyz"], Place("node003:61441", 5, 1)
    monkeypatch.setattr(hosts, "detected", lambda: (Roll.place, [1]))
    with hosts.together(hosts.Joining(silent_seconds=90), "train"):
        os.write(1, b"[Gloo] Rank 0 is connected\n")  # as C++ does
        print("a table")
    print("and more")
    sys.stdout.flush()
    assert capfd.readouterr() == ("a table\nand more\n", "[Gloo] Rank 0 is connected\n")
    assert calls[:2] == ["train", "watch"] and calls[3:] == [""]
    given, more = calls[2]
    assert given == Roll.place and more["local_device_ids"] == devices
    assert more["heartbeat_timeout_seconds"] == 180 and more["cluster_detection_method"] == "deactivate"


def test_a_host_that_fails_says_so_and_waits_for_nobody(monkeypatch, launched):
    said, slept = [], []
    monkeypatch.setattr(hosts, "_FAILED", [])
    monkeypatch.setattr(hosts.time, "sleep", slept.append)
    monkeypatch.setattr(hosts.jax.distributed, "initialize", lambda *_, **__: None)
    end = lambda _, *words: said.append(words)  # noqa: E731
    roll = type("Roll", (), {"names": ["a"], "watch": lambda _: None, "end": end})()
    monkeypatch.setattr(hosts.muster, "muster", lambda *_, **__: roll)
    joining = hosts.Joining(Place("a:1", 1, 0))
    with pytest.raises(OSError, match="full"), hosts.together(joining, ""):
        raise OSError("the disk\nis full")
    assert said == [("OSError: the disk is full", 2)] and hosts.is_alone() and not slept
    with pytest.raises(ValueError), hosts.together(joining, ""):
        raise ValueError("UNKNOWN: Gloo all-reduce failed: Connection reset by peer")
    assert slept == [2 * hosts.roll_call.ENDING_SECONDS]  # for the roll call to say who it was
    with pytest.raises(KeyboardInterrupt), hosts.together(joining, ""):
        raise KeyboardInterrupt
    assert [words[1] for words in said] == [2, os.EX_TEMPFAIL, os.EX_TEMPFAIL]  # what the same command need not meet
