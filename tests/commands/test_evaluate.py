"""What evaluate.py's flags ask for: those that do not go together."""

import pytest

from dfrec_jax.commands import evaluate as evaluation
from dfrec_jax.config.errors import ConfigError
from dfrec_jax.evaluation.request import Request


def test_flags_that_do_not_go_together(tmp_path):
    for flags in (("", "", "1", "", False, ""), ("a", "b", "", "7", False, ""), ("", "", "", "", False, "")):
        with pytest.raises(ConfigError, match="exactly one of them"):
            evaluation.asked(*flags, Request())
    with pytest.raises(ConfigError, match="--runs=a: goes with a table"):
        evaluation.asked("", "a", "", "", False, "", Request())
    for runs in ("a,", ",", "a,,b"):
        with pytest.raises(ConfigError, match=f"--runs={runs}: an empty name"):
            evaluation.asked("", runs, "1", "", False, "", Request())
    with pytest.raises(ConfigError, match="--out=a: goes with a table"):
        evaluation.asked("w", "", "", "", False, "a", Request())
    with pytest.raises(ConfigError, match="--render-only: wants --out=DIR"):
        evaluation.asked("w", "", "1", "", True, "a", Request())
