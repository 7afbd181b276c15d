"""Batches for training and evaluation, by grain: sharded over hosts, resumable at any step, uint8 until the device.

The embedded faces are drawn, prepared data sets are read (`mixture`). A training batch of a prepared data set still has
forgeries to be made and augmentation to be done when it leaves the host: `make_completion` gives the function that does
both on the device.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import grain
import jax
import numpy as np
from ml_collections import ConfigDict

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.data import completion, mixture, rows
from dfrec_jax.data.at_work import AtWork
from dfrec_jax.data.paired_augmentation import Augmentation
from dfrec_jax.examples.encoded import collate
from dfrec_jax.synthetic import dataset as embedded

Batch = dict[str, np.ndarray]
EMBEDDED = mixture.EMBEDDED
ADDED = ("frame",)  # to what a checkpoint says of its data, since checkpoints were written that do not say it
ENDLESS = 2**48  # rows; no run is as long


def batches_of_this_host(
    config: ConfigDict, start_step: int, example: Callable[[int], dict[str, Any]] | None = None
) -> "TrainBatches":
    """The `TrainBatches` of this process among those of JAX; arguments and errors as there."""
    return TrainBatches(
        config,
        start_step=start_step,
        process_index=jax.process_index(),
        process_count=jax.process_count(),
        example=example,
    )


def at_work(batches: Iterator[Any]) -> str:
    """What a stream of batches is at, in words, where it can say so."""
    return batches.at_work() if isinstance(batches, TrainBatches) else ""


class TrainBatches:
    """An endless iterator over this host's rows of the training batches.

    Batch number s holds the same examples in the same order however many hosts share it, each an equal block of rows,
    so its position is the number of steps taken, and a run may resume on another number of hosts.
    """

    def __init__(
        self,
        config: ConfigDict,
        *,
        start_step: int,
        process_index: int = 0,
        process_count: int = 1,
        example: Callable[[int], dict[str, Any]] | None = None,
    ):
        """Starts at batch number `start_step`.

        Args:
          config: a valid config.
          start_step: the number of steps taken.
          process_index: which host this is.
          process_count: how many share the work.
          example: the example in a row of the stream of all batches; by default the one of DFREC's config.

        Raises:
          ConfigError: where the hosts cannot share a batch equally, or the data set cannot be read.
        """
        batch_size = config.train.batch_size
        share = _share_of(batch_size, process_count, "train.batch_size")
        example = example or _train_examples(config)
        self._at_work = AtWork(config.data.dir or config.data.dataset, batch_size)
        example = self._at_work.watched(example)
        local = grain.MapDataset.range(ENDLESS).map(
            lambda row: example(rows.local_index(int(row), share, process_index, batch_size))
        )
        batches = local.batch(share, drop_remainder=True, batch_fn=collate)
        self._iterator = iter(batches.to_iter_dataset(read_options(config, share)))
        self._iterator.set_state({"next_index": start_step})

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        return next(self._iterator)

    def at_work(self) -> str:
        """What the reading threads are at, in words."""
        return self._at_work.words()

    def __enter__(self) -> "TrainBatches":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stops the reading threads."""
        self._iterator.close()


def make_completion(
    config: ConfigDict, num_groups: int, harmonise: completion.ForgeRow | None = None
) -> completion.Complete:
    """From a training batch as it left the host, and the run's key, to one for the model; for a jitted caller.

    Args:
      config: a valid config.
      num_groups: devices that the rows are split over.
      harmonise: of `completion.neural_forger`, where the config has a share of such rows.

    Raises:
      ConfigError: as `mixture.train_kinds`.
    """
    if config.data.dataset == EMBEDDED:
        return completion.already_complete
    return completion.make_completion(
        kinds=mixture.train_kinds(config),
        num_groups=num_groups,
        leak=tuple(config.data.leak),
        reduced=config.data.reduced,
        augmentation=Augmentation(**{name: config.data[name] for name in Augmentation._fields}),
        changed_masks=config.data.changed_masks,
        harmonise=harmonise,
    )


def fingerprint(config: ConfigDict) -> dict[str, Any]:
    """What makes a stream of batches the same stream; stands in every checkpoint."""
    stream = {
        "dataset": config.data.dataset,
        "attack": config.data.attack,
        "seed": config.seed,
        "batch_size": config.train.batch_size,
    }
    if config.data.dataset != EMBEDDED:
        stream["frame"] = list(mixture.split_of(config, "train").frame)
        stream["records"] = mixture.split_of(config, "train").digest()
        stream["order"] = "people alike often"
        stream["shares"] = [config.data.real_share, config.data.bi_share]
        if config.data.recorded_share is not None or config.data.original_share:
            stream["shares"] += [config.data.recorded_share, config.data.original_share]
        if config.data.neural_share:
            stream["neural_share"] = config.data.neural_share
        if config.data.photograph_share:
            stream["photograph_share"] = config.data.photograph_share
    return json.loads(json.dumps(stream))


def check_fingerprint(saved: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Raises ConfigError where a checkpoint's data stream is not this run's: a position would mean other data."""
    said = [key for key in now if key in saved or key not in ADDED]
    changed = [f"{key}: {saved.get(key)!r} -> {now[key]!r}" for key in said if saved.get(key) != now[key]]
    if changed:
        raise ConfigError(f"the checkpoint was made on other data ({'; '.join(changed)}); use another --workdir")


def eval_batches(
    config: ConfigDict, split: str, *, max_examples: int = 0, process_index: int = 0, process_count: int = 1
) -> Iterator[Batch]:
    """This host's rows of the batches of `validation` or `test`, in a fixed order, each example once.

    Every batch has the same size; rows that only fill up the last one have `is_valid` False. Nothing is forged or
    augmented: a prepared data set holds the forgeries that it is measured on.

    Args:
      config: a valid config.
      split: `validation` or `test`.
      max_examples: the first so many examples; 0 for all.
      process_index: which host this is.
      process_count: how many share the work.

    Raises:
      ConfigError: where the hosts cannot share a batch equally, or the data set cannot be read.
    """
    example, total = _eval_examples(config, split)
    total = min(total, max_examples) if max_examples else total
    return batches_of(example, total, config, process_index=process_index, process_count=process_count)


def batches_of(
    example: Callable[[int], dict[str, Any]],
    total: int,
    config: ConfigDict,
    *,
    process_index: int = 0,
    process_count: int = 1,
) -> Iterator[Batch]:
    """Examples 0 to `total` in batches of `data.eval_batch_size`; the rest as in `eval_batches`."""
    size = config.data.eval_batch_size
    share = _share_of(size, process_count, "data.eval_batch_size")
    num_rows = -(-total // size) * share
    local = grain.MapDataset.range(num_rows).map(lambda row: rows.local_index(int(row), share, process_index, size))

    def numbered(row: int) -> dict[str, Any]:
        return {**example(min(row, total - 1)), "number": np.int32(row), "is_valid": np.bool_(row < total)}

    examples = local.map(numbered)
    return iter(examples.batch(share, batch_fn=collate).to_iter_dataset(read_options(config, share)))


def num_eval_batches(config: ConfigDict, split: str, *, max_examples: int = 0) -> int:
    """How many batches `eval_batches` yields."""
    return -(-num_eval_examples(config, split, max_examples=max_examples) // config.data.eval_batch_size)


def num_eval_examples(config: ConfigDict, split: str, *, max_examples: int = 0) -> int:
    """How many examples `eval_batches` yields; they are numbered from 0."""
    total = _eval_examples(config, split)[1]
    return min(total, max_examples) if max_examples else total


def num_train_examples(config: ConfigDict) -> int:
    """How many examples, or records that they are made of, the training split holds."""
    if config.data.dataset != EMBEDDED:
        return len(mixture.split_of(config, "train").index.label)
    return embedded.split_of("train").num_examples


def num_scored(config: ConfigDict, split: str, *, max_examples: int = 0) -> int:
    """How many of the examples of `eval_batches` are forgeries whose target is known.

    Raises:
      ConfigError: where the data set cannot be read, or has no such split.
    """
    if config.data.dataset != EMBEDDED:
        return mixture.EvaluationRows(config, split).num_scored(max_examples)
    total = embedded.split_of(split).num_examples
    indices = range(min(total, max_examples) if max_examples else total)
    return sum(embedded.is_forgery(index, split, config.data.real_share) for index in indices)


def attack_names(config: ConfigDict) -> tuple[str, ...]:
    """What the numbers in `attack` mean; of the embedded faces there is one."""
    return (EMBEDDED,) if config.data.dataset == EMBEDDED else mixture.split_of(config, "test").names.attacks


def _train_examples(config: ConfigDict) -> Callable[[int], dict[str, Any]]:
    """The example in a row of the stream of all training batches."""
    if config.data.dataset != EMBEDDED:
        return mixture.TrainRows(config)
    order = grain.MapDataset.range(embedded.split_of("train").num_examples).seed(config.seed).shuffle().repeat()
    return lambda row: _embedded(config, "train", order[row])  # pyright: ignore[reportArgumentType]


def _eval_examples(config: ConfigDict, split: str) -> tuple[Callable[[int], dict[str, Any]], int]:
    if config.data.dataset != EMBEDDED:
        examples = mixture.EvaluationRows(config, split)
        return examples, len(examples)
    return partial(_embedded, config, split), embedded.split_of(split).num_examples


def _embedded(config: ConfigDict, split: str, index: int) -> dict[str, np.ndarray]:
    return embedded.example(
        index,
        split,
        size=config.image_size,
        leak_range=tuple(config.data.leak),
        real_share=config.data.real_share,
        scene=config.data.scene,
    )


def _share_of(batch_size: int, process_count: int, field: str) -> int:
    if batch_size % process_count:
        raise ConfigError(f"{field}={batch_size}: must be a multiple of the number of hosts, {process_count}")
    return batch_size // process_count


def read_options(config: ConfigDict, share: int) -> grain.ReadOptions:
    """How grain reads batches of `share` rows: `data.prefetch` counts rows, grain batches; one a thread or more.

    Threads are as many as processors that this process may use, where `data.num_threads` is 0.
    """
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    threads = config.data.num_threads or usable
    return grain.ReadOptions(num_threads=threads, prefetch_buffer_size=max(threads, config.data.prefetch // share))
