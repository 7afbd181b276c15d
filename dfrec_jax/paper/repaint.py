"""RePaint out of the workdir of its denoiser, as a recoverer."""

from typing import Any

import jax

from dfrec_jax.baselines import repaint_method
from dfrec_jax.config import compared
from dfrec_jax.evaluation.recoverers import Loaded, Recovered, Recoverer, Seen
from dfrec_jax.runs import stored_config, trained
from dfrec_jax.runs.checkpoint import Checkpoints


def load(workdir: str, which: str, row: str) -> Loaded:
    """Restores one checkpoint; `row` is what the recoverer is called.

    Raises:
      CheckpointError: where the folder, its config or the checkpoint is missing or cannot be read.
      ConfigError: where its config is not valid.
    """
    config = stored_config.load(workdir)
    compared.validate(config)
    module = repaint_method.build(config)
    shapes = jax.eval_shape(repaint_method.init_function(module), jax.eval_shape(lambda: jax.random.key(0)))
    step, variables = Checkpoints(workdir).restore_variables(which, trained.on_first_device(shapes))
    paint = repaint_method.paint_function(module, repaint_method.resampling_of(config))

    def recover(variables: Any, given: Seen) -> Recovered:
        painted = paint(variables, given.image, given.landmarks, given.points, given.keys)
        return Recovered(
            target=painted.target,
            generated=painted.generated,
            masked_image=(1 - painted.generated) * given.image,
        )

    return Loaded(step, Recoverer(row, variables, recover))
