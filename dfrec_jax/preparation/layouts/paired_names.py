"""Swaps named `<target>_<source>` beside their originals: CelebA-MegaFS, and E4S on FFHQ.

The swaps may lie under any folder; a picture named by a number alone is an original. In CelebA-MegaFS the folder tells
the method; the people behind CelebA-HQ's numbers stand in two files of CelebA and CelebA-HQ.
"""

import os
import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from dfrec_jax.preparation import splits
from dfrec_jax.preparation.inputs import tables
from dfrec_jax.preparation.inputs.listing import list_pictures
from dfrec_jax.preparation.plan import Item, Picture, Plan, PreparationError, Rejected, in_jobs, pristine_item
from dfrec_jax.records.schema import SWAP

MEGAFS_METHODS = {"ftm": "ftm", "inj": "idinjection", "lcr": "lcr"}  # a part of a folder's name, in lower case
SPLIT_BY = ("people", "target", "image")
# Of people; a swap whose two people are in different splits is left out, so its own shares are the squares of these.
PEOPLE_SHARES = (6.0, 2.0, 2.0)
SWAP_SHARES = (8.0, 1.0, 1.0)  # the paper's 8:1:1 of CelebA-MegaFS
_PAIR = re.compile(r"^(\d+)_(\d+)$")
_NUMBER = re.compile(r"^\d+$")
MAPPING, IDENTITIES = "CelebA-HQ-to-CelebA-mapping.txt", "identity_CelebA.txt"


class _Found(NamedTuple):
    swaps: list[tuple[str, Picture, int, int]]  # method, picture, target, source
    originals: dict[int, Picture]
    rejected: list[Rejected]
    notes: list[str]


def plan(
    root: str,
    *,
    dataset: str,
    originals: str = "",
    identities: str = "",
    attacks: tuple[str, ...] = (),
    split_by: str = "people",
    shares: tuple[float, float, float] | None = None,
) -> Plan:
    """Every swap below `root` with its originals.

    Args:
      root: folder or tar file of the swaps, and perhaps of the originals.
      dataset: `celeba_megafs` or `ffhq_e4s`.
      originals: another folder or tar file, of the originals.
      identities: folder of CelebA-HQ-to-CelebA-mapping.txt and identity_CelebA.txt; empty: they are looked for in
        `root` and `originals`, and where they are not, every original counts as a person of its own.
      attacks: methods to take (ftm, idinjection, lcr); empty: all.
      split_by: `people`: splits share nobody, and swaps of people of two splits are left out. `target`: all swaps are
        kept, each in the split of its target; sources are shared. `image`: as the paper splits CelebA-MegaFS, each swap
        by itself; targets and sources are shared.
      shares: of train, validation and test: of people, or of swaps; None: 6:2:2 for `people`, else 8:1:1.

    Raises:
      PreparationError: where no swap is found, for an unknown method or split, or broken lists of identities.
    """
    if split_by not in SPLIT_BY:
        raise PreparationError(f"--split-by={split_by}: must be one of {', '.join(SPLIT_BY)}")
    found = _find(root, originals, dataset)
    methods = sorted({method for method, *_ in found.swaps})
    unknown = [attack for attack in attacks if attack not in methods]
    if unknown:
        raise PreparationError(f"--attack={unknown[0]}: {root} has {', '.join(methods) or 'no swaps'}")
    swaps = [swap for swap in found.swaps if not attacks or swap[0] in attacks]
    if not swaps:
        raise PreparationError(
            f"--source={root}: holds no swap; expected pictures named <target>_<source>.jpg, two numbers"
            + (", below folders whose names hold ftm, inj or lcr" if dataset == "celeba_megafs" else "")
        )
    person_of, note = _people(root, originals, identities, dataset)
    notes = [*found.notes, *filter(None, [note])]

    person = lambda number: person_of.get(number, f"image-{number}")  # noqa: E731
    shares = shares or (PEOPLE_SHARES if split_by == "people" else SWAP_SHARES)
    items, rejected, dropped, without = [], list(found.rejected), 0, Counter()
    for method, picture, target, source in swaps:
        if split_by == "image":
            split = splits.split_by_hash(f"{method}/{target}_{source}", shares)
        elif split_by == "target":
            split = splits.split_by_hash(person(target), shares)
        else:
            sides = [splits.split_by_hash(person(number), shares) for number in (target, source)]
            if sides[0] != sides[1]:
                dropped += 1
                reason = f"its target is in {sides[0]} and its source in {sides[1]}"
                rejected.append(Rejected(picture.origin, "", reason))
                continue
            split = sides[0]
        source_picture, target_picture = found.originals.get(source), found.originals.get(target)
        without.update(source=source_picture is None, target=target_picture is None)
        items.append(
            Item(split, SWAP, method, picture, source_picture, target_picture, None, person(source), person(target))
        )
    for number, picture in sorted(found.originals.items()):
        name = f"original/{number}" if split_by == "image" else person(number)
        items.append(pristine_item(splits.split_by_hash(name, shares), picture, person(number)))
    notes += [f"{count} of {len(swaps)} swaps lack their {role}" for role, count in without.items() if count]
    if attacks and set(methods) - set(attacks):
        notes.append(f"not prepared: {', '.join(sorted(set(methods) - set(attacks)))} (--attack names others)")
    if dropped:
        notes.append(
            f"{dropped} of {len(swaps)} swaps join people of different splits and are left out (--split-by target "
            "and image keep them, and share people between splits)"
        )
    return Plan(tuple(in_jobs(items)), tuple(rejected), tuple(notes))


def _find(root: str, originals: str, dataset: str) -> _Found:
    found = _Found([], {}, [], [])
    for folder in dict.fromkeys(filter(None, (root, originals))):
        listing = list_pictures(folder, "--source=" if folder == root else "--originals=")
        found.rejected.extend(listing.rejected)
        found.notes.extend(listing.notes)
        for name in listing.names:
            path, picture = Path(name), Picture(folder, name)
            pair = _PAIR.match(path.stem)
            if pair:
                method = _method(name) if dataset == "celeba_megafs" else "e4s"
                if method:
                    found.swaps.append((method, picture, int(pair.group(1)), int(pair.group(2))))
                else:
                    reason = "no folder above it is named after a method (ftm, inj, lcr)"
                    found.rejected.append(Rejected(name, "", reason))
            elif _NUMBER.match(path.stem):
                kept = found.originals.setdefault(int(path.stem), picture)
                if not _is_same_file(kept, picture):
                    found.rejected.append(Rejected(name, "", "another original has its number", kept.name))
            else:
                found.rejected.append(Rejected(name, "", "the name is neither <target>_<source> nor a number"))
    return found


def _is_same_file(a: Picture, b: Picture) -> bool:
    """Whether they are one: `--originals` may lie below `--source`."""
    paths = [os.path.realpath(os.path.join(picture.root, picture.name)) for picture in (a, b)]
    return a == b or paths[0] == paths[1]


def _method(name: str) -> str:
    """The method that the nearest telling folder above a file names; empty where none does."""
    for folder in reversed(Path(name).parts[:-1]):
        for part, method in MEGAFS_METHODS.items():
            if part in folder.lower():
                return method
    return ""


def _people(root: str, originals: str, identities: str, dataset: str) -> tuple[dict[int, str], str]:
    """CelebA's identity for each number of CelebA-HQ, and what a person should know where it is not known."""
    if dataset != "celeba_megafs":
        return {}, ""
    for folder in (identities,) if identities else filter(None, (root, originals)):
        mapping, people = (next(iter(sorted(Path(folder).rglob(name))), None) for name in (MAPPING, IDENTITIES))
        if mapping and people:
            return _read_people(mapping, people), ""
        if identities:
            lacking = IDENTITIES if mapping else MAPPING
            raise PreparationError(
                f"--identities={identities}: {lacking} is not in it; it comes with CelebA and CelebA-HQ"
            )
    return {}, (
        f"{MAPPING} and {IDENTITIES} were not found (--identities): every original counts as a person of its own, and "
        "one person's pictures may be in several splits"
    )


def _read_people(mapping: Path, identities: Path) -> dict[int, str]:
    try:
        person_of_file = dict(line.split() for line in tables.read_text(identities).splitlines() if line.strip())
        rows = [line.split() for line in tables.read_text(mapping).splitlines()[1:] if line.strip()]
        return {int(row[0]): f"celeba-{person_of_file[row[2]]}" for row in rows}
    except PreparationError:
        raise
    except (ValueError, IndexError, KeyError) as error:
        raise PreparationError(
            f"{mapping} and {identities}: expected lines `idx orig_idx orig_file` and `file identity` ({error!r})"
        ) from error
