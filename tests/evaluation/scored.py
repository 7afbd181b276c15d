"""Scores of random pictures by a network that is made up, for tests of what is measured."""

import jax.numpy as jnp
import numpy as np

from dfrec_jax.evaluation import scores, spread
from dfrec_jax.evaluation.table_metrics import ACCURACY, FID, QUALITY, REGION
from dfrec_jax.frozen.network import FrozenNetwork
from tests import tiny

SIZE = 8
METRICS = (FID, *QUALITY, *ACCURACY, *REGION)


def _apply(variables, images, landmarks):
    """Embedding, attributes and a rotation that depend on the picture."""
    means = images.mean(axis=(1, 2))
    corner = images[:, :3, :3, 0] + jnp.eye(3)[None]
    rotation, _ = jnp.linalg.qr(corner)
    flat = jnp.concatenate([means, images[:, ::16, ::16, 0].reshape(len(images), -1)], axis=-1) - 0.4
    unit = flat / jnp.linalg.norm(flat, axis=-1, keepdims=True)
    return {"embedding": unit, "pool3": flat, "attributes": flat, "rotation": rotation}


NETWORK = FrozenNetwork(variables={}, name="made up", apply=_apply, taps={})
NETWORKS = dict.fromkeys(("identity", "frechet", "attributes", "pose"), NETWORK)


def batch(num_valid: int = SIZE) -> dict[str, np.ndarray]:
    rows = np.arange(SIZE)
    ids = {"number": rows, "source_id": rows, "target_id": rows % 6, "is_valid": rows < num_valid}
    return {**tiny.batch(SIZE), **ids}


def measured(recovered, generated=None, batches=None, networks=NETWORKS, devices=None):
    measures = scores.Measures(METRICS, networks)
    make = scores.collection(measures)
    devices = devices or spread.over_all_devices(SIZE)
    total = make.empty()
    for one in batches or [batch()]:
        truth = scores.truth_of(measures, one, devices)
        outputs = scores.outputs_of(measures, truth, recovered(one), generated, devices)
        total = total.merge(make.single_from_model_output(**outputs))
    return total
