"""The trace head of `dfrec trace --head`: who is hidden, straight from the swap, by a recogniser's own maps.

Run:       python train.py --config=configs/trace.py --config.data.dir=LFW,triplets:DFDC --workdir=runs/trace
           Both folders by `dfrec prepare ... --crop box --margin 0.5 --size 128` (docs/data.md). Without recorded
           swaps: --config.data.dir=LFW --config.data.recorded_share=0.0
Then:      dfrec trace search EXHIBIT --gallery GALLERY --head runs/trace --out found
Hardware:  one CPU core
Measured:  docs/trace.md, docs/experiments.md
"""

import ml_collections

from dfrec_jax.config import trace


def get_config() -> ml_collections.ConfigDict:
    """On mobilefacenet-foamliu, which is run twice for each example and never trained."""
    config = trace.trace()
    config.data.recorded_share = 0.3
    config.data.bi_share = 0.1
    config.data.tightened = 0.5
    config.data.num_threads = 2
    config.data.validation_examples = 320
    config.optimizer.learning_rate = 1e-3
    config.optimizer.weight_decay = 0.02
    config.optimizer.schedule = "cosine"
    config.optimizer.warmup_steps = 20
    config.optimizer.clip_norm = 1.0
    config.optimizer.ema = 0.98
    config.train.num_steps = 400
    config.train.batch_size = 32
    config.train.log_every = 10
    config.train.validate_every = 200
    config.train.samples_every = 400
    config.checkpoint.every = 50
    for role, name in (("identity", "mobilefacenet-foamliu"), ("metric", "mobilefacenet-foamliu")):
        config.frozen[role] = name
    return config
