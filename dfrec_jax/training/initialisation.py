"""Starting weights of others for the ISM's backbone and the TIRM's encoder, where the config names them."""

from typing import Any

import jax
import jax.numpy as jnp
from flax.traverse_util import flatten_dict, unflatten_dict
from ml_collections import ConfigDict

from dfrec_jax.training.state import TrainState
from dfrec_jax.weights.pretrained import load_pretrained

MODULES = ("ism", "tirm")


def initialise(state: TrainState, config: ConfigDict) -> TrainState:
    """A fresh state with the weights of `ism.initialisation` and `tirm.initialisation` in place of random ones.

    Raises:
      WeightsError: for a name that does not fit, a file that is not at hand, or one of another size than the network.
    """
    variables = {"params": state.params, "batch_stats": state.batch_stats}
    flat: dict[str, Any] = flatten_dict(variables, sep="/")
    for module in MODULES:
        if name := config[module].initialisation:
            shapes = {path: leaf.shape for path, leaf in flat.items()}
            loaded = load_pretrained(f"{module}.initialisation", name, shapes, weights_dir=config.frozen.weights_dir)
            flat |= {path: jax.device_put(value, flat[path].sharding) for path, value in loaded.items()}
    variables = unflatten_dict(flat, sep="/")
    ema = None if state.ema is None else jax.tree.map(jnp.copy, variables)  # a donated state holds no array twice
    return state.replace(params=variables["params"], batch_stats=variables["batch_stats"], ema=ema)
