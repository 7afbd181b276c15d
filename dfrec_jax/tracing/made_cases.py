"""Cases whose truth is known, made of prepared data: people for a gallery, and swaps of their other photographs.

Of each person the first half of the photographs stands in the gallery, the others are there to be swapped: no frame
stands in both. Photographs are swapped by the generator of training (`forge.SWAP`) among their nearest partners. Where
the data set records swaps (all but `faces`), those are taken as they are whose original is among the others.
"""

import collections
import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.forging import forge
from dfrec_jax.pictures.grid import to_uint8
from dfrec_jax.records import joint, staged
from dfrec_jax.records.prepared import PreparedSplit
from dfrec_jax.tracing.known_cases import COLUMNS

SIZE = 128  # pixels of the pictures, or the network's where it takes more
MOST_SHOWN = 3  # photographs of each person in the gallery, of each split
PHOTOGRAPHS = "faces"  # the one data set without recorded swaps: those in it were generated, to be measured on
PEOPLE, SWAPS, RECOVERED, GALLERY, CASES = "people", "swaps", "recovered", "gallery", "cases.csv"
_ALL, _SPLITS = ":all", ("train", "validation", "test")


class DataSet(NamedTuple):
    """A prepared data set and the splits of it that are used.

    Attributes:
      entry: as it was named.
      name: of its folder; the same for no other.
      kind: of the data set, by which `dfrec prepare` calls it.
      folder: that holds it.
      is_all: whether all its splits were asked for, and not the test split alone.
      splits: opened, by name.
    """

    entry: str
    name: str
    kind: str
    folder: str
    is_all: bool
    splits: dict[str, PreparedSplit]


class Photograph(NamedTuple):
    """A photograph for the gallery: a record of a split, and where it is to lie."""

    split: PreparedSplit
    number: int
    file: str


class Swap(NamedTuple):
    """A swap that is recorded, or is to be made.

    Attributes:
      split: of which.
      place: of the target in `split.faces`; of a recorded swap its record.
      choice: the partner whose face it gets; None: it is recorded.
      target: whose face is hidden.
      source: whose face is seen; empty where that is not known.
    """

    split: PreparedSplit
    place: int
    choice: int | None
    target: str
    source: str


class Plan(NamedTuple):
    """What is to be made of a data set; `possible` counts the swaps of which `swaps` are the chosen ones."""

    data: DataSet
    photographs: tuple[Photograph, ...]
    swaps: tuple[Swap, ...]
    possible: int

    def files(self) -> list[str]:
        """Where the swaps are to lie, in their order."""
        return [f"{SWAPS}/{self.data.name}/{number:04d}.png" for number in range(len(self.swaps))]


def opened(entries: Sequence[str]) -> list[DataSet]:
    """Opens what `--data` names: `[BUILDER:]DIR[:all]`, the test split or all of it; several may have commas between.

    Raises:
      ConfigError: as `PreparedSplit`.
    """
    found: list[DataSet] = []
    for entry in (part.strip() for several in entries for part in several.split(",")):
        is_all = entry.endswith(_ALL)
        ((kind, folder),) = joint.named_folders(entry.removesuffix(_ALL), PHOTOGRAPHS)
        names = [each.name for each in found]
        name = Path(folder).name or "data"
        number = next(number for number in range(1, len(names) + 2) if _numbered(name, number) not in names)
        splits = {split: PreparedSplit(folder, kind, split) for split in (_there(folder, kind) if is_all else ["test"])}
        found.append(DataSet(entry, _numbered(name, number), kind, folder, is_all, splits))
    return found


def _numbered(name: str, number: int) -> str:
    return name if number == 1 else f"{name}-{number}"


def _there(folder: str, kind: str) -> list[str]:
    """The splits that a folder has; all three where that is not known before they are asked for."""
    place = staged.place_of(folder, kind)
    found = [split for split in _SPLITS if isinstance(place, Path) and (place / f"index-{split}.npz").exists()]
    return found or list(_SPLITS)


def plan(data: DataSet, most: int, seed: int) -> Plan:
    """Chooses photographs and at most so many swaps, as many people's as there are; nothing is made yet.

    Raises:
      ConfigError: where no swap can be had.
    """
    photographs: list[Photograph] = []
    swaps: list[Swap] = []
    for split_name, split in data.splits.items():
        shown, swapped = _halves(split)
        known = {_person(split, data.name, int(split.index.source_id[number])) for number in shown}
        for number in sorted(shown):
            person = _person(split, data.name, int(split.index.source_id[number]))
            photographs.append(Photograph(split, number, f"{PEOPLE}/{person}/{split_name}-{number:06d}.png"))
        if data.kind == PHOTOGRAPHS:
            found = _forged(split, data.name, swapped, seed)
        else:
            found = _recorded(split, data.name, shown, swapped)
        swaps += [swap for swap in found if swap.target in known and (not swap.source or swap.source in known)]
    if not swaps:
        raise ConfigError(
            f"--data={data.entry}: no swap can be had of its {', '.join(data.splits)} split: people with two "
            "photographs are needed, one for the gallery and another that is swapped"
            + ("" if data.is_all else f"; {_ALL} after the folder takes all its splits")
        )
    return Plan(data, tuple(photographs), tuple(_evenly(swaps)[:most]), len(swaps))


def _halves(split: PreparedSplit) -> tuple[set[int], set[int]]:
    """Numbers of the photographs for the gallery, and of those to be swapped; people with one photograph have none."""
    shown, swapped = set(), set()
    people = split.index.source_id[split.pristine]
    for person in np.unique(people):
        mine = split.pristine[people == person].tolist()
        half = len(mine) // 2
        shown |= set(mine[:half][:MOST_SHOWN])
        swapped |= set(mine[half:])
    return shown, swapped


def _recorded(split: PreparedSplit, name: str, shown: set[int], swapped: set[int]) -> Iterator[Swap]:
    """Swaps as they are, whose original is among `swapped` and whose source is not among `shown`: the same bytes were
    stored for both."""
    originals = {split.encoded(number, "image") for number in swapped}
    of_gallery = {split.encoded(number, "image") for number in shown}
    for number in split.forgeries.tolist():
        if split.encoded(number, "target") not in originals or split.encoded(number, "source") in of_gallery:
            continue
        target = _person(split, name, int(split.index.target_id[number]))
        has_source = bool(split.index.has_source[number])
        yield Swap(
            split, number, None, target, _person(split, name, int(split.index.source_id[number])) if has_source else ""
        )


def _forged(split: PreparedSplit, name: str, swapped: set[int], seed: int) -> Iterator[Swap]:
    """Photographs in an order that is drawn, each with the face of a near partner, both among `swapped`."""
    faces, partners, people = split.faces, split.index.partners, split.index.source_id
    for place in np.random.default_rng(seed).permutation(len(faces)).tolist():
        able = [choice for choice, partner in enumerate(partners[place]) if int(faces[partner]) in swapped]
        if int(faces[place]) in swapped and able:
            target, source = (
                _person(split, name, int(people[faces[each]])) for each in (place, partners[place, able[0]])
            )
            yield Swap(split, place, able[0], target, source)


def _evenly(swaps: list[Swap]) -> list[Swap]:
    """The first of everybody, then the second of everybody who has one, and so on."""
    seen: collections.Counter[str] = collections.Counter()
    places = []
    for swap in swaps:
        places.append(seen[swap.target])
        seen[swap.target] += 1
    return [swaps[number] for number in np.argsort(places, kind="stable")]


def _person(split: PreparedSplit, name: str, number: int) -> str:
    return f"{name}-{split.names.identities[number].replace('/', '_')}"


def writing(plan: Plan, folder: Path, size: int, seed: int) -> Iterator[str]:
    """Writes the photographs and the swaps of a plan below `folder`, and yields each file's name.

    Args:
      plan: of `plan`.
      folder: in which `people/` and `swaps/` come to lie.
      size: of the pictures in pixels.
      seed: of the swaps.

    Raises:
      DamagedPicture: for a record whose picture cannot be read.
      OSError: where nothing can be written.
    """
    for one in plan.photographs:
        _save(one.split.example(one.number, size)["image"], folder / one.file)
        yield one.file
    forged = jax.jit(_forge)
    for swap, file in zip(plan.swaps, plan.files(), strict=True):
        if swap.choice is None:
            pixels = swap.split.example(swap.place, size)["image"]
        else:
            pair = swap.split.unforged(swap.place, swap.choice, size)
            pictures = (jnp.asarray(pair[role], jnp.float32) / 255 for role in ("source", "target"))
            key = jax.random.fold_in(jax.random.key(seed), swap.place)
            pixels = to_uint8(np.asarray(forged(key, *pictures, pair["source_points"], pair["target_points"])))
        _save(pixels, folder / file)
        yield file


def _forge(key: Any, source: Any, target: Any, source_points: Any, target_points: Any) -> Any:
    draw = forge.draw_forging(key, forge.SWAP)
    return forge.forge(forge.SWAP, draw, source, target, source_points, target_points).image


def _save(pixels: np.ndarray, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def write_cases(plans: Sequence[Plan], folder: Path, known: set[str]) -> int:
    """Writes the list of cases (`known_cases.cases_of`), whose exhibits are results below `recovered/`.

    Args:
      plans: of which everything was written.
      folder: of the pictures.
      known: people of the gallery. Swaps of others are left out; a source who is none of them is not named.

    Returns:
      The number of swaps that were left out.
    """
    rows: list[tuple[str, ...]] = []
    for plan in plans:
        for swap, file in zip(plan.swaps, plan.files(), strict=True):
            source = swap.source if swap.source in known else ""
            visible = sorted((folder / PEOPLE / swap.source).iterdir()) if source else []
            references = ";".join(each.relative_to(folder).as_posix() for each in visible)
            if swap.target in known:
                result = f"{RECOVERED}/{plan.data.name}/{Path(file).stem}"
                rows.append((result, swap.target, source, references))
    with (folder / CASES).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerows([COLUMNS[:4], *rows])
    return sum(len(plan.swaps) for plan in plans) - len(rows)
