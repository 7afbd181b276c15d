"""What a prepared data set holds, and whether what a network is tested on leaked into what it learns from."""

import csv
import hashlib
import io
import itertools
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import grain
import numpy as np
from PIL import Image

from dfrec_jax.audit import near_duplicates
from dfrec_jax.preparation.plan import PreparationError
from dfrec_jax.preparation.splits import SPLITS
from dfrec_jax.records import schema
from dfrec_jax.records.schema import LABELS, PRISTINE

NUM_EXAMPLES = 16  # of each split on the page, and leaks named in the report


class Seen(NamedTuple):
    """A picture of one split and what it looks like. Equal bytes are one picture."""

    origin: str
    digest: str
    hash: np.uint64
    thumbnail: np.ndarray


class Split(NamedTuple):
    """What one split shows: each picture once, and for each person the origin of a record of theirs."""

    pictures: list[Seen]
    people: dict[str, str]


class Leak(NamedTuple):
    """The same person or picture in two splits, by the origins of two records."""

    kind: str
    first_split: str
    second_split: str
    first: str
    second: str


class Audit(NamedTuple):
    """The result.

    Attributes:
      folder: of the data set.
      counts: records by split, label and attack.
      people: by split; those of a pair whose picture is not at hand count as well.
      missing: records that lack a source, a target, a mask, by (split, attack, what).
      rejected: what the preparation refused, by reason.
      histograms: by name, the edges of the bins and the count in each.
      leaks: every person and picture that two splits share.
      examples: some records, for the page.
    """

    folder: Path
    counts: dict[tuple[str, str, str], int]
    people: dict[str, int]
    missing: dict[tuple[str, str, str], int]
    rejected: dict[str, int]
    histograms: dict[str, tuple[list[float], list[int]]]
    leaks: list[Leak]
    examples: list[schema.Record]


def find_folder(path: str) -> Path:
    """The folder with names.json at or below `path`.

    Raises:
      PreparationError: where there is none, or several.
    """
    found = sorted(file.parent for file in Path(path).glob("**/names.json") if "unfinished" not in file.parts)
    if len(found) != 1:
        there = ", ".join(map(str, found)) or "none"
        raise PreparationError(f"{path}: must be the folder of one data set that `dfrec prepare` wrote; found {there}")
    return found[0]


def audit(folder: Path) -> Audit:
    """Reads every record of the data set in `folder`.

    Raises:
      PreparationError: for a folder without records.
    """
    counts, missing, splits, examples = Counter(), Counter(), {}, []
    measures: dict[str, list[float]] = {name: [] for name in _BINS}
    for name in SPLITS:
        paths = sorted(map(str, folder.glob(f"*-{name}.array_record-*")))
        if not paths:
            continue
        source: Any = grain.sources.ArrayRecordDataSource(paths)
        pictures, people = {}, {}
        shown = set(np.linspace(0, len(source) - 1, min(NUM_EXAMPLES, len(source))).astype(int).tolist())
        for number, record in enumerate(schema.parse(source[i] for i in range(len(source)))):
            label, attack, origin = LABELS[record["label"]], record["attack"].decode(), record["origin"].decode()
            counts[name, label, attack] += 1
            if label != PRISTINE:
                missing.update((name, attack, what) for what in ("source", "target", "mask") if not record[what])
            _measure(record, measures)
            for one in _pictures(record):
                pictures.setdefault(one.digest, one)
            for role in ("source", "target"):
                people.setdefault(record[f"{role}_identity"].decode(), origin)
            if number in shown:
                examples.append(record)
        splits[name] = Split(list(pictures.values()), people)
    if not splits:
        raise PreparationError(f"{folder}: holds no records; run `dfrec prepare` again")
    return Audit(
        folder=folder,
        counts=dict(counts),
        people={name: len(split.people) for name, split in splits.items()},
        missing=dict(missing),
        rejected=_rejected(folder / "rejected.csv"),
        histograms={
            name: (list(map(float, edges)), np.histogram(measures[name], edges)[0].tolist())
            for name, edges in _BINS.items()
        },
        leaks=find_leaks(splits),
        examples=examples,
    )


def find_leaks(splits: dict[str, Split]) -> list[Leak]:
    """What every two splits share: people by name, pictures by their bytes, and pictures by what they look like."""
    leaks = []
    for (first, one), (second, two) in itertools.combinations(splits.items(), 2):
        shared = sorted(one.people.keys() & two.people.keys())
        leaks += [Leak("person", first, second, one.people[name], two.people[name]) for name in shared]
        origins = [{picture.digest: picture.origin for picture in split.pictures} for split in (one, two)]
        shared = sorted(origins[0].keys() & origins[1].keys())
        leaks += [Leak("picture", first, second, origins[0][digest], origins[1][digest]) for digest in shared]
        arrays = [
            (
                np.array([picture.hash for picture in split.pictures], np.uint64),
                np.stack([picture.thumbnail for picture in split.pictures]),
            )
            for split in (one, two)
        ]
        for i, j in near_duplicates.near_duplicates(*arrays[0], *arrays[1]):
            some, other = one.pictures[i], two.pictures[j]
            if some.digest != other.digest:
                leaks.append(Leak("near-duplicate", first, second, some.origin, other.origin))
    return leaks


def _pictures(record: schema.Record) -> list[Seen]:
    """The pictures of a record that are at hand."""
    seen = []
    for role, origin in (("image", "origin"), ("source", "source_origin"), ("target", "target_origin")):
        if record[role]:
            small = near_duplicates.thumbnail(schema.decode(record[role]))
            digest = hashlib.sha256(record[role]).hexdigest()
            code = near_duplicates.perceptual_hash(small)
            seen.append(Seen(record[origin].decode(), digest, code, small))
    return seen


def _measure(record: schema.Record, measures: dict[str, list[float]]) -> None:
    image = schema.decode(record["image"])
    scale = float(np.sqrt(abs(np.linalg.det(record["crop"][:, :2]))))
    measures["origin_pixels"].append(image.shape[0] / max(scale, 1e-6))
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    measures["sharpness"].append(float(cv2.Laplacian(gray, cv2.CV_32F).var()))
    measures["jpeg_quality"].append(_jpeg_quality(record["image"]))


def _jpeg_quality(data: bytes) -> float:
    """The quality on libjpeg's scale whose luma table has the mean of the file's."""
    table = np.mean(Image.open(io.BytesIO(data)).quantization[0])  # pyright: ignore[reportAttributeAccessIssue]
    scale = 100 * table / 57.6  # of the standard table at quality 50
    return float(np.clip(100 - scale / 2 if scale <= 100 else 5000 / scale, 1, 100))


_BINS = {
    "origin_pixels": [0, 64, 96, 128, 192, 256, 384, 512, 1024, np.inf],
    "sharpness": [0, 10, 30, 100, 300, 1000, 3000, np.inf],
    "jpeg_quality": [0, 50, 70, 80, 90, 94, 97, 101],
}


def _rejected(path: Path) -> dict[str, int]:
    with open(path, newline="", encoding="utf-8") as file:
        return dict(Counter(row["reason"] for row in csv.DictReader(file)).most_common())
