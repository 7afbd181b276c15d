"""The compared methods of the paper's tables, at their full size, on one attack of CelebA-MegaFS.

Run:       python train.py --config=configs/compared.py:recce --config.data.dir=DIR --workdir=runs/megafs_ftm_recce
           (DIR: what `dfrec prepare celeba_megafs` wrote; --config.data.attack=lcr for another attack)
Hardware:  -  (a dash until measured)
Paper:     RECCE: FID 90.36, IDSIM 0.2547 (FTM), by its authors' own training
Departs:   the published RECCE halves its learning rate every 22,500 of 90,000 steps; here it is constant.
"""

import ml_collections

from dfrec_jax.config import compared
from dfrec_jax.config.errors import ConfigError


def get_config(method: str = "recce") -> ml_collections.ConfigDict:
    """The published size; `configs/compared.py:recce`."""
    if method not in compared.METHODS:
        raise ConfigError(f"configs/compared.py:{method}: must be one of {compared.METHODS}")
    config = compared.compared(method)
    config.name = f"megafs_ftm_{method}"
    config.data.dataset, config.data.attack, config.data.bi_share = "celeba_megafs", "ftm", 0.0
    config.train.num_steps = 90_000
    return config
