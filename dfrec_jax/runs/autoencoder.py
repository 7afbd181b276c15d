"""A trained autoencoder of faces, taken from the folder of its run."""

import os
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from dfrec_jax.config import autoencoder, defaults
from dfrec_jax.forging.neural.autoencoder import Autoencode, FaceAutoencoder, of_variables
from dfrec_jax.runs import stored_config, trained
from dfrec_jax.runs.checkpoint import Checkpoints
from dfrec_jax.runs.errors import CheckpointError
from dfrec_jax.weights.digest import sha256_of_variables


class Autoencoder(NamedTuple):
    """What forging takes; `step` says which checkpoint it is."""

    config: ConfigDict
    module: FaceAutoencoder
    variables: Any
    step: int

    @property
    def size(self) -> int:
        """The side of its faces in pixels."""
        return int(self.config.autoencoder.size)

    def autoencode(self) -> Autoencode:
        """From a face to a face."""
        return of_variables(self.module, self.variables)

    def digest(self) -> str:
        """Of its weights."""
        return sha256_of_variables(self.variables)[:16]


def load(workdir: str | os.PathLike[str], which: str = "best") -> Autoencoder:
    """Restores one checkpoint of a run of `configs/autoencoder.py`.

    Args:
      workdir: its folder.
      which: `best` by validation, `newest`, or a step.

    Raises:
      CheckpointError: where the folder, its config or the checkpoint is missing, cannot be read, or is of another task.
      ConfigError: where its config is not valid.
    """
    config = stored_config.load(workdir)
    if (task := defaults.task_of(config)) != autoencoder.TASK:
        raise CheckpointError(f"{workdir}: trained {task}, and an autoencoder of configs/autoencoder.py is needed here")
    autoencoder.validate(config)
    module = FaceAutoencoder(tuple(config.autoencoder.features), config.autoencoder.latent)
    size = config.autoencoder.size
    shapes = jax.eval_shape(lambda: module.init(jax.random.key(0), jnp.zeros((1, size, size, 3)), train=False))
    abstract = trained.on_first_device(dict(shapes))
    step, variables = Checkpoints(workdir, autoencoder.SCORE).restore_variables(which, abstract)
    return Autoencoder(config, module, variables, step)
