"""DFREC on FFHQ-E4S: Table I, column E4S.

Run:       dfrec prepare ffhq_e4s --source SWAPS --originals FFHQ --crop box --out DIR, then
           python train.py --config=configs/ffhq_e4s.py --config.data.dir=DIR --workdir=runs/ffhq_e4s
Hardware:  -  (a dash until measured)
Paper:     FID 8.34, IDSIM 0.5870; four NVIDIA 4090
Data:      not published. The paper's authors drew 10,000 pictures of FFHQ, made 10 swaps of each with E4S, and split
           them 8:1:1 by identity. FFHQ names nobody, so that each of its pictures counts as a person, and swaps of two
           splits are left out: `dfrec prepare` says how many.
Departs:   as configs/megafs.py.
"""

import ml_collections

from configs import megafs
from dfrec_jax.config.errors import ConfigError


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    """The full-size model on the one attack of this data set."""
    if arg:
        raise ConfigError(f"configs/ffhq_e4s.py:{arg}: this config takes no argument")
    config = megafs.get_config()
    config.name = "ffhq_e4s"
    config.data.dataset, config.data.attack = "ffhq_e4s", "e4s"
    return config
