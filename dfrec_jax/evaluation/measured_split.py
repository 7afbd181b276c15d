"""The split that a network is measured on, opened and checked before anything is measured."""

from collections.abc import Iterator
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Bool, Int
from ml_collections import ConfigDict

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.data import forged, mixture, pipeline
from dfrec_jax.evaluation import groups, spread
from dfrec_jax.evaluation.request import Request


class MeasuredSplit(NamedTuple):
    """What is measured.

    Attributes:
      attacks: what the numbers in `attack` mean.
      batches: this host's rows of them, as `pipeline.eval_batches` yields them.
      num_batches: how many.
      labels: what the lists of groups say of each person by number, by column; None where there are none.
    """

    attacks: tuple[str, ...]
    batches: Iterator[dict[str, np.ndarray]]
    num_batches: int
    labels: groups.Labels | None

    def add_labels(self, examples: dict[str, np.ndarray]) -> None:
        """Gives the measured examples, in place, their `group`, which intervals resample, and who their target is."""
        for name, column in (("group", groups.GROUP), ("target", groups.TARGET)):
            if self.labels is not None and column in self.labels:
                examples[name] = self.labels[column][examples["target_id"]]


def open_split(config: ConfigDict, request: Request) -> MeasuredSplit:
    """Opens it.

    Args:
      config: of `request.measured_config`.
      request: whether forgeries are made anew, and the list of groups.

    Raises:
      ConfigError: for data that are not there or cannot be forged from, and for lists of groups that do not fit.
    """
    try:
        attacks, batches, num_batches = _opened(config, request)
    except ConfigError as error:
        asked = f"{request.flags()}: " if request.flags() else ""
        raise ConfigError(
            f"{asked}{error}; another folder is named by --data_dir=DIR, another data set by --dataset=NAME"
        ) from error
    labels = None
    if request.groups:
        ids, labels = _labelled(config, request.groups)
        if request.only:
            is_chosen = np.zeros(len(next(iter(labels.values()))), bool)
            is_chosen[ids] = groups.chosen({column: words[ids] for column, words in labels.items()}, request.only)
            batches = _of_chosen(batches, is_chosen)
    return MeasuredSplit(attacks, batches, num_batches, labels)


def _of_chosen(batches: Iterator[dict[str, np.ndarray]], is_chosen: Bool[np.ndarray, " p"]) -> Iterator[dict]:
    """The batches with examples of chosen people in them; the others in them do not count.

    Of several hosts each gets every batch: one that left out its part of it would be waited for by the others.
    """
    for batch in batches:
        batch["is_valid"] = batch["is_valid"] & is_chosen[batch["target_id"]]
        if jax.process_count() > 1 or batch["is_valid"].any():
            yield batch


def _opened(config: ConfigDict, request: Request) -> tuple[tuple[str, ...], Iterator[dict], int]:
    if request.forge:
        split = mixture.split_of(config, "test")
        if not split.index.partners.size:
            raise ConfigError(
                f"the test split of {split.folder} has no pristine faces of two people with 68 landmarks to forge "
                "from; leave --forge out"
            )
        return forged.NAMES, forged.batches(config, "test", **spread.hosts()), forged.num_batches(config, "test")
    limit = config.data.test_examples
    batches = pipeline.eval_batches(config, "test", max_examples=limit, **spread.hosts())
    return pipeline.attack_names(config), batches, pipeline.num_eval_batches(config, "test", max_examples=limit)


def _labelled(config: ConfigDict, paths: str) -> tuple[Int[np.ndarray, " t"], groups.Labels]:
    """The numbers of the people in the split, and what the lists say of them; nothing of other numbers."""
    split = mixture.split_of(config, "test")
    ids = np.unique(split.index.target_id[np.concatenate([split.pristine, split.forgeries])])
    labels = {}
    for column, words in groups.read(paths, ids, split.names.identities).items():
        labels[column] = np.full(len(split.names.identities), "", words.dtype)
        labels[column][ids] = words
    return ids, labels
