"""The host that the others wait for is named."""

import numpy as np
import pytest

from dfrec_jax.runs import hosts
from dfrec_jax.training import slow_hosts
from dfrec_jax.training.slow_hosts import SlowHosts, slow


@pytest.fixture(autouse=True)
def _four(monkeypatch):
    monkeypatch.setattr(hosts, "_NAMES", ["a", "b", "c", "d"])
    monkeypatch.setattr(slow_hosts.jax, "process_count", lambda: 4)


def test_one_whose_input_is_late():
    found = slow([0.01, 0.02, 0.75, 0.0], [0.005, 0.005, 0.004, 0.005])
    assert list(found) == [2]
    assert found[2].startswith("host 2 of 4 (c) is slow: it waited for input 75% of the time, the others 2% at most")


def test_one_whose_device_is_slow():
    found = slow([0.01, 0.02, 0.03, 0.0], [0.005, 0.0049, 0.0052, 0.012])
    assert list(found) == [3] and "host 3 of 4 (d) is slow: its device takes 2.4 times as long" in found[3]


@pytest.mark.parametrize(
    ("waited", "products"),
    [
        ([0.0, 0.09, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0]),  # too little to matter
        ([0.5, 0.6, 0.55, 0.9], [1.0, 1.4, 1.0, 1.1]),  # all of them: the loader is slow, and no host
    ],
)
def test_hosts_that_are_alike(waited, products):
    assert slow(waited, products) == {}


def test_it_is_said_once_by_the_first_host_and_kept(monkeypatch, capsys):
    now, gathered = [0.0], []
    monkeypatch.setattr(slow_hosts, "make_product", lambda: lambda: 0.005)
    monkeypatch.setattr(slow_hosts.jax, "process_index", lambda: 0)

    def gather(own):
        gathered.append(own.tolist())
        late = 0.8 if len(gathered) in (1, 3, 4, 5) else 0.0  # the first may be chance
        return np.array([own, [late, 0.005], own, own], np.float32)

    monkeypatch.setattr(slow_hosts.multihost_utils, "process_allgather", gather)
    comparing = SlowHosts(clock=lambda: now[0])
    kept = []
    for step, waited in ((50, 1.0), (100, 1.5), (150, 1.5), (200, 1.5), (250, 1.5)):
        now[0] += 10
        kept.append(comparing.compare(step, waited))
    np.testing.assert_allclose(np.array(gathered)[:, 0], [0.1, 0.05, 0, 0, 0], atol=1e-6)
    assert kept[0]["input_by_host"] == [0.1, 0.8, 0.1, 0.1] and kept[0]["product_by_host"] == [0.005] * 4
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("step 200: host 1 of 4 (b) is slow: it waited for input 80% of the time")


def test_one_host_alone_is_compared_with_nobody(monkeypatch):
    monkeypatch.setattr(slow_hosts.jax, "process_count", lambda: 1)
    assert SlowHosts().compare(50, 3.0) == {}


def test_the_product_takes_a_moment_on_one_device_of_this_host(monkeypatch):
    monkeypatch.setattr(slow_hosts.jax, "process_count", lambda: 1)
    assert 0 < slow_hosts.make_product()() < 2
