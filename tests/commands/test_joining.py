"""The flags that say which of several hosts this is."""

import pytest
from absl import flags

from dfrec_jax.commands import joining
from dfrec_jax.config.errors import ConfigError
from dfrec_jax.runs.roll_call import Place


@pytest.fixture
def asked():
    def asked(*words):
        known = flags.FLAGS
        before = {name: known[name].value for name in ("distributed", "coordinator", "num_hosts", "host", "lost_after")}
        try:
            known(["train.py", *words])
            return joining.asked()
        finally:
            for name, value in before.items():
                known[name].value = value

    return asked


WHOLE = ("--coordinator=node001:29400", "--num_hosts=2", "--host=1")


def test_one_host_alone_and_hosts_of_a_cluster(asked):
    assert asked() is None
    assert asked("--distributed").place is None and asked("--distributed").silent_seconds == 60
    by_hand = asked("--distributed", *WHOLE, "--lost_after=5")
    assert by_hand == (Place("node001:29400", 2, 1), 5.0)


@pytest.mark.parametrize(
    ("words", "refusal"),
    [
        (WHOLE, "--coordinator=node001:29400 and --num_hosts=2 and --host=1: goes with --distributed"),
        (("--lost_after=5",), "--lost_after=5.0: goes with --distributed"),
        (("--distributed", *WHOLE[:2]), "without --host"),
        (("--distributed", *WHOLE, "--lost_after=1"), "--lost_after=1: must be 2 or more seconds"),
        (("--distributed", "--lost_after=inf"), "--lost_after=inf: must be"),
    ],
)
def test_flags_that_do_not_go_together(asked, words, refusal):
    with pytest.raises(ConfigError) as refused:
        asked(*words)
    assert refusal in str(refused.value)
