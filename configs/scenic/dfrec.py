"""A config of this folder as one of Scenic's: with the fields that it asks for, and the config itself in `dfrec`.

Run:       DFREC_SCENIC=DIR python -m dfrec_jax.integrations.scenic.main --config=configs/scenic/dfrec.py \\
           --workdir=runs/scenic
           --config=configs/scenic/dfrec.py:faces takes configs/faces.py; fields by --config.dfrec.train.num_steps=100
Hardware:  that of the config it wraps.
"""

import importlib

from ml_collections import ConfigDict

from dfrec_jax.config.errors import ConfigError


def get_config(name: str = "quickstart") -> ConfigDict:
    """Wraps `configs/<name>.py`; its seed and its batch are one number with Scenic's `rng_seed` and `batch_size`."""
    try:
        dfrec = importlib.import_module(f"configs.{name}").get_config()
    except ModuleNotFoundError as error:
        raise ConfigError(f"--config=configs/scenic/dfrec.py:{name}: there is no configs/{name}.py") from error
    config = ConfigDict()
    config.experiment_name = f"dfrec_{name}"
    config.rng_seed = dfrec.get_ref("seed")
    config.batch_size = dfrec.train.get_ref("batch_size")
    config.eval_batch_size = dfrec.data.get_ref("eval_batch_size")
    config.dataset_name = "dfrec"
    config.data_dtype_str = "float32"
    config.checkpoint = True
    config.dfrec = dfrec
    config.dataset_configs = ConfigDict({"dfrec": dfrec})
    return config
