"""DFREC that needs no seams, in stages: what surroundings say of a face, by photographs; then swaps.

Run:       python train.py --config=configs/hidden.py:surroundings --config.data.dir=LFW --workdir=runs/surroundings
           python train.py --config=configs/hidden.py:ism --config.data.dir=LFW --workdir=runs/ism \
               --config.train.initialise=runs/surroundings --config.train.initialise_fresh=ism      # or left out
           python train.py --config=configs/hidden.py:own --config.data.dir=LFW --workdir=runs/small \
               --config.train.initialise=runs/surroundings --config.train.initialise_fresh=ism
           python train.py --config=configs/hidden.py:full --config.data.dir=LFW,triplets:DFDC --workdir=runs/full \
               --config.train.initialise=runs/surroundings --config.train.initialise_fresh=ism
           All folders by `dfrec prepare ... --crop box --margin 0.5 --size 128` (docs/data.md).
Hardware:  two CPU cores or one
Measured:  docs/experiments.md, 28 (surroundings), 29 (full), 33 (own), 35 to 45: little gain on swaps by networks
"""

import ml_collections

from configs import faces
from dfrec_jax.config.errors import ConfigError

STAGES = ("surroundings", "ism", "own", "full")


def get_config(stage: str = "surroundings") -> ml_collections.ConfigDict:
    """`surroundings`: photographs with the face hidden teach the TIRM and the way there alone; `ism`: warped swaps, BI
    and pristine faces teach the ISM alone, at ten times the speed; `own`: photographs, warped swaps and BI teach
    everything; `full`: those and recorded swaps with their originals."""
    if stage not in STAGES:
        raise ConfigError(f"configs/hidden.py:{stage}: must be one of {STAGES}")
    config = faces.get_config("cpu")
    config.name = f"hidden_{stage}"
    config.image_size = 96
    config.tirm.mask_ratio = 0.4  # a whole face and more, drawn or by its landmarks
    config.tirm.decoder_depth = 4
    config.tirm.identity_width = 128  # of mobilefacenet-xiaoccer
    config.loss.target_rows, config.loss.source_rows = 0.5, 0.25
    config.loss.classification = config.loss.segmentation  # docs/experiments.md, 45
    config.train.validate_every = 250
    config.train.samples_every = 250
    config.checkpoint.every = 50
    return {"surroundings": _surroundings, "ism": _ism, "own": _own, "full": _full}[stage](config)


def _surroundings(config: ml_collections.ConfigDict) -> ml_collections.ConfigDict:
    config.data.photograph_share = 1.0
    config.data.real_share = config.data.bi_share = 0.0
    config.loss.source_features = config.loss.source_pixels = 0.0
    config.loss.segmentation = config.loss.classification = 0.0  # nothing is forged: the ISM begins with the next stage
    config.train.num_steps = 1000
    return config


def _ism(config: ml_collections.ConfigDict) -> ml_collections.ConfigDict:
    config = _own(config)
    config.train.ism_alone = True
    config.data.photograph_share = 0.0
    config.data.real_share = 0.35
    config.data.perturbed = 0.6
    config.train.num_steps = 3000
    config.train.validate_every = config.train.samples_every = 1000
    config.checkpoint.every = 250
    return config


def _own(config: ml_collections.ConfigDict) -> ml_collections.ConfigDict:
    config.ism.verdict = "product"
    config.ism.given_scale = 0.5  # docs/experiments.md, 45
    config.sirm.feature_dropout = 0.3
    config.tirm.identity_cosine = (0.15, 0.8)
    config.data.recorded_share = 0.0
    config.data.real_share = 0.1
    config.data.bi_share = 0.15
    config.data.photograph_share = 0.15
    config.data.tightened = 0.5
    config.data.perturbed = 0.3
    config.data.blurred = config.data.noisy = 0.5
    config.train.num_steps = 1100
    return config


def _full(config: ml_collections.ConfigDict) -> ml_collections.ConfigDict:
    config = _own(config)
    config.data.changed_masks = True
    config.data.recorded_share = 0.2
    config.data.original_share = 0.1
    return config
