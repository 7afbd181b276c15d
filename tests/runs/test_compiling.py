"""What is said while XLA compiles."""

import pytest

from dfrec_jax.runs import compiling


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (59.6, "00:01:00"),
        (3661, "01:01:01"),
        (24 * 3600 - 1, "23:59:59"),
        (30 * 3600, "1 d 06:00:00"),
        (float("nan"), "unknown"),
    ],
)
def test_a_duration_of_days_says_so(seconds, words):
    assert compiling.duration(seconds) == words


def test_it_is_said_once_before_and_once_after(capsys):
    with compiling.said("the network"):
        assert capsys.readouterr().err == "compiling the network ...\n"
    assert capsys.readouterr().err == "compiled in 00:00:00\n"
    with compiling.said("the network", False):
        pass
    assert capsys.readouterr().err == ""
