"""What training may see of held-out people: IDSIM and a picture grid on the validation split, never the test split."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from clu import metrics
from flax import struct
from jax.sharding import Mesh
from ml_collections import ConfigDict
from PIL import Image

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.data import pipeline
from dfrec_jax.examples import fields
from dfrec_jax.frozen.network import FrozenNetwork
from dfrec_jax.metrics.mean import Mean
from dfrec_jax.pictures import grid
from dfrec_jax.training import sharding
from dfrec_jax.training.step import Batch, compiler_options

NUM_SAMPLES = 8
SOURCE_MAP = "source map"
RECOVERED = "recovered target"  # among what a method shows: the picture that is scored
Shown = Mapping[str, jax.Array]  # pictures in [0, 1] by the heading of their column


@struct.dataclass
class Scores(metrics.Collection):
    """What is added up over the batches of the validation split; rows that only fill them up count for nothing."""

    idsim: Mean.from_output("similarity")  # pyright: ignore[reportInvalidTypeForm]  clu's way to name an output


class Validator:
    """Runs a method on the validation split; compiled once."""

    def __init__(
        self,
        recover: Callable[[Any, Batch], Shown],
        columns: Sequence[str],
        metric: FrozenNetwork,
        config: ConfigDict,
        mesh: Mesh,
    ):
        """Opens the validation split.

        Args:
          recover: from variables and a float batch to what there is to show of it, `RECOVERED` among it.
          columns: of the sample grid: headings of that, and `input`, `true source` and `true target`, which the
            batch has.
          metric: the network that IDSIM is measured with.
          config: of the run.
          mesh: of the run.

        Raises:
          ConfigError: where it is not there, or what is validated on (`data.validation_examples`) holds no forgery
            whose target is known, by which the network could be scored.
        """
        self._config, self._mesh, self._metric, self._columns = config, mesh, metric, tuple(columns)
        if not pipeline.num_scored(config, "validation", max_examples=config.data.validation_examples):
            raise ConfigError(
                f"data.validation_examples={config.data.validation_examples}: none of them in the validation split of "
                f"{config.data.dataset!r} is a forgery whose target is known, so that nothing could be scored; use "
                "more, or prepare a validation split that holds some"
            )
        self._whole = sharding.replicated(mesh)

        def run(variables: Any, metric: FrozenNetwork, batch: Batch) -> tuple[Batch, Shown, jax.Array]:
            pictures = fields.to_float(batch)
            landmarks = pictures.get("landmarks")
            shown = recover(variables, pictures)
            recovered = metric(shown[RECOVERED], landmarks)["embedding"]
            reference = metric(pictures["target"], landmarks)["embedding"]
            return pictures, shown, jnp.sum(recovered * reference, axis=-1)

        self._run = jax.jit(run, out_shardings=self._whole, compiler_options=compiler_options())

    def score(self, variables: Any) -> float:
        """Mean IDSIM of the recovered targets of forgeries to their originals, by the metric network."""
        scores = Scores.empty()
        for batch in self._batches(self._config.data.validation_examples):
            batch = sharding.to_global(self._mesh, batch)
            pictures, _, similarity = self._run(variables, self._metric, batch)
            counted = pictures["is_valid"] & pictures["is_forgery"] & pictures["has_target"]
            scores = scores.merge(
                Scores.single_from_model_output(similarity=np.asarray(similarity), mask=np.asarray(counted))
            )
        return scores.compute()["idsim"]

    def sample_grid(self, variables: Any) -> Image.Image:
        """The first examples of the validation split: what goes in, what comes out and what should have."""
        batch = sharding.to_global(self._mesh, next(self._batches(self._config.data.eval_batch_size)))
        given, shown, _ = self._run(variables, self._metric, batch)
        of_batch = {"input": given["image"], "true source": given["source"], "true target": given["target"]}
        pictures = [{**of_batch, **shown}[name] for name in self._columns]
        rows = list(zip(*(np.asarray(picture[:NUM_SAMPLES], np.float32) for picture in pictures), strict=True))
        is_map = [name == SOURCE_MAP for name in self._columns]
        captions = [
            [grid.words_of_map(one) if of_map else "" for one, of_map in zip(row, is_map, strict=True)] for row in rows
        ]
        return grid.grid(rows, self._columns, captions if any(is_map) else None)

    def _batches(self, max_examples: int) -> Iterator[pipeline.Batch]:
        return pipeline.eval_batches(
            self._config,
            "validation",
            max_examples=max_examples,
            process_index=jax.process_index(),
            process_count=jax.process_count(),
        )
