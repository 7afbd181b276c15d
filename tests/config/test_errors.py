"""How a refusal words its options."""

import pytest

from dfrec_jax.config.errors import ConfigError, Option, as_arguments, typed


def test_options_are_typed_and_within_python_they_are_arguments():
    parts = Option("checkpoint", 7, "which"), ": is not there; leave ", Option("crop"), " out"
    error = ConfigError(*parts)
    assert str(error) == typed(error) == "--checkpoint=7: is not there; leave --crop out"
    with pytest.raises(ConfigError) as refused, as_arguments():
        raise error
    assert str(refused.value) == "which='7': is not there; leave crop out"
    assert typed(refused.value) == "--checkpoint=7: is not there; leave --crop out"


def test_an_error_of_plain_words_stays_as_it_is():
    with pytest.raises(ConfigError, match="^seed=1: no$") as refused, as_arguments():
        raise ConfigError("seed=1: no")
    assert typed(refused.value) == "seed=1: no" and typed(OSError("full")) == "full"
