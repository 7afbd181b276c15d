"""The small DFREC on embedded faces, trained in minutes on two CPU cores: what `make quickstart` runs.

Run:       python train.py --config=configs/quickstart.py --workdir=runs/quickstart
Hardware:  2 CPU cores
Departs:   sizes; the learning rate and its schedule, since there are hundreds of steps and not a hundred thousand.
"""

import ml_collections

from dfrec_jax import config as config_lib


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    """64-pixel faces, 8-pixel patches, a narrow ISM and SIRM, a tiny ViT."""
    if arg:
        raise config_lib.ConfigError(f"configs/quickstart.py:{arg}: this config takes no argument")
    config = config_lib.dfrec()
    config.name = "quickstart"
    config.image_size = 64
    config.ism.width = 0.25
    config.ism.decoder_features = 32
    config.ism.rates = (1, 2, 3)
    config.sirm.features = (8, 16, 32)
    config.sirm.bottleneck = 128
    config.tirm.width, config.tirm.depth, config.tirm.heads = 128, 4, 4
    config.tirm.patch_size = 8
    config.tirm.fusion = "grid"
    config.tirm.token_width = 64
    config.tirm.decoder_depth = 2
    config.tirm.decoder_width = 128
    config.tirm.decoder_heads = 4

    config.frozen.identity = "embedded-a"
    config.frozen.perceptual = "embedded-a"
    config.frozen.attributes = "embedded-a"
    config.frozen.metric = "embedded-b"

    config.data.dataset = "embedded"
    config.data.real_share = 0.2
    config.data.bi_share = 0.0
    config.data.eval_batch_size = 64
    config.data.validation_examples = 128
    config.data.test_examples = 512

    config.optimizer.learning_rate = 1e-3
    config.optimizer.schedule = "cosine"
    config.optimizer.warmup_steps = 20
    config.optimizer.clip_norm = 1.0
    config.train.num_steps = 400
    config.train.batch_size = 32
    config.train.log_every = 20
    config.train.validate_every = 200
    config.train.samples_every = 200
    config.checkpoint.every = 200
    config.checkpoint.keep = 1
    return config
