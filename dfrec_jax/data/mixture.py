"""The training rows and the evaluation order of a prepared data set, as its config mixes them."""

import numpy as np
from ml_collections import ConfigDict

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.data import rows
from dfrec_jax.data.even_order import EvenOrder
from dfrec_jax.pictures.framing import frame_of
from dfrec_jax.records import joint
from dfrec_jax.records.prepared import Example, PreparedSplit

EMBEDDED = "embedded"  # faces that are drawn, and read from no folder
NO_POINTS = np.zeros((68, 2), np.float32)
EVALUATION_SEED = 0  # of the order in which a split is evaluated: the first so many examples are a fair sample of it


def split_of(config: ConfigDict, split: str) -> PreparedSplit:
    """The split that the config names. Raises ConfigError as `PreparedSplit`, and for faces in another frame."""
    data = config.data
    opened = joint.open_split(data.dir, data.dataset, split, data.attack)
    wanted = frame_of(data.crop, data.margin)
    # What says nothing of its frame may have been trained on ready-made crops, of which nothing is known either.
    if not opened.frame.is_that_of(wanted) and not (data.crop is None and opened.frame.crop == "none"):
        whose = "the run says of none, which counts as" if data.crop is None else "data.crop and data.margin say"
        raise ConfigError(
            f"{opened.folder} was prepared with `{opened.frame.words()}`, and {whose} `{wanted.words()}`: a network "
            "sees what it was trained on; prepare the faces anew as the run has them, or train on these"
        )
    return opened


def with_frame(config: ConfigDict) -> ConfigDict:
    """The config with the frame of the data that it is trained on, where it leaves the frame open.

    Raises:
      ConfigError: as `PreparedSplit`.
    """
    data = config.data
    if data.dataset == EMBEDDED or data.crop is not None:
        return config
    config = config.copy_and_resolve_references()
    frame = joint.open_split(data.dir, data.dataset, "train", data.attack).frame
    config.data.crop, config.data.margin = frame
    return config


def train_kinds(config: ConfigDict) -> tuple[int, ...]:
    """The kind of each row of a training batch: real, original, BI, neural, photographs, recorded, warped swaps for the
    rest.

    Where the config leaves `data.recorded_share` open the rest is recorded forgeries, and warped swaps where the data
    have none, such as `faces`.

    Raises:
      ConfigError: for a kind that the data set cannot give, or a share below one row.
    """
    split, data = split_of(config, "train"), config.data
    forgery = rows.RECORDED if len(split.forgeries) else rows.SWAP
    shares = {rows.REAL: data.real_share, rows.BI: data.bi_share}
    if data.original_share:
        shares[rows.ORIGINAL] = data.original_share
    if data.neural_share:
        shares[rows.NEURAL] = data.neural_share
    if data.photograph_share:
        shares[rows.PHOTOGRAPH] = data.photograph_share
    if data.recorded_share is not None:
        shares[rows.RECORDED], forgery = data.recorded_share, rows.SWAP
    shares[forgery] = max(0.0, 1.0 - sum(shares.values()))
    _check_recorded(config, split, shares)
    if data.attack and forgery == rows.SWAP and data.recorded_share is None and shares[forgery] > 0:
        raise ConfigError(f"data.attack={data.attack!r}: the training split of {split.folder} has no forgery of it")
    fields = {
        rows.BI: f"data.bi_share={data.bi_share}",
        rows.NEURAL: f"data.neural_share={data.neural_share}",
        rows.SWAP: f"data.dataset={data.dataset!r}",
    }
    for kind, field in fields.items():
        if shares.get(kind, 0) > 0 and not split.index.partners.size:
            raise ConfigError(
                f"{field}: forging needs pristine faces of two people or more with 68 landmarks, and the training "
                f"split of {split.folder} has {len(split.faces)} such faces; set data.bi_share=0, or prepare originals"
            )
    for kind in (rows.RECORDED, rows.ORIGINAL):
        if shares.get(kind, 0) > 0 and not len(_recorded(split, kind)):
            raise ConfigError(
                f"data.{rows.KINDS[kind]}_share={shares[kind]}: the training split of {split.folder} has no recorded "
                f"forgery{' whose target is at hand' if kind == rows.ORIGINAL else ''}; use 0, or name a data set that "
                "has some in data.dir"
            )
    if data.photograph_share > 0 and not len(split.faces):
        raise ConfigError(
            f"data.photograph_share={data.photograph_share}: faces are hidden by their 68 landmarks, and no face of "
            f"the training split of {split.folder} has them; use 0, or prepare photographs"
        )
    if data.real_share > 0 and not len(split.pristine):
        raise ConfigError(f"data.real_share={data.real_share}: {split.folder} has no pristine face; use 0")
    try:
        return rows.row_kinds(config.train.batch_size, shares)
    except ValueError as error:
        raise ConfigError(str(error)) from error


def _recorded(split: PreparedSplit, kind: int) -> np.ndarray:
    """The recorded forgeries that rows of `kind` are made of."""
    return split.forgeries[split.index.has_target[split.forgeries]] if kind == rows.ORIGINAL else split.forgeries


def _check_recorded(config: ConfigDict, split: PreparedSplit, shares: dict[int, float]) -> None:
    """Raises ConfigError where a mixture would starve the losses of the source."""
    loss = config.get("loss", {})  # a compared method has no losses of a source
    counts = loss.get("source_features", 0) > 0 or loss.get("source_pixels", 0) > 0
    if not counts or not len(split.forgeries):
        return
    own = sum(shares.get(kind, 0.0) for kind in (rows.BI, rows.SWAP, rows.NEURAL))
    forged = own + shares[rows.RECORDED]
    with_source = own + shares[rows.RECORDED] * float(split.index.has_source[split.forgeries].mean())
    if forged > 0 and with_source < forged / 2 - 1e-6:
        unset = f" (unset it is {shares[rows.RECORDED]:g} here)" if config.data.recorded_share is None else ""
        raise ConfigError(
            f"data.recorded_share={config.data.recorded_share}: of the forgeries of a batch {with_source / forged:.2f} "
            f"would have a source at hand, and at least half must while its losses count; lower it{unset}, or set "
            "loss.source_features=0 and loss.source_pixels=0"
        )


class TrainRows:
    """Every row of every training batch by its number, step * batch size + row; still encoded, and not forged yet."""

    def __init__(self, config: ConfigDict):
        """Opens the training split. Raises ConfigError as `train_kinds`."""
        self._split, self._kinds = split_of(config, "train"), train_kinds(config)
        self._seed, self._size = config.seed, config.image_size
        split = self._split
        recorded = {kind: _recorded(split, kind) for kind in (rows.RECORDED, rows.ORIGINAL)}
        self._numbers = {rows.REAL: split.pristine, **recorded}
        faces = dict.fromkeys((rows.BI, rows.SWAP, rows.PHOTOGRAPH, rows.NEURAL), split.faces)
        shuffled = {rows.RECORDED} if config.data.recorded_share is None else set()
        self._sizes = {kind: len(recorded[kind]) for kind in shuffled}
        self._even = {
            kind: EvenOrder(split.index.target_id[numbers], split.index.attack[numbers], seed=config.seed, stream=kind)
            for kind, numbers in (self._numbers | faces).items()
            if kind in self._kinds and kind not in shuffled
        }

    def __call__(self, index: int) -> Example:
        kind, number = self._place(index)
        if kind in self._numbers:
            of_record = self._split.encoded_original if kind == rows.ORIGINAL else self._split.encoded_example
            example = of_record(int(self._numbers[kind][number]), self._size)
            example |= {"source_points": NO_POINTS, "target_points": NO_POINTS}
        else:
            choice = rows.scrambled(self._seed, index)
            pair = self._split.encoded_photograph if kind == rows.PHOTOGRAPH else self._split.encoded_pair
            example = pair(number, choice, self._size)
        return {**example, "kind": np.int32(kind), "example": np.uint32(index % 2**32)}

    def _place(self, index: int) -> tuple[int, int]:
        """The kind of row `index`, and the number of its example among those of its kind: people come alike often."""
        kind, position = rows.position_of(self._kinds, index)
        if kind in self._even:
            return kind, self._even[kind](position)
        return kind, rows.place_of(self._kinds, self._sizes, self._seed, index).number


class EvaluationRows:
    """Every example of a split that is evaluated, in a fixed mixed order: pristine faces and swaps as recorded."""

    def __init__(self, config: ConfigDict, split: str):
        """Opens the split. Raises ConfigError as `PreparedSplit`, and where there is nothing to evaluate."""
        self._split, self._size = split_of(config, split), config.image_size
        numbers = np.concatenate([self._split.pristine, self._split.forgeries])
        if not len(numbers):
            of = f" of {config.data.attack!r}" if config.data.attack else ""
            raise ConfigError(
                f"{self._split.folder}: its {split} split holds no pristine face and no swap{of}; prepare the data "
                f"with a share for {split}"
            )
        self._numbers = np.random.default_rng(EVALUATION_SEED).permutation(np.sort(numbers))

    def __len__(self) -> int:
        return len(self._numbers)

    def __call__(self, row: int) -> Example:
        return self._split.encoded_example(int(self._numbers[row]), self._size)

    def num_scored(self, max_examples: int = 0) -> int:
        """How many of the first so many (0: all) are forgeries whose target is known."""
        chosen = self._numbers[: max_examples or None]
        return int((self._split.index.has_target[chosen] & np.isin(chosen, self._split.forgeries)).sum())
