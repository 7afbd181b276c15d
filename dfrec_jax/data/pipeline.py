"""Batches for training and evaluation, by grain: sharded over hosts, resumable at any step, uint8 until the device."""

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import grain
import numpy as np
from ml_collections import ConfigDict

from dfrec_jax.config import ConfigError
from dfrec_jax.synthetic import dataset as embedded

Batch = dict[str, np.ndarray]


class TrainBatches:
    """An endless iterator over this host's rows of the training batches.

    Batch number s holds the same examples however many hosts share it, so its position is the number of steps taken,
    and a run may resume on another number of hosts.
    """

    def __init__(self, config: ConfigDict, *, start_step: int, process_index: int = 0, process_count: int = 1):
        indices = grain.MapDataset.range(embedded.split_of("train").num_examples).seed(config.seed).shuffle().repeat()
        examples = indices[process_index::process_count].map(partial(_embedded, config, "train"))
        dataset = examples.batch(config.train.batch_size // process_count, drop_remainder=True)
        self._iterator = iter(dataset.to_iter_dataset(_read_options(config)))
        self._iterator.set_state({"next_index": start_step})

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        return next(self._iterator)

    def __enter__(self) -> "TrainBatches":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stops the reading threads."""
        self._iterator.close()


def fingerprint(config: ConfigDict) -> dict[str, Any]:
    """What makes a stream of batches the same stream; stands in every checkpoint."""
    stream = {
        "dataset": config.data.dataset,
        "attack": config.data.attack,
        "seed": config.seed,
        "batch_size": config.train.batch_size,
    }
    return json.loads(json.dumps(stream))


def check_fingerprint(saved: dict[str, Any], config: ConfigDict) -> None:
    """Raises ConfigError where a checkpoint's data stream is not this config's: its position would mean other examples."""
    now = fingerprint(config)
    changed = [f"{key}: {saved.get(key)!r} -> {now[key]!r}" for key in now if saved.get(key) != now[key]]
    if changed:
        raise ConfigError(f"the checkpoint was made on other data ({'; '.join(changed)}); use another --workdir")


def eval_batches(
    config: ConfigDict, split: str, *, max_examples: int = 0, process_index: int = 0, process_count: int = 1
) -> Iterator[Batch]:
    """This host's rows of the batches of `validation` or `test`, in a fixed order, each example once.

    Every batch has the same size; rows that only fill up the last one have `is_valid` False.

    Args:
      config: a valid config.
      split: `validation` or `test`.
      max_examples: the first so many examples; 0 for all.
      process_index: which host this is.
      process_count: how many share the work.
    """
    total = embedded.split_of(split).num_examples
    total = min(total, max_examples) if max_examples else total
    size = config.data.eval_batch_size
    padded = grain.MapDataset.range(-(-total // size) * size)[process_index::process_count]
    examples = padded.map(
        lambda row: {**_embedded(config, split, min(row, total - 1)), "is_valid": np.bool_(row < total)}
    )
    return iter(examples.batch(size // process_count).to_iter_dataset(_read_options(config)))


def num_eval_batches(config: ConfigDict, split: str, *, max_examples: int = 0) -> int:
    """How many batches `eval_batches` yields."""
    total = embedded.split_of(split).num_examples
    return -(-(min(total, max_examples) if max_examples else total) // config.data.eval_batch_size)


def _embedded(config: ConfigDict, split: str, index: int) -> dict[str, np.ndarray]:
    return embedded.example(
        index,
        split,
        size=config.image_size,
        leak_range=tuple(config.data.leak),
        real_share=config.data.real_share,
    )


def _read_options(config: ConfigDict) -> grain.ReadOptions:
    return grain.ReadOptions(num_threads=config.data.num_threads, prefetch_buffer_size=config.data.prefetch)
