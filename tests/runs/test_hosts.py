"""What the first process decides, all hear of."""

import pytest

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.runs import hosts
from dfrec_jax.runs.errors import TornError


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
