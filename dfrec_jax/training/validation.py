"""What training may see of held-out people: IDSIM and a picture grid on the validation split, never the test split."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from clu import metrics
from jax.sharding import Mesh
from ml_collections import ConfigDict
from PIL import Image

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.data import pipeline
from dfrec_jax.examples import fields
from dfrec_jax.frozen.network import FrozenNetwork
from dfrec_jax.metrics.mean import Mean
from dfrec_jax.pictures import grid
from dfrec_jax.runs import compiling
from dfrec_jax.training import sharding
from dfrec_jax.training.step import Batch, compiler_options
from dfrec_jax.training.stopping import never

NUM_SAMPLES = 8
SOURCE_MAP = "source map"
RECOVERED = "recovered target"  # among what a method shows: the picture that is scored
Shown = Mapping[str, jax.Array]  # pictures in [0, 1] by the heading of their column


# What is added up over the batches of the validation split; rows that only fill them up count for nothing.
Scores = metrics.Collection.create(idsim=Mean.from_output("similarity"))


class Validator:
    """Runs a method on the validation split; compiled once. Pictures stay on the devices but for those of the grid."""

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

        def run(variables: Any, metric: FrozenNetwork, batch: Batch) -> tuple[Shown, Shown]:
            pictures = fields.to_float(batch)
            landmarks = pictures.get("landmarks")
            shown = recover(variables, pictures)
            recovered = metric(shown[RECOVERED], landmarks)["embedding"]
            reference = metric(pictures["target"], landmarks)["embedding"]
            counted = pictures["is_valid"] & pictures["is_forgery"] & pictures["has_target"]
            true = {f"true {role}": pictures[role] for role in ("source", "target")}
            numbers = {"similarity": jnp.sum(recovered * reference, axis=-1), "is_counted": counted}
            return {"input": pictures["image"], **true, **shown}, numbers

        whole = sharding.replicated(mesh)
        split = sharding.batch_sharding(mesh), whole
        jitted = jax.jit(run, out_shardings=split, compiler_options=compiler_options())
        self._run = compiling.announced(jitted, "the validation", jax.process_index() == 0)
        self._first = jax.jit(lambda shown: [shown[name][:NUM_SAMPLES] for name in columns], out_shardings=whole)

    def score(self, variables: Any, is_told_to_stop: Callable[[], bool] = never) -> float | None:
        """Mean IDSIM of the recovered targets of forgeries to their originals, by the metric network; see `task`."""
        scores = Scores.empty()
        for batch in self._batches(self._config.data.validation_examples):
            if is_told_to_stop():
                return None
            batch = sharding.to_global(self._mesh, batch)
            _, numbers = self._run(variables, self._metric, batch)
            similarity, counted = (np.asarray(numbers[name]) for name in ("similarity", "is_counted"))
            scores = scores.merge(Scores.single_from_model_output(similarity=similarity, mask=counted))
        return float(scores.compute()["idsim"])

    def sample_grid(self, variables: Any) -> Image.Image:
        """The first examples of the validation split: what goes in, what comes out and what should have."""
        batch = sharding.to_global(self._mesh, next(self._batches(self._config.data.eval_batch_size)))
        pictures = self._first(self._run(variables, self._metric, batch)[0])
        rows = list(zip(*(np.asarray(picture, np.float32) for picture in pictures), strict=True))
        is_map = [name == SOURCE_MAP for name in self._columns]
        captions = [
            [grid.words_of_map(one) if of_map else "" for one, of_map in zip(row, is_map, strict=True)] for row in rows
        ]
        return grid.grid(rows, self._columns, captions if any(is_map) else None)

    def _batches(self, max_examples: int) -> Iterator[pipeline.Batch]:
        return batches_of_this_host(self._config, max_examples)


def batches_of_this_host(config: ConfigDict, max_examples: int) -> Iterator[pipeline.Batch]:
    """This host's rows of the first examples of the validation split; 0: of all. Errors as `pipeline.eval_batches`."""
    return pipeline.eval_batches(
        config,
        "validation",
        max_examples=max_examples,
        process_index=jax.process_index(),
        process_count=jax.process_count(),
    )
