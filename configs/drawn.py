"""The network of drawn faces at its end: `configs/quickstart.py`, trained for hours where that one takes minutes.

Run:       python train.py --config=configs/drawn.py --workdir=runs/drawn
Hardware:  one CPU core, three hours (35 to 60 images/s; most of it draws the faces)
Departs:   as configs/quickstart.py does, and besides: the classification head says whether a face was forged, the map
           where (`ism.verdict`), so that a pristine face may keep what it has; averages of the parameters are measured
Measured:  docs/model_card.md: IDSIM of the target 0.351 to 0.609, of the source 0.792 to 0.831
"""

import ml_collections

from configs import quickstart
from dfrec_jax.config.errors import ConfigError


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    """The sizes, losses and data of the quickstart; 320,000 examples in place of 7,200."""
    if arg:
        raise ConfigError(f"configs/drawn.py:{arg}: this config takes no argument")
    config = quickstart.get_config()
    config.name = "drawn"
    config.ism.verdict = "product"
    config.data.real_share = 0.2
    config.optimizer.warmup_steps = 200
    config.optimizer.ema = 0.999
    config.train.num_steps = 20_000
    config.train.log_every = 100
    config.train.validate_every = 1000
    config.train.samples_every = 2000
    config.checkpoint.every = 500
    return config
