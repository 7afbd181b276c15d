"""Hosts come together: who is missing, comes twice or was told otherwise is named, to all who came."""

import socket
import threading

import pytest

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.runs import muster
from dfrec_jax.runs.roll_call import Place, RollCall


@pytest.fixture
def coordinator():
    with socket.socket() as free:
        free.bind(("localhost", 0))
        return f"localhost:{free.getsockname()[1]}"


def _together(*calls):
    """What each of several hosts, threads here, gets or is refused with."""
    found = [None] * len(calls)

    def call(number):
        try:
            found[number] = calls[number]()
        except Exception as error:
            found[number] = error

    threads = [threading.Thread(target=call, args=(number,)) for number in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    for roll in found:
        if isinstance(roll, RollCall):
            roll.close()
    return found


def _host(coordinator, number, num_hosts=3, work="", seconds=10.0):
    return lambda: muster.muster(Place(coordinator, num_hosts, number), work, join_seconds=seconds)


def test_all_hear_the_names_of_all_in_any_order(coordinator, monkeypatch):
    names = iter(["a", "b", "c"])
    monkeypatch.setattr(muster.socket, "gethostname", lambda: next(names))
    rolls = _together(*(_host(coordinator, number) for number in (2, 1, 0)))
    assert sorted(rolls[0].names) == ["a", "b", "c"] and all(roll.names == rolls[0].names for roll in rolls)
    assert [roll.place.host for roll in rolls] == [2, 1, 0]


def test_who_is_missing_is_named_to_all(coordinator):
    first, third = _together(_host(coordinator, 0, 4, seconds=1.0), _host(coordinator, 2, 4))
    assert isinstance(first, ConfigError) and str(first) == str(third)
    assert "of 4 hosts 2 came to" in str(first) and "missing: 1, 3. Start them" in str(first)


def test_a_host_whose_patience_ends_before_the_first_ones_names_who_is_missing(coordinator):
    first, third = _together(_host(coordinator, 0, 4, seconds=4.0), _host(coordinator, 2, 4, seconds=2.0))
    assert "it runs, and still waits for hosts 1, 3. See that all of them run" in str(third)
    assert "missing: 1, 3" in str(first)


def test_a_first_host_that_is_not_there(coordinator):
    (alone,) = _together(_host(coordinator, 1, seconds=0.5))
    assert isinstance(alone, ConfigError)
    assert f"host 1 waited 0 s for host 0 at {coordinator}: Connection refused" in str(alone) or "waited 1 s" in str(
        alone
    )


@pytest.mark.parametrize(
    ("second", "words"),
    [
        ({"num_hosts": 4}, "was told of 2 hosts and host 1 ("),
        ({"work": "another config"}, ") was told to do something else than the first one"),
        ({"number": 0}, "cannot be listened at by the first host (Address already in use"),
    ],
)
def test_hosts_that_contradict_each_other(coordinator, second, words):
    told = {"number": 1, "num_hosts": 2, "seconds": 2.0} | second
    first, other = _together(_host(coordinator, 0, 2, seconds=2.0), _host(coordinator, **told))
    assert any(words in str(error) for error in (first, other))
    assert isinstance(first, ConfigError) and isinstance(other, ConfigError)


def test_two_hosts_of_one_number(coordinator):
    refused = _together(*(_host(coordinator, number) for number in (0, 1, 1)))
    assert all("both say that they are host 1 of 3" in str(error) for error in refused)


def test_a_stranger_at_the_port_is_no_host(coordinator):
    def stranger():
        for _ in range(200):
            try:
                with socket.create_connection(muster.split_address(coordinator)) as line:
                    line.sendall(b"GET / HTTP/1.0\r\n\r\n")
                    return line.recv(10)
            except OSError:
                muster.time.sleep(0.01)

    def later():
        muster.time.sleep(0.5)
        return _host(coordinator, 1, 2)()

    first, answer, second = _together(_host(coordinator, 0, 2), stranger, later)
    assert (answer, len(first.names), len(second.names)) == (b"", 2, 2)


@pytest.mark.parametrize("wrong", ["", "node", "node:", ":1", "node:0", "node:65536", "node:http", "::1:80"])
def test_an_address_is_a_host_and_a_port(wrong):
    with pytest.raises(ConfigError, match="must be HOST:PORT of the first host"):
        muster.split_address(wrong)
    assert muster.split_address("[::1]:80") == ("::1", 80)
    assert muster.split_address("node001:29400") == ("node001", 29400)
