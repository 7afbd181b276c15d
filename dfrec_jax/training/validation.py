"""What training may see of held-out people: IDSIM and a picture grid on the validation split, never the test split."""

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from ml_collections import ConfigDict
from PIL import Image

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.data import pipeline
from dfrec_jax.examples import fields
from dfrec_jax.forging.candidate_region import face_regions
from dfrec_jax.frozen.network import FrozenNetwork
from dfrec_jax.models.dfrec import Dfrec, DfrecOutput, region_without_ism
from dfrec_jax.models.region import told
from dfrec_jax.pictures import grid
from dfrec_jax.training import sharding
from dfrec_jax.training.step import Batch

NUM_SAMPLES = 8
SAMPLE_COLUMNS = (
    "input", "source map", "source region", "masked input", "recovered source", "recovered target", "source", "target",
)  # fmt: skip


class Validator:
    """Runs the model on the validation split; compiled once.

    A network that learns on photographs alone has no map yet: it is validated as it learns, with the faces' regions for
    maps and hidden.
    """

    def __init__(self, model: Dfrec, metric: FrozenNetwork, config: ConfigDict, mesh: Mesh):
        """Opens the validation split.

        Raises:
          ConfigError: where it is not there, or what is validated on (`data.validation_examples`) holds no forgery
            whose target is known, by which the network could be scored.
        """
        self._config, self._mesh, self._metric = config, mesh, metric
        if not pipeline.num_scored(config, "validation", max_examples=config.data.validation_examples):
            raise ConfigError(
                f"data.validation_examples={config.data.validation_examples}: none of them in the validation split of "
                f"{config.data.dataset!r} is a forgery whose target is known, so that nothing could be scored; use "
                "more, or prepare a validation split that holds some"
            )
        self._whole = sharding.replicated(mesh)

        def run(variables: Any, metric: FrozenNetwork, batch: Batch) -> tuple[Batch, DfrecOutput, jax.Array]:
            pictures = fields.to_float(batch)
            landmarks = pictures.get("landmarks")
            keys = jnp.broadcast_to(jax.random.key(0), pictures["image"].shape[:1])
            options: dict[str, Any] = {"face_region": region_without_ism(model, pictures["image"], landmarks)}
            if config.data.photograph_share == 1:
                regions = face_regions(pictures["landmarks"], config.image_size)
                options = told("region", regions) | {"is_hidden": jnp.ones(len(regions), bool)}
            output: Any = model.apply(variables, pictures["image"], keys, train=False, **options)
            recovered = metric(output.target_face, landmarks)["embedding"]
            reference = metric(pictures["target"], landmarks)["embedding"]
            return pictures, output, jnp.sum(recovered * reference, axis=-1)

        self._run = jax.jit(run, out_shardings=self._whole)

    def score(self, variables: Any) -> float:
        """Mean IDSIM of the recovered targets of forgeries to their originals, by the metric network."""
        total, count = 0.0, 0
        for batch in self._batches(self._config.data.validation_examples):
            batch = sharding.to_global(self._mesh, batch)
            pictures, _, similarity = self._run(variables, self._metric, batch)
            counted = np.asarray(pictures["is_valid"] & pictures["is_forgery"] & pictures["has_target"])
            total += float(np.asarray(similarity, np.float64)[counted].sum())
            count += int(counted.sum())
        return total / count

    def sample_grid(self, variables: Any) -> Image.Image:
        """The first examples of the validation split: what goes in, what comes out and what should have."""
        batch = sharding.to_global(self._mesh, next(self._batches(self._config.data.eval_batch_size)))
        given, output, _ = self._run(variables, self._metric, batch)
        pictures = (
            given["image"], output.used_map, output.source_region, output.masked_image,
            output.source_face, output.target_face, given["source"], given["target"],
        )  # fmt: skip
        rows = list(zip(*(np.asarray(picture[:NUM_SAMPLES], np.float32) for picture in pictures), strict=True))
        return grid.grid(rows, SAMPLE_COLUMNS)

    def _batches(self, max_examples: int) -> Iterator[pipeline.Batch]:
        return pipeline.eval_batches(
            self._config,
            "validation",
            max_examples=max_examples,
            process_index=jax.process_index(),
            process_count=jax.process_count(),
        )
