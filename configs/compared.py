"""The compared methods of the paper's tables, at their full size, on one attack of CelebA-MegaFS.

Run:       python train.py --config=configs/compared.py:recce --config.data.dir=DIR --workdir=runs/megafs_ftm_recce
           (DIR: what `dfrec prepare celeba_megafs` wrote; --config.data.attack=lcr for another attack; `:delocate`,
           `:dfi` and `:repaint` for the others), or
           python train.py --config=configs/compared.py:dfi_drawn --workdir=runs/drawn_dfi
           (`recce_drawn`, `delocate_drawn`, `repaint_drawn`: narrow, on drawn faces of 64 px, in minutes on a CPU)
Hardware:  -  (a dash until measured); drawn: one CPU core
Paper:     RECCE: FID 90.36, IDSIM 0.2547 (FTM), by its authors' own training; Delocate 40.75, 0.4201; DFI 22.19, 0.4137
           RePaint 41.18, 0.3874, by a published network
Departs:   the published RECCE halves its learning rate every 22,500 of 90,000 steps; here it is constant. Of Delocate
           and DFI no code exists: Delocate-min and DFI-min are this project's (docs/departures.md).
"""

import ml_collections

from configs import quickstart
from dfrec_jax.config import compared
from dfrec_jax.config.errors import ConfigError

DRAWN = tuple(f"{method}_drawn" for method in compared.METHODS)


def get_config(method: str = "recce") -> ml_collections.ConfigDict:
    """The full size of a method, or with `_drawn` behind its name a narrow one, on the data of the quickstart."""
    if method in DRAWN:
        return _drawn(method.removesuffix("_drawn"))
    if method not in compared.METHODS:
        raise ConfigError(f"configs/compared.py:{method}: must be one of {compared.METHODS + DRAWN}")
    config = compared.compared(method)
    config.name = f"megafs_ftm_{method}"
    config.data.dataset, config.data.attack, config.data.bi_share = "celeba_megafs", "ftm", 0.0
    return config


def _drawn(method: str) -> ml_collections.ConfigDict:
    config = compared.for_drawn_faces(compared.compared(method, quickstart.get_config()))
    config.train.num_steps = config.train.validate_every = config.train.samples_every = config.checkpoint.every = 150
    config.data.leak = (0.1, 0.25)  # the counterpart of FTM
    return config
