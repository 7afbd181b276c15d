"""The grain pipeline as a data set of Scenic, under the name `dfrec`.

Imported when `checkout.put_on_path` has found Scenic; importing it is what makes the name known.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict
from scenic.dataset_lib import dataset_utils, datasets  # pyright: ignore[reportMissingImports]

from dfrec_jax.config import defaults, rules
from dfrec_jax.config.errors import require
from dfrec_jax.data import mixture, pipeline
from dfrec_jax.examples import fields
from dfrec_jax.training import streams

NAME = "dfrec"
Batch = dict[str, np.ndarray]


@datasets.add_dataset(NAME)
def get_dataset(
    *,
    batch_size: int,
    eval_batch_size: int,
    num_shards: int,
    dtype_str: str = "float32",
    shuffle_seed: int | None = None,
    rng: Any = None,
    dataset_configs: ConfigDict,
    dataset_service_address: str | None = None,
) -> dataset_utils.Dataset:
    """See `scenic.dataset_lib.datasets`.

    A batch has the fields of `examples/fields.py`, pictures in [0, 1], `image` by Scenic's name `inputs`, and
    `batch_mask`; each is [num_shards, rows, ...]. Training batches are forged and augmented as in `train.py`, here and
    not in the step, which Scenic's trainers have no place for.

    Args:
      batch_size: rows of this host.
      eval_batch_size: the same, of evaluation.
      num_shards: of this host.
      dtype_str: float32.
      shuffle_seed: not used; `dfrec.seed` is.
      rng: not used, as `shuffle_seed`.
      dataset_configs: with DFREC's config in `dfrec`.
      dataset_service_address: not used; there is no tf.data here.

    Raises:
      ConfigError: for another type, sizes that do not fit the config, or a data set that cannot be read.
    """
    del shuffle_seed, rng, dataset_service_address
    require(dtype_str == "float32", "data_dtype_str", dtype_str, "float32")
    config = defaults.resolve(dataset_configs.dfrec)
    rules.validate(config)
    config = mixture.with_frame(config)
    hosts = jax.process_count()
    config.train.batch_size, config.data.eval_batch_size = batch_size * hosts, eval_batch_size * hosts
    size = config.image_size
    meta = {
        "input_shape": (-1, size, size, 3),
        "input_dtype": jnp.float32,
        "num_train_examples": pipeline.num_train_examples(config),
        "num_eval_examples": pipeline.num_eval_examples(
            config, "validation", max_examples=config.data.validation_examples
        ),
        "num_test_examples": pipeline.num_eval_examples(config, "test", max_examples=config.data.test_examples),
        "target_is_onehot": False,
    }
    return dataset_utils.Dataset(
        train_iter=_train(config, num_shards),
        valid_iter=_evaluation(config, "validation", config.data.validation_examples, num_shards),
        test_iter=_evaluation(config, "test", config.data.test_examples, num_shards),
        meta_data=meta,
    )


def _train(config: ConfigDict, num_shards: int) -> Iterator[Batch]:
    complete = jax.jit(pipeline.make_completion(config, 1))
    key = streams.stream(jax.random.key(config.seed), "examples")
    with pipeline.batches_of_this_host(config, 0) as batches:
        for batch in batches:
            yield _as_scenics(complete(batch, key), num_shards)


def _evaluation(config: ConfigDict, split: str, max_examples: int, num_shards: int) -> Iterator[Batch]:
    """Again and again: Scenic's trainers take so many batches as `num_eval_examples` asks for, each time."""
    while True:
        for batch in pipeline.eval_batches(
            config,
            split,
            max_examples=max_examples,
            process_index=jax.process_index(),
            process_count=jax.process_count(),
        ):
            yield _as_scenics(batch, num_shards)


def _as_scenics(batch: Mapping[str, Any], num_shards: int) -> Batch:
    named = {name: np.asarray(value) for name, value in fields.to_float(batch).items()}
    named["inputs"] = named.pop("image")
    valid = named.pop("is_valid", np.ones(len(named["inputs"]), bool))
    named["batch_mask"] = valid.astype(np.float32)
    return {name: value.reshape(num_shards, -1, *value.shape[1:]) for name, value in named.items()}
