"""The autoencoder of faces, as the training of another network takes it: to make harmonised warped swaps by."""

from typing import Any, NamedTuple

from ml_collections import ConfigDict

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.data.completion import ForgeRow, neural_forger
from dfrec_jax.runs import autoencoder
from dfrec_jax.runs.errors import CheckpointError


class NeuralSwaps(NamedTuple):
    """How they are made, and what a checkpoint's fingerprint says of it; nothing where the config has no share."""

    forge_row: ForgeRow | None
    fingerprint: dict[str, Any]


def load(config: ConfigDict) -> NeuralSwaps:
    """The one that `data.neural_network` names. Raises ConfigError where it is not there, or is of another task."""
    if not config.data.neural_share:
        return NeuralSwaps(None, {})
    try:
        network = autoencoder.load(config.data.neural_network)
    except CheckpointError as error:
        raise ConfigError(f"data.neural_network={config.data.neural_network!r}: {error}") from error
    return NeuralSwaps(neural_forger(network.autoencode(), network.size), {"neural_network": network.digest()})
