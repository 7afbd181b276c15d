"""Valid folders for `hostile.py`, made outside of a test run: two prepared data sets, and a run with a checkpoint."""

from pathlib import Path

import numpy as np

from tests import hostile, prepared_data, stand_in, tiny


def cases(kind: str, folder: Path) -> list[hostile.Case]:
    """The cases of a kind; what they need is made in `folder`, where it is not there yet."""
    if kind == "pictures":
        return hostile.pictures()
    if kind == "weights":
        return hostile.weights()
    if kind == "records":
        root = folder / "prepared"
        return hostile.records(root / "out" if root.exists() else prepared_data.make(root))
    return hostile.configs(run(folder / "run"))


def run(folder: Path) -> Path:
    """A workdir with a config and one scored checkpoint of a tiny network."""
    from dfrec_jax.models import dfrec
    from dfrec_jax.runs import stored_config
    from dfrec_jax.runs.saving import CheckpointWriter

    if folder.exists():
        return folder
    config = tiny.config()
    stored_config.save(folder, config)
    image = np.zeros((1, tiny.SIZE, tiny.SIZE, 3), np.float32)
    variables = stand_in.variables(dfrec.build(config), image, tiny.keys(1), train=False)
    with CheckpointWriter(folder) as checkpoints:
        checkpoints.save(7, {"variables": variables}, {"position": 7}, 0.5)
    return folder
