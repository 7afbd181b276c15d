"""One of two processes that evaluate together: `on_hosts.py PORT NUMBER WORKDIR`; prints what it found, as JSON."""

import json
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from dfrec_jax.evaluation import collecting, recoverers, scores, spread
from dfrec_jax.evaluation.estimates import estimates
from dfrec_jax.evaluation.recoverers import DFREC, Recovered, Recoverer
from dfrec_jax.evaluation.table_metrics import ACCURACY, FID, QUALITY, REGION
from dfrec_jax.frozen.network import FrozenNetwork
from dfrec_jax.paper import recovered_pictures
from tests import tiny

SIZE = 8


def dimmed(variables, given):
    """A method of its own for each row: what it draws depends on the row's key and picture."""
    noise = jax.vmap(lambda key, image: jax.random.uniform(key, image.shape))(given.keys, given.image)
    face = variables["share"] * given.image + (1 - variables["share"]) * noise
    region = (given.image[..., :1] > 0.5).astype(jnp.float32)
    return Recovered(face, face[:, ::-1], region, region, face * region, face.mean(axis=(1, 2, 3)))


def described(variables, images, landmarks):
    """An embedding that depends on the picture."""
    del variables, landmarks
    flat = images[:, ::8, ::8].reshape(len(images), -1) - 0.4
    return {"embedding": flat / jnp.linalg.norm(flat, axis=-1, keepdims=True), "pool3": flat, "attributes": flat}


def batches():
    """This host's rows of two batches, the second one filled up."""
    for number in range(2):
        numbers = np.arange(SIZE) + number * SIZE
        ids = {"number": numbers, "source_id": numbers, "target_id": numbers + 100, "attack": numbers % 2}
        whole = {**tiny.batch(SIZE, seed=number), **ids, "is_valid": numbers < 13}
        yield {name: spread.own_of(values) for name, values in whole.items()}


def found(workdir: Path) -> dict:
    """Every number of both kinds of protocol, the pictures of a panel, and how often something was recovered."""
    devices, method = spread.over_all_devices(SIZE), Recoverer(DFREC, {"share": np.float32(0.7)}, dimmed)
    panels: dict = {}
    instruments = collecting.Instruments(tiny.network())
    collected = collecting.collect((recoverers.copy(), method), DFREC, instruments, batches(), 0, panels, devices)
    network = FrozenNetwork(variables={}, name="made up", apply=described, taps={})
    networks = dict.fromkeys(("identity", "frechet", "attributes"), network)
    measures = scores.Measures((FID, *QUALITY, *ACCURACY, *REGION), networks)
    make, calls = scores.collection(measures), []
    store = recovered_pictures.store(workdir, method, {"config": ""}, 0, devices)
    jitted = recovered_pictures.jitted(method)

    def run(*args):
        calls.append(1)
        return jitted(*args)

    for _ in range(2):  # the second time they are read
        sums = make.empty()
        for number, batch in enumerate(batches()):
            truth = scores.truth_of(measures, batch, devices)
            kept = recovered_pictures.recovered(store, number, batch["image"], batch["landmarks"], run)
            outputs = scores.outputs_of(measures, truth, kept.target, kept.generated, devices)
            sums = sums.merge(make.single_from_model_output(**outputs))
    values = {"-".join(key): value.tolist() for key, value in collected.values.items()}
    return {
        "values": values | {"logit": collected.forgery_logit.tolist()},
        "people": collected.examples["target_id"].tolist(),
        "panels": {str(attack): [float(row[4].mean()) for row in rows] for attack, rows in panels.items()},
        "figures": {name: one.value for name, one in estimates(sums, measures.metrics)[0].items()},
        "recovered": len(calls),
    }


if __name__ == "__main__":
    port, number, workdir = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    jax.distributed.initialize(f"localhost:{port}", num_processes=2, process_id=number, initialization_timeout=60)
    print(json.dumps(found(workdir)))
    jax.distributed.shutdown()
