"""What training may see of held-out people: IDSIM and a picture grid on the validation split, never the test split."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from ml_collections import ConfigDict
from PIL import Image

from dfrec_jax.data import pipeline
from dfrec_jax.frozen.network import FrozenNetwork
from dfrec_jax.models.dfrec import Dfrec, DfrecOutput
from dfrec_jax.pictures import grid
from dfrec_jax.training import sharding
from dfrec_jax.training.step import Batch, to_float

NUM_SAMPLES = 8
SAMPLE_COLUMNS = (
    "input", "source map", "source region", "masked input", "recovered source", "recovered target", "source", "target",
)  # fmt: skip


class Validator:
    """Runs the model on the validation split; each method is compiled once."""

    def __init__(self, model: Dfrec, metric: FrozenNetwork, config: ConfigDict, mesh: Mesh):
        self._config, self._mesh, self._metric = config, mesh, metric
        whole = sharding.replicated(mesh)

        def recover(variables: Any, batch: Batch) -> DfrecOutput:
            keys = jnp.broadcast_to(jax.random.key(0), batch["image"].shape[:1])
            return model.apply(variables, to_float(batch)["image"], keys, train=False)

        def similarity(variables: Any, metric: FrozenNetwork, batch: Batch) -> jax.Array:
            landmarks = batch.get("landmarks")
            recovered = metric(recover(variables, batch).target_face, landmarks)["embedding"]
            reference = metric(to_float(batch)["target"], landmarks)["embedding"]
            return jnp.sum(recovered * reference, axis=-1)

        self._recover = jax.jit(recover, out_shardings=whole)
        self._similarity = jax.jit(similarity, out_shardings=whole)

    def idsim(self, variables: Any) -> float:
        """Mean IDSIM of the recovered targets of forgeries to their originals, by the metric network."""
        total = count = 0.0
        for batch in self._batches(self._config.data.validation_examples):
            counted = batch.pop("is_valid") & batch["is_forgery"] & batch["has_target"]
            weight = sharding.to_global(self._mesh, {"weight": counted})["weight"]
            values = self._similarity(variables, self._metric, sharding.to_global(self._mesh, batch))
            mask = np.asarray(jax.jit(jnp.asarray, out_shardings=sharding.replicated(self._mesh))(weight))
            total += float(np.asarray(values)[mask].sum())
            count += int(mask.sum())
        return total / count

    def sample_grid(self, variables: Any) -> Image.Image:
        """The first forgeries of the validation split: what goes in, what comes out and what should have."""
        batch = sharding.to_global(self._mesh, next(iter(self._batches(self._config.data.eval_batch_size))))
        gathered = jax.jit(to_float, out_shardings=sharding.replicated(self._mesh))(batch)
        output = self._recover(variables, batch)
        pictures = (
            gathered["image"], output.source_map, output.source_region, output.masked_image,
            output.source_face, output.target_face, gathered["source"], gathered["target"],
        )  # fmt: skip
        rows = list(zip(*(np.asarray(picture[:NUM_SAMPLES], np.float32) for picture in pictures), strict=True))
        return grid.grid(rows, SAMPLE_COLUMNS)

    def _batches(self, max_examples: int):
        return pipeline.eval_batches(
            self._config,
            "validation",
            max_examples=max_examples,
            process_index=jax.process_index(),
            process_count=jax.process_count(),
        )
