"""How far the recovered faces have moved from the exhibit's, by a recogniser that took no part in training."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict

from dfrec_jax.forensics.recovery import RECOVERED, Recovery
from dfrec_jax.frozen.network import FrozenNetwork
from dfrec_jax.perceptors import loss_networks
from dfrec_jax.weights.rules import WeightsError

Similarity = Callable[[Recovery], dict[str, Any]]


def similarity_for(
    config: ConfigDict, load_network: Callable[[str, ConfigDict], FrozenNetwork], *, ahead: bool = False
) -> Similarity:
    """What measures a recovery: cosines of identity of `target` and `source` with the exhibit's face, or a `reason`.

    The network is loaded at once; it is compiled with the first recovery, or, `ahead`, at once too.
    """
    metric = config.frozen.metric
    if metric in loss_networks(config).values():
        return _because(f"the recogniser of this run's metric, {metric}, is one of its losses")
    try:
        network = load_network(metric, config)
    except WeightsError as error:
        return _because(str(error))
    embed = jax.jit(lambda network, pictures, landmarks: network(pictures, landmarks)["embedding"])
    if ahead:
        size = config.image_size
        embed(network, np.zeros((3, size, size, 3), np.float32), np.full((3, 5, 2), np.nan, np.float32))

    def measure(recovery: Recovery) -> dict[str, Any]:
        if recovery.status != RECOVERED or recovery.framed is None or recovery.made is None:
            return {"reason": "nothing was recovered"}
        if network.needs_landmarks and recovery.framed.face is None:
            return {"reason": f"{metric} aligns faces by landmarks, and none are known"}
        faces = [recovery.framed.pixels.astype(np.float32) / 255]
        faces += [np.asarray(each) for each in (recovery.made.output.target_face, recovery.made.output.source_face)]
        landmarks = np.repeat(recovery.framed.landmarks[None], len(faces), axis=0)
        exhibit, target, source = np.asarray(embed(network, np.stack(faces), landmarks), np.float64)
        return {"target": float(exhibit @ target), "source": float(exhibit @ source)}

    return measure


def _because(reason: str) -> Similarity:
    return lambda recovery: {"reason": reason}
