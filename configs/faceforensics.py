"""DFREC on FaceForensics++ (c23): Table I, columns DeepFake, FaceShifter and LCR, one model each.

Run:       dfrec prepare faceforensics --source FFPP --compression c23 --split-file SPLITS --out DIR, then
           python train.py --config=configs/faceforensics.py:deepfakes --config.data.dir=DIR --workdir=runs/ffpp_df
           (`:faceshifter` and `:lcr` for the other two, `:all` for one model on all three)
Hardware:  -  (a dash until measured)
Paper:     FID 17.22, IDSIM 0.5367 (DeepFake); 18.48, 0.5047 (FaceShifter); 27.92, 0.5135 (LCR); four NVIDIA 4090
Data:      1000 videos, the official split of 720, 140 and 140; 100,000, 20,000 and 20,000 pictures an attack, which is
           139 to 143 frames of a video: `dfrec prepare` takes 140. LCR is no part of FaceForensics++: the paper's
           authors made it with MegaFS' code, and it goes under manipulated_sequences/LCR as the others do.
Departs:   as configs/megafs.py. Which frame of its source a swap was made from is not known: `dfrec prepare`
           takes the one of the same number, and the most frontal where there is none.
"""

import ml_collections

from configs import megafs
from dfrec_jax.config.errors import ConfigError

ATTACKS = {"deepfakes": "Deepfakes", "faceshifter": "FaceShifter", "lcr": "LCR", "all": ""}


def get_config(attack: str = "deepfakes") -> ml_collections.ConfigDict:
    """The full-size model on one of the paper's three attacks, or on all that were prepared."""
    if attack not in ATTACKS:
        raise ConfigError(f"configs/faceforensics.py:{attack}: must be one of {tuple(ATTACKS)}")
    config = megafs.get_config()
    config.name = f"ffpp_{attack}"
    config.data.dataset, config.data.attack = "faceforensics", ATTACKS[attack]
    return config
