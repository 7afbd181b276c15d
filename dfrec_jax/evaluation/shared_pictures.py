"""Whether pictures of the measured split stand in training too, byte for byte: people's names do not tell that."""

import numpy as np
from ml_collections import ConfigDict

from dfrec_jax.data import pipeline
from dfrec_jax.records import joint, pictures, staged

_UNKNOWN = "whether one picture stands in both is not told ({lacking}): `dfrec data audit` reads them all"


def count(trained_on: ConfigDict | None, measured_on: ConfigDict) -> str:
    """How many pictures of the test split stand in training too, as the end of a sentence; empty where none can.

    A picture counts where its bytes are the same, as they are of one file that was prepared in one way.

    Args:
      trained_on: config of the training; None for a network that was trained elsewhere.
      measured_on: config of the evaluation.
    """
    if trained_on is None or pipeline.EMBEDDED in (trained_on.data.dataset, measured_on.data.dataset):
        return ""  # drawn people are told apart by construction, and of another's data nothing is known
    test, of_test = _hashes(measured_on, "test")
    train, of_train = _hashes(trained_on, "train")
    if lacking := [*dict.fromkeys(of_test + of_train)]:
        return _UNKNOWN.format(lacking="; ".join(lacking))
    shared = len(np.intersect1d(test, train))
    if shared:
        return f"**{shared} of the split's {len(test)} pictures stand{'s' if shared == 1 else ''} in training too**"
    return f"none of the split's {len(test)} pictures stands in training, byte for byte"


def _hashes(config: ConfigDict, split: str) -> tuple[np.ndarray, list[str]]:
    """Of all folders that the config names; and of which there are none, and why."""
    there, lacking = [], []
    for kind, named in joint.named_folders(config.data.dir, config.data.dataset):
        folder, files = staged.place_of(named, kind), staged.files_of(named, kind, split)
        try:
            hashes = pictures.read(files, split)
        except pictures.DamagedHashes:
            lacking.append(f"`{pictures.path_of(files, split)}` is damaged")
            continue
        if hashes is None:
            lacking.append(f"`{folder}` was prepared by a version that kept no hashes of them")
        else:
            there.append(hashes)
    return np.unique(np.concatenate(there)) if there else np.zeros(0, np.uint64), lacking
