"""A trained trace head (`models/trace.py`) on the recogniser of a gallery."""

import os
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.forensics.framed import Framed
from dfrec_jax.models.trace import maps_of
from dfrec_jax.runs import trace_head
from dfrec_jax.tracing.embedder import Embedder

MOST = 3  # embeddings that are asked for of one face: nobody is visible, somebody by references, or as recovered


class Head:
    """From the face of a swap, and who is visible, to an embedding of who is hidden.

    Attributes:
      sha256: of its weights.
      record: for the JSON.
    """

    def __init__(self, workdir: str | os.PathLike[str], embedder: Embedder, *, which: str = "best"):
        """Restores one checkpoint of a run of `configs/trace.py`.

        Args:
          workdir: of the run.
          embedder: of the gallery that is searched.
          which: `best`, `newest`, or a step.

        Raises:
          CheckpointError: where there is none, or none that stands on the gallery's recogniser.
          ConfigError: for a gallery of a recogniser whose maps cannot be read.
        """
        if embedder.network is None:
            raise ConfigError(
                f"--head={workdir}: a head reads the maps of a recogniser, and {embedder.identity.recogniser} gives "
                "none; leave it out, or index the gallery by the recogniser that the head was trained on"
            )
        trained = trace_head.load(workdir, embedder.network, which)
        self._embedder, self._variables = embedder, trained.variables
        self._width = len(trained.variables["params"]["added"]["bias"])
        self.sha256 = trained.sha256()
        self.record = {"head_sha256": self.sha256, "head_step": trained.step, "head": trained.config.name}

        def run(network, variables, pixels, landmarks, visible):
            features = network(pixels, landmarks)
            maps = {
                name: jnp.repeat(value, MOST, axis=0)
                for name, value in maps_of(features, network.taps["identity"]).items()
            }
            embedding = jnp.repeat(features["embedding"], MOST, axis=0)
            return trained.module.apply(variables, maps, embedding, visible, train=False)

        self._run = jax.jit(run)

    def embeddings(self, face: Framed, visible: Sequence[Float[np.ndarray, " e"] | None]) -> Float[np.ndarray, "k e"]:
        """Of unit length, one for each of up to `MOST` who may be visible; None: nobody is known to be."""
        rows = np.zeros((MOST, self._width), np.float32)
        for row, one in zip(rows, visible, strict=False):
            row[:] = 0 if one is None else one
        pixels, landmarks = self._embedder.as_given([face], 1)
        found = self._run(self._embedder.network, self._variables, pixels, landmarks, rows)
        return np.asarray(found, np.float32)[: len(visible)]
