"""The small DFREC on embedded faces, trained in minutes on two CPU cores: what `make quickstart` runs.

Run:       python train.py --config=configs/quickstart.py --workdir=runs/quickstart
Hardware:  2 CPU cores
Departs:   sizes; and since there are hundreds of steps and not a hundred thousand: Muon and its schedule, faces that
           start as copies of the image (`sirm.residual`, `tirm.pixels`, `loss.pristine_map`), `tirm.fusion='grid'`, and
           weights by which the patch and segmentation losses lead and the encoders come last (docs/departures.md,
           docs/experiments.md). Two fifths of the patches are masked and not a half, those first whose map is above
           0.2: they hold 99.9 % of what a swap changes in these pictures, and the rest would be background.
"""

import ml_collections

from dfrec_jax.config import defaults
from dfrec_jax.config.errors import ConfigError


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    """64-pixel faces, 8-pixel patches, a narrow ISM and SIRM, a tiny ViT."""
    if arg:
        raise ConfigError(f"configs/quickstart.py:{arg}: this config takes no argument")
    config = defaults.dfrec()
    config.name = "quickstart"
    config.image_size = 64
    config.ism.width = 0.25
    config.ism.depth = 0.25
    config.ism.decoder_features = 32
    config.ism.rates = (1, 2, 3)
    config.sirm.features = (12, 24, 48)
    config.sirm.bottleneck = 128
    config.sirm.residual = True
    config.tirm.width, config.tirm.depth, config.tirm.heads = 96, 1, 4
    config.tirm.patch_size = 8
    config.tirm.mask_ratio = 0.4
    config.tirm.patch_threshold = 0.2
    config.tirm.fusion = "grid"
    config.tirm.token_width = 32
    config.tirm.decoder_depth, config.tirm.decoder_width, config.tirm.decoder_heads = 1, 96, 4
    config.tirm.pixels = "unet"

    config.loss.target_identity = 1.0
    config.loss.target_perceptual = 5.0
    config.loss.perceptual = 0.2
    config.loss.patch = 200.0
    config.loss.segmentation = 30.0
    config.loss.source_pixels = 50.0
    config.loss.pristine_map = True

    config.frozen.identity = "embedded-a"
    config.frozen.perceptual = "embedded-a"
    config.frozen.attributes = "embedded-a"
    config.frozen.metric = "embedded-b"

    config.data.dataset = "embedded"
    config.data.real_share = 0.15
    config.data.bi_share = 0.0
    config.data.num_threads = 2
    config.data.eval_batch_size = 64
    config.data.validation_examples = 128
    config.data.test_examples = 512

    config.optimizer.name = "muon"
    config.optimizer.learning_rate = 5e-3
    config.optimizer.schedule = "cosine"
    config.optimizer.warmup_steps = 20
    config.optimizer.beta2 = 0.98
    config.optimizer.clip_norm = 1.0
    config.train.num_steps = 450
    config.train.batch_size = 16
    config.train.log_every = 25
    config.train.validate_every = 450
    config.train.samples_every = 225
    config.checkpoint.every = 225
    config.checkpoint.keep = 1
    return config
