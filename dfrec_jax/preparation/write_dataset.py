"""From the parts of all jobs to a data set: ArrayRecord by TFDS, the index, rejected.csv and the sheet, all at once."""

import os
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np

from dfrec_jax.preparation import contact_sheet, stored_forgeries
from dfrec_jax.preparation.plan import PreparationError, Rejected, Remark
from dfrec_jax.preparation.unfinished import write_lists
from dfrec_jax.records import index, pictures, schema
from dfrec_jax.records.schema import LABELS

EVALUATED = ("validation", "test")


@runtime_checkable
class Store(Protocol):
    """Serialised records by number."""

    def __len__(self) -> int: ...

    def __getitem__(self, number: int, /) -> bytes: ...


class Result(NamedTuple):
    """What was prepared.

    Attributes:
      folder: of the data set.
      counts: records by split, label and attack.
      rejected: how many were refused for each reason.
      remarks: how many files there is one to make on, by remark.
      people: how many the faces of each split are of that forgeries can be made from.
    """

    folder: Path
    counts: dict[tuple[str, str, str], int]
    rejected: Counter
    remarks: Counter
    people: dict[str, int]


class _Records:
    """The records of a split: those of the jobs, then forgeries generated from them."""

    def __init__(self, store: Store):
        self._store = store
        self.forged: list[bytes] = []

    def __len__(self) -> int:
        return len(self._store) + len(self.forged)

    def __getitem__(self, number: int) -> schema.Record:
        own = len(self._store)
        return next(schema.parse([self._store[number] if number < own else self.forged[number - own]]))

    def __iter__(self) -> Iterator[schema.Record]:
        for number in range(len(self)):
            record = self[number]
            yield {**record, "label": LABELS[record["label"]]}


def write_and_move(
    dataset: str,
    folder: Path,
    unfinished: Path,
    stores: dict[str, Store],
    rejected: list[Rejected],
    remarks: list[Remark],
    *,
    description: str,
    settings: dict[str, Any],
    num_forgeries: int,
    quality: int,
    seed: int,
) -> Result:
    """Writes the data set beside its destination and moves it there when it is whole.

    Args:
      dataset: a key of `schema.BUILDERS`.
      folder: the destination, `<out>/<dataset>/<version>`.
      unfinished: a folder on the same disk, deleted in the end.
      stores: the records by split.
      rejected: what was refused.
      remarks: what a person should know of files that were used.
      description: for dataset_info.json.
      settings: for dataset_info.json: how the data were prepared.
      num_forgeries: generated for each of the validation and test splits, at most; 0: none.
      quality: of the JPEG files of those.
      seed: of those.

    Raises:
      PreparationError: where no record is left, or TFDS wrote fewer than it was given.
      OSError: where the disk is full.
    """
    splits = {split: _Records(store) for split, store in stores.items() if len(store)}
    if not splits:
        (reason, count), *_ = [*Counter(row.reason for row in rejected).most_common(1), ("there was nothing", 0)]
        raise PreparationError(f"no record is left to write: {len(rejected)} were refused, {count} of them: {reason}")
    summaries = {name: [index.summarise(split[i]) for i in range(len(split))] for name, split in splits.items()}
    for name in EVALUATED:
        if name in splits and num_forgeries:
            split, own = splits[name], index.make_index(summaries[name], index.names_of(summaries))
            made = stored_forgeries.forgeries(
                split.__getitem__, own, name, seed=seed, quality=quality, limit=num_forgeries
            )
            forged = list(schema.serialise(made))
            summaries[name] += [index.summarise(record) for record in schema.parse(forged)]
            split.forged += forged

    written = unfinished / "whole"
    shutil.rmtree(written, ignore_errors=True)
    whole = _build(dataset, written, splits, description, settings)
    names = index.names_of(summaries)
    indices = {name: index.make_index(summaries[name], names) for name in splits}
    index.write(whole, indices, names)
    for name in splits:
        pictures.write(whole, name, [summary.pictures for summary in summaries[name]])
    write_lists(whole, rejected, remarks)
    contact_sheet.write_sheet(whole / "sheet.jpg", _some(splits))
    folder.parent.mkdir(parents=True, exist_ok=True)
    os.replace(whole, folder)
    shutil.rmtree(unfinished)
    counts = Counter((name, LABELS[row.label], row.attack) for name in splits for row in summaries[name])
    people = {name: len(set(own.source_id[own.faces].tolist())) for name, own in indices.items()}
    reasons, remarked = Counter(row.reason for row in rejected), Counter(row.remark for row in remarks)
    return Result(folder, dict(counts), reasons, remarked, people)


def _build(dataset: str, folder: Path, splits: dict[str, _Records], description: str, settings: dict[str, Any]) -> Path:
    """Runs the TFDS builder and returns the folder it wrote."""
    builder = schema.BUILDERS[dataset](records=splits, data_dir=str(folder), description=description, metadata=settings)
    schema.run(builder)
    for name, split in splits.items():
        written = builder.info.splits[name].num_examples
        if written != len(split):
            raise PreparationError(
                f"TFDS wrote {written} of {len(split)} records of {name}: run the same command again"
            )
    return Path(builder.data_dir)


def _some(splits: dict[str, _Records]) -> list[schema.Record]:
    """64 records, drawn from all splits by a fixed seed."""
    places = [(name, number) for name, split in splits.items() for number in range(len(split))]
    chosen = np.random.default_rng(0).permutation(len(places))[: contact_sheet.NUM_CROPS]
    return [splits[places[i][0]][places[i][1]] for i in sorted(chosen)]
