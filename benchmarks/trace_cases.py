"""Cases whose truth is known, of people whom no network here was trained on: what docs/trace.md calibrates on.

Run:     python benchmarks/trace_cases.py --out CASES --swaps 160 LFW CELEBA:all triplets:DFDC
         Each is a folder of `dfrec prepare`: its test split, or with `:all` all of it, where nothing was trained on it.
Then:    dfrec trace index CASES/people --out CASES/gallery
         dfrec recover CASES/swaps/LFW --workdir RUN --crop none --assume swap --out CASES/recovered/LFW
         dfrec trace calibrate --gallery CASES/gallery --cases CASES/LFW.csv --head HEAD --population WORDS --out OUT
Leaves:  people/<set>-<person>/ (other photographs than those that are swapped), swaps/<set>/, visible/<set>/ and
         <set>.csv, whose exhibits are results below recovered/<set>, or with `_pictures` the swaps themselves.

Of each person a half of the photographs, the first, stands in the gallery, the others are there to be swapped: no frame
stands in both. Photographs are swapped by the generator of training (`forging`, leak 0.1 to 0.4), among its nearest
partners; the references of the visible person are those of the gallery. Recorded swaps (triplets) are as they are; of
their sources nothing is known.
"""

import argparse
import collections
import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image

from dfrec_jax.data.forged import LEAK
from dfrec_jax.forging import forge
from dfrec_jax.pictures.grid import to_uint8
from dfrec_jax.records import joint
from dfrec_jax.records.prepared import PreparedSplit

SIZE, MOST, SEED = 128, 3, 0  # pixels; photographs of each person in the gallery, at most; of the draws


class Case(NamedTuple):
    """One swap: its picture, whose face is hidden, and whose is seen; empty where that is not known."""

    picture: np.ndarray
    target: str
    source: str


def main() -> None:
    """Writes the pictures and the lists."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="+", metavar="[triplets:]DIR[:all]")
    parser.add_argument("--out", required=True, type=Path, help="a folder that is not there yet")
    parser.add_argument("--swaps", type=int, default=160, help="of each set, at most")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True)
    for entry in arguments.sets:
        kind, folder, splits = _entry(entry)
        name, cases = Path(folder).name, []
        for split in splits:
            cases += _of_split(joint.open_split(folder, kind, split), name, arguments.out)
        rows = []
        for number, case in enumerate(_evenly(cases)[: arguments.swaps]):
            file = f"swaps/{name}/{number:04d}.png"
            _save(case.picture, arguments.out / file)
            visible = sorted((arguments.out / "people" / case.source).iterdir()) if case.source else []
            references = ";".join(str(each.relative_to(arguments.out)) for each in visible)
            rows.append({"exhibit": file, "target": case.target, "source": case.source, "visible": references})
        _write(arguments.out / f"{name}_pictures.csv", rows)
        results = [row | {"exhibit": f"recovered/{name}/{Path(row['exhibit']).stem}"} for row in rows]
        _write(arguments.out / f"{name}.csv", results)
        print(f"{name}: {len(rows)} of {len(cases)} swaps, of {len({row['target'] for row in rows})} people")


def _evenly(cases: list[Case]) -> list[Case]:
    """The first of everybody, then the second of everybody who has one, and so on."""
    seen: collections.Counter[str] = collections.Counter()
    places = []
    for case in cases:
        places.append(seen[case.target])
        seen[case.target] += 1
    return [cases[number] for number in np.argsort(places, kind="stable")]


def _entry(entry: str) -> tuple[str, str, tuple[str, ...]]:
    kind, _, folder = entry.rpartition("triplets:")
    folder, _, which = folder.partition(":")
    is_recorded = entry.startswith("triplets:") and not kind
    return "triplets" if is_recorded else "faces", folder, ("train", "validation", "test") if which else ("test",)


def _of_split(split: PreparedSplit, name: str, out: Path) -> list[Case]:
    """Writes the gallery of a split; its swaps, of people of whom the gallery has photographs."""
    shown, swapped = _halves(split)
    known = set()
    for number in sorted(shown):
        person = _person(split, name, int(split.index.source_id[number]))
        _save(split.example(number, SIZE)["image"], out / "people" / person / f"{number:06d}.png")
        known.add(person)
    is_recorded = len(split.forgeries) and not split.index.has_source[split.forgeries].any()
    cases = (_recorded if is_recorded else _forged)(split, name, swapped)
    return [case for case in cases if case.target in known and (not case.source or case.source in known)]


def _halves(split: PreparedSplit) -> tuple[set[int], set[int]]:
    """Numbers of the photographs for the gallery, and of those to be swapped; people with one photograph have none."""
    shown, swapped = set(), set()
    people = split.index.source_id[split.pristine]
    for person in np.unique(people):
        mine = split.pristine[people == person].tolist()
        half = len(mine) // 2
        shown |= set(mine[:half][:MOST])
        swapped |= set(mine[half:])
    return shown, swapped


def _recorded(split: PreparedSplit, name: str, swapped: set[int]) -> Iterator[Case]:
    """Swaps as they are, whose original is among `swapped`: the same bytes were stored for both."""
    originals = {split.encoded(number, "image") for number in swapped}
    for number in split.forgeries.tolist():
        if split.encoded(number, "target") in originals:
            target = _person(split, name, int(split.index.target_id[number]))
            yield Case(split.example(number, SIZE)["image"], target, "")


def _forged(split: PreparedSplit, name: str, swapped: set[int]) -> Iterator[Case]:
    """A photograph of each person in turn, with the face of a near partner, both among `swapped`."""
    recipe = forge.SWAP._replace(leak=LEAK)

    @jax.jit
    def made(key: Any, source: Any, target: Any, source_points: Any, target_points: Any) -> Any:
        return forge.forge(recipe, forge.draw_forging(key, recipe), source, target, source_points, target_points).image

    faces, partners = split.faces, split.index.partners
    for place in np.random.default_rng(SEED).permutation(len(faces)).tolist():
        able = [choice for choice, partner in enumerate(partners[place]) if int(faces[partner]) in swapped]
        if int(faces[place]) not in swapped or not able:
            continue
        pair = split.unforged(place, able[0], SIZE)
        pictures = (jnp.asarray(pair[role], jnp.float32) / 255 for role in ("source", "target"))
        key = jax.random.fold_in(jax.random.key(SEED), place)
        image = made(key, *pictures, pair["source_points"], pair["target_points"])
        people = (_person(split, name, int(pair[f"{role}_id"])) for role in ("target", "source"))
        yield Case(to_uint8(np.asarray(image)), *people)


def _person(split: PreparedSplit, name: str, number: int) -> str:
    return f"{name}-{Path(split.names.identities[number]).name}"


def _save(pixels: np.ndarray, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def _write(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
