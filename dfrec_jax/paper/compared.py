"""A trained compared method out of its workdir, as a recoverer."""

from typing import Any

import jax

from dfrec_jax.baselines import methods
from dfrec_jax.config import compared
from dfrec_jax.evaluation.recoverers import Loaded, Recovered, Recoverer, Seen
from dfrec_jax.runs import stored_config, trained
from dfrec_jax.runs.checkpoint import Checkpoints


def load(workdir: str, which: str, row: str) -> Loaded:
    """Restores one checkpoint of a run of one of `compared.METHODS`; `row` is what the recoverer is called.

    Raises:
      CheckpointError: where the folder, its config or the checkpoint is missing or cannot be read.
      ConfigError: where its config is not valid.
    """
    config = stored_config.load(workdir)
    compared.validate(config)
    module = methods.build(config)
    shapes = jax.eval_shape(methods.init_function(module, config), jax.eval_shape(lambda: jax.random.key(0)))
    step, variables = Checkpoints(workdir).restore_variables(which, trained.on_first_device(shapes))
    make = methods.recover_function(module, config)

    def recover(variables: Any, given: Seen) -> Recovered:
        inputs = methods.Inputs(given.image, given.landmarks, given.keys, given.points)
        return Recovered(**make(variables, inputs)._asdict())

    made = "parts of the face by 68 landmarks where these are known" if config.task == "delocate" else ""
    return Loaded(step, Recoverer(row, variables, recover, made))
