"""A trained attribute classifier taken from a workdir, and its weights as a file that `frozen.attributes` can name."""

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import safetensors.numpy
from flax.traverse_util import flatten_dict, unflatten_dict
from ml_collections import ConfigDict

from dfrec_jax.config import attributes, defaults
from dfrec_jax.files import whole
from dfrec_jax.frozen.blueprint import Blueprint, expected_shapes
from dfrec_jax.frozen.load import find_blueprint
from dfrec_jax.runs import stored_config
from dfrec_jax.runs.checkpoint import Checkpoints
from dfrec_jax.runs.errors import CheckpointError
from dfrec_jax.weights.rules import WeightsError


class Classifier(NamedTuple):
    """What evaluation runs; `step` says which checkpoint it is."""

    config: ConfigDict
    blueprint: Blueprint
    variables: Any
    step: int


def load(workdir: str | os.PathLike[str], which: str = "best") -> Classifier:
    """Restores one checkpoint of a run of `configs/attributes.py`.

    Args:
      workdir: its folder.
      which: `best` by validation, `newest`, or a step.

    Raises:
      CheckpointError: where the folder, its config or the checkpoint is missing, cannot be read, or is no classifier's.
      ConfigError: where its config is not valid.
    """
    config = stored_config.load(workdir)
    if (task := defaults.task_of(config)) != "attributes":
        raise CheckpointError(f"--workdir={workdir}: trained {task}, and an attribute classifier is needed")
    attributes.validate(config)
    blueprint = find_blueprint(config.network)
    place = jax.sharding.SingleDeviceSharding(jax.local_devices()[0])
    abstract = {
        path: jax.ShapeDtypeStruct(shape, jnp.float32, sharding=place)
        for path, shape in expected_shapes(blueprint).items()
    }
    step, variables = Checkpoints(workdir, attributes.SCORE).restore_variables(which, unflatten_dict(abstract, sep="/"))
    return Classifier(config, blueprint, variables, step)


def export(workdir: str | os.PathLike[str], target: Path, which: str = "best") -> str:
    """Writes the weights of one checkpoint as safetensors, whole or not at all; returns what there is to say of it.

    Raises:
      CheckpointError: as `load`.
      WeightsError: where the file cannot be written.
    """
    trained = load(workdir, which)
    flat: dict[str, Any] = flatten_dict(trained.variables, sep="/")
    tensors = {path: np.asarray(value) for path, value in flat.items()}
    metadata = {"network": trained.config.network, "step": str(trained.step)}
    metadata["data"] = json.dumps({name: trained.config.data[name] for name in ("dataset", "crop")})
    try:
        with whole.replacing(target) as unfinished:
            unfinished.write_bytes(safetensors.numpy.save(tensors, metadata))  # `save_file` would hide it from others
    except (OSError, safetensors.SafetensorError) as error:
        raise WeightsError(f"{target}: cannot be written: {error}") from error
    return (
        f"{target}: {trained.config.network} of step {trained.step} of {workdir}, {len(tensors)} tensors\n"
        f"next: dfrec weights import {target} --as {trained.config.network}"
    )
