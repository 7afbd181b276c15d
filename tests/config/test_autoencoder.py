"""The config of the autoencoder of faces."""

import pytest

from configs import autoencoder as shipped
from dfrec_jax.config import autoencoder, rules
from dfrec_jax.config.errors import ConfigError
from tests import tiny


def test_the_shipped_config_is_valid():
    config = shipped.get_config()
    config.data.dir = "prepared"
    autoencoder.validate(config.copy_and_resolve_references())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"autoencoder.size": 60}, "must be a multiple of 8"),
        ({"autoencoder.size": 16}, "autoencoder.size=16.*from 32 to 224"),
        ({"autoencoder.seams": 1.5}, "autoencoder.seams=1.5"),
        ({"data.jitter": 0.1, "data.noisy": 0.5}, "data.jitter=0.1, data.noisy=0.5 with task='autoencoder'.*use 0"),
        ({"data.photograph_share": 0.5}, "learns from photographs alone"),
        ({"data.dir": ""}, "name the folder that `dfrec prepare` wrote"),
    ],
)
def test_what_cannot_be_run_is_refused(changes, words):
    config = shipped.get_config()
    config.data.dir = "prepared"
    config.update_from_flattened_dict(changes)
    with pytest.raises(ConfigError, match=words):
        autoencoder.validate(config.copy_and_resolve_references())


@pytest.mark.parametrize(
    ("share", "network", "words"),
    [(0.2, "", "set both, or neither"), (0.0, "runs/a", "set both, or neither"), (0.2, "runs/a", "no 68 landmarks")],
)
def test_a_share_of_neural_swaps_needs_their_network_and_photographs(share, network, words):
    config = tiny.config()
    config.data.neural_share, config.data.neural_network = share, network
    with pytest.raises(ConfigError, match=words):
        rules.validate(config)
