"""Recovery as StableHLO, by `jax.export`: for any batch, on a CPU, an NVIDIA GPU and a TPU."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.export
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.exporting.program import program_of, slots

PLATFORMS = ("cpu", "cuda", "tpu")


def abstract_arguments(config: ConfigDict, variables: Mapping[str, np.ndarray]) -> tuple[Any, ...]:
    """Shapes of the program's arguments, the batch by the letter b."""
    (batch,) = jax.export.symbolic_shape("b")
    flat = {path: jax.ShapeDtypeStruct(value.shape, value.dtype) for path, value in variables.items()}
    inputs, _ = slots(config)
    return (flat, *(jax.ShapeDtypeStruct((batch, *slot.shape), jnp.dtype(slot.dtype)) for slot in inputs.values()))


def serialised(config: ConfigDict, variables: Mapping[str, np.ndarray]) -> bytes:
    """What `jax.export.deserialize` reads; the variables are arguments of it, and not in it.

    Raises:
      ConfigError: without flatbuffers, by which JAX writes it.
    """
    exported = jax.export.export(jax.jit(program_of(config)), platforms=PLATFORMS)(
        *abstract_arguments(config, variables)
    )
    try:
        return bytes(exported.serialize())
    except ImportError as error:
        raise ConfigError(
            "--formats=stablehlo: needs the package flatbuffers: pip install 'dfrec-jax[export]', or --formats onnx"
        ) from error


def run(
    data: bytes, variables: Mapping[str, np.ndarray], image: np.ndarray, noise: np.ndarray
) -> dict[str, np.ndarray]:
    """Outputs of a serialised program; what any program with JAX alone does, see docs/export.md."""
    outputs: Any = jax.export.deserialize(bytearray(data)).call(dict(variables), image, noise)
    return {name: np.asarray(value) for name, value in outputs.items()}
