"""DFREC on real faces by light, public networks: people of CelebA and LFW, BI and warped swaps made on the fly.

Run:       dfrec prepare faces --source CELEBA_PEOPLE --out CELEBA (see its --help), the same for LFW, then
           python train.py --config=configs/faces.py:cpu --config.data.dir=CELEBA,LFW --workdir=runs/faces
Hardware:  cpu: one core, 65 minutes; gpu: one H100, 373 images/s, 8 minutes after 6 of compiling;
           gpu_stem: 585 images/s there
Measured:  docs/experiments.md, 20, 25 and 26 (cpu), 14 and 15 (gpu), 22 (the speed of gpu_stem; its recovery: not yet)
"""

import ml_collections

from dfrec_jax.config import defaults
from dfrec_jax.config.errors import ConfigError

SIZES = ("cpu", "gpu", "gpu_stem")


def get_config(size: str = "cpu") -> ml_collections.ConfigDict:
    """`cpu`: 80-pixel faces and a network for two cores; `gpu`: 224 pixels, for minutes on one large GPU; `gpu_stem`:
    the same with the later losses of `cpu`, half the U-Net's grid and twice the batch, not yet trained."""
    if size not in SIZES:
        raise ConfigError(f"configs/faces.py:{size}: must be one of {SIZES}")
    config = defaults.dfrec()
    config.name = f"faces_{size}"
    config.sirm.residual = True
    config.tirm.fusion = "grid"
    config.tirm.pixels = "unet"

    config.tirm.mask_ratio = 0.3
    config.tirm.patch_threshold = 0.2

    config.loss.target_identity = 20.0
    config.loss.perceptual = 300.0
    config.loss.patch = 3000.0
    config.loss.segmentation = 1000.0
    config.loss.pristine_map = True
    config.loss.attribute = 0.0  # its network is then neither loaded nor run

    config.frozen.identity = "mobilefacenet-xiaoccer"
    config.frozen.perceptual = "lpips-like-squeezenet"
    config.frozen.attributes = "attributes-resnet18"
    config.frozen.metric = "mobilefacenet-foamliu"  # not the loss's

    config.frozen.distance = "lpips-like-squeezenet"
    config.frozen.detector = "retinaface-mobile025"

    config.data.dataset = "faces"
    config.data.bi_share = 0.2
    config.data.real_share = 0.15
    config.data.leak = (0.0, 0.4)
    config.data.perturbed = 0.3
    config.optimizer.name = "muon"
    config.optimizer.learning_rate = 5e-3
    config.optimizer.schedule = "cosine"
    config.optimizer.beta2 = 0.98
    config.optimizer.clip_norm = 1.0
    config.checkpoint.keep = 1
    return {"cpu": _cpu, "gpu": _gpu, "gpu_stem": _gpu_stem}[size](config)


def _cpu(config: ml_collections.ConfigDict) -> ml_collections.ConfigDict:
    config.image_size = 80
    config.ism.width = 0.25
    config.ism.decoder_features = 32
    config.ism.rates = (1, 2, 3)
    config.sirm.stem = 2
    config.sirm.features = (48, 96)
    config.sirm.bottleneck = 256
    config.tirm.width, config.tirm.depth, config.tirm.heads = 128, 2, 4
    config.tirm.patch_size = 8
    config.tirm.token_width = 64
    config.tirm.decoder_depth, config.tirm.decoder_width, config.tirm.decoder_heads = 2, 128, 4
    config = _later_losses_and_data(config)
    config.data.num_threads = 2
    config.data.validation_examples = 128
    config.optimizer.warmup_steps = 50
    config.train.num_steps = 600
    config.train.batch_size = 32
    config.train.validate_every = 300
    config.train.samples_every = 200
    config.checkpoint.every = 100
    return config


def _gpu(config: ml_collections.ConfigDict) -> ml_collections.ConfigDict:
    config.compute_dtype = "bfloat16"
    config.sirm.bottleneck = 512
    config.tirm.width, config.tirm.depth, config.tirm.heads = 384, 6, 6
    config.tirm.decoder_width, config.tirm.decoder_heads = 256, 8
    config.data.num_threads = 14
    config.data.prefetch = 512
    config.data.validation_examples = 64
    config.optimizer.warmup_steps = 100
    config.train.num_steps = 2700
    config.train.batch_size = 64
    config.train.validate_every = 1000
    config.train.samples_every = 1000
    config.checkpoint.every = 500
    return config


def _gpu_stem(config: ml_collections.ConfigDict) -> ml_collections.ConfigDict:
    config = _gpu(config)
    config.ism.width = 0.5
    config.sirm.stem = 2
    config.sirm.features = (48, 96, 192)
    config = _later_losses_and_data(config)
    config.train.num_steps = 1000
    config.train.batch_size = 128
    config.train.validate_every = 500
    config.train.samples_every = 500
    return config


def _later_losses_and_data(config: ml_collections.ConfigDict) -> ml_collections.ConfigDict:
    """What the CPU size was trained with from experiment 18 on; 16 and 17 chose `known_map` and `target_identity`."""
    config.ism.known_map = 0.5
    config.loss.source_features = 5.0
    config.loss.target_identity = 60.0
    config.loss.perceptual = 60.0
    config.loss.target_perceptual = 10.0
    config.loss.source_pixels = 500.0
    config.data.real_share = 0.1
    config.data.perturbed = 0.1
    return config
