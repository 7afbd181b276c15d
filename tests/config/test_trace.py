"""The config of the trace head."""

import pytest

from configs import trace as shipped
from dfrec_jax.config import tasks, trace
from dfrec_jax.config.errors import ConfigError


def _config(**changes):
    config = shipped.get_config()
    config.data.dir = "prepared"
    config.update_from_flattened_dict(changes)
    return config.copy_and_resolve_references()


def test_the_shipped_config_is_valid_and_added_fields_have_defaults():
    trace.validate(_config())
    earlier = _config()
    del earlier.trace["margin"]
    assert tasks.with_added_fields(earlier).trace.margin == trace.trace().trace.margin


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"trace.width": 0}, "trace.width=0"),
        ({"trace.pictures": 1}, "trace.pictures=1.*the one that was swapped is left out"),
        ({"trace.dropout": 1.0}, "trace.dropout=1.0.*below 1"),
        ({"trace.reference_cosine": (0.0, 1.0)}, "trace.reference_cosine"),
        ({"trace.untold": 1.5}, "trace.untold=1.5.*between 0 and 1"),
        ({"data.dataset": "embedded", "data.recorded_share": None, "data.bi_share": 0.0}, "a drawn person has one"),
        ({"data.photograph_share": 0.2}, "it learns from swaps"),
        ({"train.initialise": "runs/full"}, "from the start"),
    ],
)
def test_what_cannot_be_run_is_refused(changes, words):
    with pytest.raises(ConfigError, match=words):
        trace.validate(_config(**changes))
