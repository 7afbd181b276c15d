"""A trained compared method out of its workdir, as a recoverer."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from dfrec_jax.baselines import methods
from dfrec_jax.config import compared
from dfrec_jax.evaluation.recoverers import Recovered, Recoverer, Seen
from dfrec_jax.runs import stored_config
from dfrec_jax.runs.checkpoint import Checkpoints


class Restored(NamedTuple):
    """A checkpoint: its step, and what it recovers by."""

    step: int
    recoverer: Recoverer


def load(workdir: str, which: str, row: str) -> Restored:
    """Restores one checkpoint of a run of one of `compared.METHODS`; `row` is what the recoverer is called.

    Raises:
      CheckpointError: where the folder, its config or the checkpoint is missing or cannot be read.
      ConfigError: where its config is not valid.
    """
    config = stored_config.load(workdir)
    compared.validate(config)
    module = methods.build(config)
    shapes = jax.eval_shape(methods.init_function(module, config), jax.eval_shape(lambda: jax.random.key(0)))
    place = jax.sharding.SingleDeviceSharding(jax.local_devices()[0])
    abstract = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, jnp.float32, sharding=place), shapes)
    step, variables = Checkpoints(workdir).restore_variables(which, abstract)
    make = methods.recover_function(module, config)

    def recover(variables: Any, given: Seen) -> Recovered:
        made = make(variables, given.image)
        return Recovered(target=made.target, logit=made.logit)

    return Restored(step, Recoverer(row, variables, recover))
