"""A config for train.py whose loss says which rows were in a batch: what several hosts do shows in the log.

    train.py --config=tests/counting.py:DEED

DEED is what one of several hosts does at step 5: `none`, `kill1` (host 1 kills itself), `slow1` (its loader sleeps at
each step), `fail1` (its data cannot be read).
"""

import os
import signal
import time

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image

from dfrec_jax.data import pipeline
from dfrec_jax.training import run, state
from dfrec_jax.training.step_metrics import of_step
from tests import tiny

AT_STEP, SLOW_SECONDS = 5, 0.2


def loss_of(step: int, batch_size: int = 8) -> float:
    """What is logged of a step: exact in float32, and another for every other set of rows."""
    rows = np.arange((step - 1) * batch_size, step * batch_size)
    return float(np.sum(rows**2 % 1009))


class Counting:
    """Each step adds the loss to the only parameter."""

    score_name, constants = "score", ()
    deed = "none"

    def __init__(self, config):
        self.config = config

    def init(self):
        return state.TrainState(
            jnp.zeros((), jnp.int32), {"x": jnp.zeros(())}, {"n": jnp.zeros(())}, (), None, jax.random.key(0)
        )

    def initialise(self, fresh):
        return fresh

    def make_step(self, num_devices):
        def step(now, constants, batch):
            loss = jnp.sum(batch["row"] ** 2 % 1009).astype(jnp.float32)
            return now.replace(step=now.step + 1, params={"x": now.params["x"] + loss}), of_step({"loss": loss})

        return step

    def batches(self, start_step):
        def example(row):
            if f"{self.deed[:-1]}{jax.process_index()}" == self.deed:
                is_time = row // self.config.train.batch_size == AT_STEP - 1
                if self.deed.startswith("kill") and is_time:
                    os.kill(os.getpid(), signal.SIGKILL)
                if self.deed.startswith("fail") and is_time:
                    raise OSError(5, "Input/output error", "faces-train.array_record")
                if self.deed.startswith("slow"):
                    time.sleep(SLOW_SECONDS)
            return {"row": np.int32(row)}

        return pipeline.batches_of_this_host(self.config, start_step, example)

    def fingerprint(self):
        return {}

    def make_validator(self, mesh):
        return self

    def score(self, variables, *_):
        return float(variables["params"]["x"])

    def sample_grid(self, variables):
        return Image.new("RGB", (8, 8))


def get_config(deed: str = "none"):
    """Twelve steps, a checkpoint after every second."""
    Counting.deed = deed
    run.TASKS["dfrec"] = Counting
    config = tiny.config()
    config.train.num_steps, config.checkpoint.every = 12, 2
    config.data.num_threads, config.data.prefetch = 1, 1
    return config
