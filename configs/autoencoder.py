"""The autoencoder of faces that our own network swaps pass through (`forging/neural/`); docs/data.md.

Run:       python train.py --config=configs/autoencoder.py --config.data.dir=LFW --workdir=runs/autoencoder
           LFW by `dfrec prepare faces ... --crop box --margin 0.5 --size 128`: photographs alone, no forgery is needed
Then:      python benchmarks/neural_swaps.py --workdir runs/autoencoder
           and in the training of a DFREC --config.data.neural_share=0.15 --config.data.neural_network=runs/autoencoder
Hardware:  one CPU core
Measured:  docs/experiments.md, 38: after 2,000 steps its swaps have a cosine of 0.190 to the source and 0.307 to the
           target (mobilefacenet-foamliu; a warped swap 0.580 and 0.243), and 0.03 of them count as swaps. A DFREC
           trained with such swaps (of a smaller autoencoder) gains no more on real ones than without.
Its weights stay in the run's folder: it is made to train on, and no command swaps a face into a picture of yours.
"""

import ml_collections

from dfrec_jax.config import autoencoder


def get_config() -> ml_collections.ConfigDict:
    """Of about a million parameters."""
    config = autoencoder.autoencoder()
    config.train.batch_size = 16
    config.train.num_steps = 1000
    config.train.log_every = 20
    config.train.validate_every = 200
    config.train.samples_every = 200
    config.checkpoint.every = 50
    config.optimizer.learning_rate = 2e-3
    config.optimizer.warmup_steps = 50
    config.optimizer.schedule = "cosine"
    config.data.validation_examples = 128
    for role, name in (("identity", "mobilefacenet-xiaoccer"), ("metric", "mobilefacenet-foamliu")):
        config.frozen[role] = name
    return config
