"""DFREC that needs no seams, in two stages: what surroundings say of a face, by photographs; then swaps of all kinds.

Run:       python train.py --config=configs/hidden.py:surroundings --config.data.dir=LFW --workdir=runs/surroundings
           python train.py --config=configs/hidden.py:full --config.data.dir=LFW,triplets:DFDC --workdir=runs/full \
               --config.train.initialise=runs/surroundings --config.train.initialise_fresh=ism
           Both folders by `dfrec prepare ... --crop box --margin 0.5 --size 128` (docs/data.md).
Hardware:  two CPU cores or one
Measured:  docs/experiments.md, 28 (surroundings) and 29 (full): no gain yet on swaps that networks made
"""

import ml_collections

from configs import faces
from dfrec_jax.config.errors import ConfigError

STAGES = ("surroundings", "full")


def get_config(stage: str = "surroundings") -> ml_collections.ConfigDict:
    """`surroundings`: photographs with the face hidden teach the TIRM and the way there alone; `full`: photographs,
    recorded swaps with their originals, warped swaps and BI teach everything."""
    if stage not in STAGES:
        raise ConfigError(f"configs/hidden.py:{stage}: must be one of {STAGES}")
    config = faces.get_config("cpu")
    config.name = f"hidden_{stage}"
    config.image_size = 96
    config.tirm.mask_ratio = 0.4  # a whole face and more, drawn or by its landmarks
    config.tirm.decoder_depth = 4
    config.tirm.identity_width = 128  # of mobilefacenet-xiaoccer
    config.train.validate_every = 250
    config.train.samples_every = 250
    config.checkpoint.every = 50
    return {"surroundings": _surroundings, "full": _full}[stage](config)


def _surroundings(config: ml_collections.ConfigDict) -> ml_collections.ConfigDict:
    config.data.photograph_share = 1.0
    config.data.real_share = config.data.bi_share = 0.0
    config.loss.source_features = config.loss.source_pixels = 0.0
    config.loss.segmentation = config.loss.classification = 0.0  # nothing is forged: the ISM begins with the next stage
    config.train.num_steps = 1500
    return config


def _full(config: ml_collections.ConfigDict) -> ml_collections.ConfigDict:
    config.ism.verdict = "product"
    config.sirm.feature_dropout = 0.3
    config.data.changed_masks = True
    config.data.recorded_share = 0.2
    config.data.original_share = 0.1
    config.data.real_share = 0.1
    config.data.bi_share = 0.15
    config.data.photograph_share = 0.1
    config.data.tightened = 0.5
    config.train.num_steps = 1500
    return config
