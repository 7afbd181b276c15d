"""Whether the people of the measured split stand in training too: counted, and said of what it was counted by."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Shaped
from ml_collections import ConfigDict

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.data import mixture, pipeline
from dfrec_jax.records import joint, staged
from dfrec_jax.synthetic import dataset as embedded

_NAMED_AFTER_AN_EXAMPLE = ("source-", "target-")  # by `dfrec prepare triplets`, where nobody says who is in it


class Person(NamedTuple):
    """Who is in a picture: people are told apart by their names within the data set of one folder."""

    folder: str
    name: str


def overlap(
    trained_on: ConfigDict | None,
    measured_on: ConfigDict,
    examples: Mapping[str, Shaped[np.ndarray, " n"]],
    split: str = "test",
) -> str:
    """How many of the people in `examples` stand in training too, as the end of a sentence.

    Args:
      trained_on: config of the training; None for a network that was trained elsewhere.
      measured_on: config of the evaluation.
      examples: `source_id` and `target_id` of every measured example.
      split: one in which they stand.
    """
    ids = np.union1d(examples["source_id"], examples["target_id"])
    if measured_on.data.dataset == pipeline.EMBEDDED:
        return _of_drawn_people(trained_on, ids)
    measured = _people(measured_on, split, ids)
    if trained_on is None:
        return (
            f"whether their {len(measured)} people stood in the training of this imported network cannot be told here"
        )
    if trained_on.data.dataset == pipeline.EMBEDDED:
        return f"none of their {len(measured)} people stands in training, which saw drawn faces alone"
    return _of_named_people(trained_on, measured)


def _of_drawn_people(trained_on: ConfigDict | None, ids: np.ndarray) -> str:
    """By construction: people are numbers, and each split has a range of them."""
    if trained_on is None or trained_on.data.dataset != pipeline.EMBEDDED:
        return f"none of their {len(ids)} people, who are drawn, stands in training"
    train = embedded.split_of("train")
    first, last = train.first_identity, train.first_identity + train.num_identities
    return _counted(int(((first <= ids) & (ids < last)).sum()), len(ids))


def _of_named_people(trained_on: ConfigDict, measured: set[Person]) -> str:
    try:
        in_training = _all_people(trained_on, "train")
    except ConfigError as error:
        return (
            f"whether their {len(measured)} people stand in training cannot be told, for its data are not at hand "
            f"({error})"
        )
    said = _counted(len(_shared(measured, in_training)), len(measured))
    if not {person.folder for person in measured} <= {person.folder for person in in_training}:
        said = f"by name, {said} (`{trained_on.data.dataset}`), and under another name more of them could"
    elif in_validation := _shared(measured, _all_people(trained_on, "validation")):
        said += f", and {len(in_validation)} in validation, by which the best checkpoint is chosen"
    if unnamed := sum(person.name.startswith(_NAMED_AFTER_AN_EXAMPLE) for person in measured):
        said += (
            f" ({unnamed} are named after the example that they stand in: whether such a person, or one picture, "
            "stands in another example too is not told by names; `dfrec data audit` looks for pictures in two splits)"
        )
    return said


def _shared(measured: set[Person], others: set[Person]) -> set[Person]:
    """Those who stand among the others: people of one folder are told apart, of others only names can be compared."""
    folders, names = {person.folder for person in others}, {person.name for person in others}
    return {person for person in measured if (person in others if person.folder in folders else person.name in names)}


def _counted(shared: int, total: int) -> str:
    if shared:
        return f"**{shared} of their {total} people stand{'s' if shared == 1 else ''} in training too**"
    return f"none of their {total} people stands in training"


def _all_people(config: ConfigDict, split: str) -> set[Person]:
    """Everybody in the examples of a split, as a source or as a target. Raises ConfigError as `split_of`."""
    opened = mixture.split_of(config, split)
    numbers = np.concatenate([opened.pristine, opened.forgeries])
    ids = np.union1d(opened.index.source_id[numbers], opened.index.target_id[numbers])
    return _people(config, split, ids)


def _people(config: ConfigDict, split: str, ids: np.ndarray) -> set[Person]:
    """The people with these numbers; where several data sets are read as one, each name begins with its folder."""
    names = mixture.split_of(config, split).names.identities
    named = joint.named_folders(config.data.dir, config.data.dataset)
    folders = [staged.place_of(folder, kind) for kind, folder in named]
    people = set()
    for name in (names[number] for number in ids):
        folder = next((f for f in folders if len(folders) > 1 and name.startswith(f"{f}/")), folders[0])
        whose = str(folder.resolve() if isinstance(folder, Path) else folder)
        people.add(Person(whose, name.removeprefix(f"{folder}/") if len(folders) > 1 else name))
    return people
