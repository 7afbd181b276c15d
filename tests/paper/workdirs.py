"""Workdirs that hold a config and an empty checkpoint, and pictures as another program would leave them."""

import numpy as np
from PIL import Image

from dfrec_jax.runs import stored_config
from tests import tiny


def run(folder, leak=(0.1, 0.25), **fields):
    """A workdir with a config and the folder of a checkpoint, in which nothing is."""
    config = tiny.config()
    config.data.leak = leak
    for name, value in fields.items():
        section, _, field = name.partition("__")
        config[section][field] = value
    (folder / "checkpoints" / "7").mkdir(parents=True)
    stored_config.save(folder, config)
    return str(folder)


def pictures_of_another_program(root, order=range(16), attack="0.1-to-0.25"):
    """The true targets of the made-up batches, under the numbers of the examples."""
    folder = root / f"embedded-leak-{attack}"
    folder.mkdir(parents=True)
    targets = np.concatenate([tiny.batch(8, seed=first)["target"] for first in (0, 8)])
    for number, which in enumerate(order):
        Image.fromarray(targets[which]).save(folder / f"{number:06d}.png")
    return folder
