"""The training rows and the evaluation order of a prepared data set, as its config mixes them."""

import numpy as np
from ml_collections import ConfigDict

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.data import rows
from dfrec_jax.records import joint
from dfrec_jax.records.prepared import Example, PreparedSplit

NO_POINTS = np.zeros((68, 2), np.float32)
EVALUATION_SEED = 0  # of the order in which a split is evaluated: the first so many examples are a fair sample of it


def split_of(config: ConfigDict, split: str) -> PreparedSplit:
    """The split that the config names. Raises ConfigError as `PreparedSplit`."""
    return joint.open_split(config.data.dir, config.data.dataset, split, config.data.attack)


def train_kinds(config: ConfigDict) -> tuple[int, ...]:
    """The kind of each row of a training batch: real, BI, and for the rest forgeries as recorded.

    A data set without recorded forgeries, such as `faces`, has warped swaps in their place.

    Raises:
      ConfigError: for a kind that the data set cannot give, or a share below one row.
    """
    split, data = split_of(config, "train"), config.data
    forgery = rows.RECORDED if len(split.forgeries) else rows.SWAP
    shares = {rows.REAL: data.real_share, rows.BI: data.bi_share}
    shares[forgery] = max(0.0, 1.0 - data.real_share - data.bi_share)
    if data.attack and forgery == rows.SWAP and shares[forgery] > 0:
        raise ConfigError(f"data.attack={data.attack!r}: the training split of {split.folder} has no forgery of it")
    for kind, field in ((rows.BI, f"data.bi_share={data.bi_share}"), (rows.SWAP, f"data.dataset={data.dataset!r}")):
        if shares.get(kind, 0) > 0 and not split.index.partners.size:
            raise ConfigError(
                f"{field}: forging needs pristine faces of two people or more with 68 landmarks, and the training "
                f"split of {split.folder} has {len(split.faces)} such faces; set data.bi_share=0, or prepare originals"
            )
    if data.real_share > 0 and not len(split.pristine):
        raise ConfigError(f"data.real_share={data.real_share}: {split.folder} has no pristine face; use 0")
    try:
        return rows.row_kinds(config.train.batch_size, shares)
    except ValueError as error:
        raise ConfigError(str(error)) from error


class TrainRows:
    """Every row of every training batch by its number, step * batch size + row; still encoded, and not forged yet."""

    def __init__(self, config: ConfigDict):
        """Opens the training split. Raises ConfigError as `train_kinds`."""
        self._split, self._kinds = split_of(config, "train"), train_kinds(config)
        self._seed, self._size = config.seed, config.image_size
        split = self._split
        self._numbers = {rows.REAL: split.pristine, rows.RECORDED: split.forgeries}
        self._sizes = {kind: len(numbers) for kind, numbers in self._numbers.items()}
        self._sizes |= {rows.BI: len(split.faces), rows.SWAP: len(split.faces)}

    def __call__(self, index: int) -> Example:
        place = rows.place_of(self._kinds, self._sizes, self._seed, index)
        if place.kind in self._numbers:
            example = self._split.encoded_example(int(self._numbers[place.kind][place.number]), self._size)
            example |= {"source_points": NO_POINTS, "target_points": NO_POINTS}
        else:
            choice = rows.scrambled(self._seed, index)
            example = self._split.encoded_pair(place.number, choice, self._size)
        return {**example, "kind": np.int32(place.kind), "example": np.uint32(index % 2**32)}


class EvaluationRows:
    """Every example of a split that is evaluated, in a fixed mixed order: pristine faces and swaps as recorded."""

    def __init__(self, config: ConfigDict, split: str):
        """Opens the split. Raises ConfigError as `PreparedSplit`, and where there is nothing to evaluate."""
        self._split, self._size = split_of(config, split), config.image_size
        numbers = np.concatenate([self._split.pristine, self._split.forgeries])
        if not len(numbers):
            raise ConfigError(f"{self._split.folder}: {split} has nothing to evaluate")
        self._numbers = np.random.default_rng(EVALUATION_SEED).permutation(np.sort(numbers))

    def __len__(self) -> int:
        return len(self._numbers)

    def __call__(self, row: int) -> Example:
        return self._split.encoded_example(int(self._numbers[row]), self._size)

    def num_scored(self, max_examples: int = 0) -> int:
        """How many of the first so many (0: all) are forgeries whose target is known."""
        chosen = self._numbers[: max_examples or None]
        return int((self._split.index.has_target[chosen] & np.isin(chosen, self._split.forgeries)).sum())
