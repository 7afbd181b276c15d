"""A classifier of CelebA's 40 attributes, which L_attr (Eq. 8) and the Attr metric need and nobody publishes.

Run:       python train.py --config=configs/attributes.py --workdir=runs/attributes --config.data.dir=img_align_celeba
           --config.data.attributes=list_attr_celeba.txt --config.data.partition=list_eval_partition.txt
           `configs/attributes.py:small` is ResNet-18 at 112 px, for a CPU. A data set of `dfrec prepare faces
           --attributes=...` serves as well: --config.data.dataset=faces --config.data.dir=DIR
Then:      python evaluate.py --workdir=runs/attributes
           dfrec weights export --workdir runs/attributes --to-safetensors attributes-resnet50.safetensors
           dfrec weights import attributes-resnet50.safetensors --as attributes-resnet50
Hardware:  -  (a dash until measured); for the figures below one CPU core, half an hour of processor time
Measured:  `:small` on 2,845 faces of CelebA's train people alone, 1,000 steps of 32 (train.num_steps=1500 until step
           308), optimizer.ema=0.99, optimizer.warmup_steps=100: 79.7 % mean balanced accuracy on 356 faces of 22 other
           people, 95 % interval [76.1, 81.8]. On the validation people 60.8, 78.7, 78.7 and 80.6 % after 250, 500, 750
           and 1,000 steps; the best of these is what the 79.7 % are of.
"""

import ml_collections

from dfrec_jax.config import attributes
from dfrec_jax.config.errors import ConfigError


def get_config(size: str = "large") -> ml_collections.ConfigDict:
    """`large`: ResNet-50 at 224 px; `small`: ResNet-18 at 112 px."""
    if size not in ("large", "small"):
        raise ConfigError(f"configs/attributes.py:{size}: must be large or small")
    config = attributes.attributes()
    config.network = {"large": "attributes-resnet50", "small": "attributes-resnet18"}[size]
    config.name = config.network
    config.optimizer.learning_rate = 1e-3
    config.optimizer.weight_decay = 0.05
    config.optimizer.schedule = "cosine"
    config.optimizer.warmup_steps = 500
    config.optimizer.clip_norm = 1.0
    config.optimizer.ema = 0.999
    config.train.num_steps = 20_000
    config.train.batch_size = 128
    config.data.eval_batch_size = 128
    return config
