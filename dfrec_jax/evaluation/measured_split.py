"""The split that a network is measured on, opened and checked before anything is measured."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Int
from ml_collections import ConfigDict

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.data import forged, mixture, pipeline
from dfrec_jax.evaluation import groups
from dfrec_jax.evaluation.protocol import Protocol


class MeasuredSplit(NamedTuple):
    """What is measured.

    Attributes:
      attacks: what the numbers in `attack` mean.
      batches: as `pipeline.eval_batches` yields them.
      num_batches: how many.
      group_of: of each person by number, where intervals resample groups; None where they resample people.
    """

    attacks: tuple[str, ...]
    batches: Iterator[dict[str, np.ndarray]]
    num_batches: int
    group_of: Int[np.ndarray, " p"] | None


def open_split(config: ConfigDict, protocol: Protocol) -> MeasuredSplit:
    """Opens it.

    Args:
      config: of `protocol.measured_config`.
      protocol: whether forgeries are made anew, and the list of groups.

    Raises:
      ConfigError: for data that are not there or cannot be forged from, and for a list of groups that does not fit.
    """
    try:
        attacks, batches, num_batches = _opened(config, protocol)
    except ConfigError as error:
        asked = f"{protocol.flags()}: " if protocol.flags() else ""
        raise ConfigError(
            f"{asked}{error}; another folder is named by --data_dir=DIR, another data set by --dataset=NAME"
        ) from error
    group_of = _group_of(config, protocol.groups) if protocol.groups else None
    return MeasuredSplit(attacks, batches, num_batches, group_of)


def _opened(config: ConfigDict, protocol: Protocol) -> tuple[tuple[str, ...], Iterator[dict], int]:
    if protocol.forge:
        split = mixture.split_of(config, "test")
        if not split.index.partners.size:
            raise ConfigError(
                f"the test split of {split.folder} has no pristine faces of two people with 68 landmarks to forge "
                "from; leave --forge out"
            )
        return forged.NAMES, forged.batches(config, "test"), forged.num_batches(config, "test")
    limit = config.data.test_examples
    batches = pipeline.eval_batches(config, "test", max_examples=limit)
    return pipeline.attack_names(config), batches, pipeline.num_eval_batches(config, "test", max_examples=limit)


def _group_of(config: ConfigDict, path: str) -> Int[np.ndarray, " p"]:
    """The group of every target of the split."""
    split = mixture.split_of(config, "test")
    ids = np.unique(split.index.target_id[np.concatenate([split.pristine, split.forgeries])])
    group_of = np.full(len(split.names.identities), -1)
    group_of[ids] = groups.read(path, ids, split.names.identities)
    return group_of
