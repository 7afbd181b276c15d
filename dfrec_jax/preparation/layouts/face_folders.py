"""Photographs of people, `<identity>/<picture>` in a folder or a tar file, for which forgeries are generated."""

import math
from collections.abc import Collection
from pathlib import Path, PurePosixPath

from dfrec_jax.preparation import splits
from dfrec_jax.preparation.inputs import left_alone, tables
from dfrec_jax.preparation.inputs.listing import list_pictures
from dfrec_jax.preparation.plan import Picture, Plan, PreparationError, Rejected, in_jobs, pristine_item

CELEBA_ATTRIBUTES = tuple(
    """5_o_Clock_Shadow Arched_Eyebrows Attractive Bags_Under_Eyes Bald Bangs Big_Lips Big_Nose Black_Hair Blond_Hair
    Blurry Brown_Hair Bushy_Eyebrows Chubby Double_Chin Eyeglasses Goatee Gray_Hair Heavy_Makeup High_Cheekbones Male
    Mouth_Slightly_Open Mustache Narrow_Eyes No_Beard Oval_Face Pale_Skin Pointy_Nose Receding_Hairline Rosy_Cheeks
    Sideburns Smiling Straight_Hair Wavy_Hair Wearing_Earrings Wearing_Hat Wearing_Lipstick Wearing_Necklace
    Wearing_Necktie Young""".split()
)
BOX = ("x0", "y0", "x1", "y1")
# Columns of five landmarks, the person's right eye, which is the left one as seen in the picture, first.
LANDMARKS = tuple(f"{part}_{axis}" for part in ("eye_r", "eye_l", "nose", "mouth_r", "mouth_l") for axis in ("x", "y"))


def plan(
    root: str,
    *,
    split_file: str = "",
    shares: tuple[float, float, float] = (8.0, 1.0, 1.0),
    attributes: str = "",
    detections: str = "",
) -> Plan:
    """Every picture below `root`, its identity the folder it lies in.

    Args:
      root: folder, tar file, or `tfds:NAME` of a data set that TFDS has prepared.
      split_file: CSV with columns file and split, honoured exactly; perhaps identity, and CelebA's 40 attributes. A
        picture that it does not name is refused, and so is one that it names and that is not there. Empty: a split
        by a hash of the identity.
      shares: of train, validation and test, of identities, where there is no split file.
      attributes: CelebA's list_attr_celeba.txt, or a CSV with columns file and its 40; empty: those of the split file.
      detections: CSV with columns file, x0, y0, x1, y1 and perhaps eye_r_x .. mouth_l_y, in place of the detector.

    Raises:
      PreparationError: where there is no picture, for pictures with no folder above them and no split file, and for
        broken tables.
    """
    listing = list_pictures(root, "--source=")
    names, rejected = listing.names, list(listing.rejected)
    there = set(names)
    rows = _by_file(split_file, there, "file", "split") if split_file else {}
    try:
        values = {name: _values(row) for name, row in rows.items() if _values(row)}
    except ValueError as error:
        raise PreparationError(f"{split_file}: expected the 40 attributes of CelebA as numbers ({error})") from error
    if attributes:
        values = read_attributes(attributes, "--attributes=")
    faces = (
        {name: _face(row, detections) for name, row in _by_file(detections, there, "file", *BOX).items()}
        if detections
        else {}
    )
    if split_file:
        rejected += [Rejected(name, rows[name]["split"], "is not there") for name in sorted(set(rows) - there)]
    items = []
    for name in names:
        if split_file and name not in rows:
            rejected.append(Rejected(name, "", f"is not in {Path(split_file).name}"))
            continue
        if detections and name not in faces:
            rejected.append(Rejected(name, "", f"is not in {Path(detections).name}"))
            continue
        identity = rows.get(name, {}).get("identity", "") or PurePosixPath(name).parent.name
        if not identity:
            rejected.append(Rejected(name, "", "lies in no folder that would name its identity"))
            continue
        split = (
            splits.named_split(rows[name]["split"], f"{split_file}: {name}")
            if split_file
            else splits.split_by_hash(identity, shares)
        )
        known = values.get(name, values.get(PurePosixPath(name).name, ()))
        items.append(pristine_item(split, Picture(root, name), identity, known, faces.get(name, ())))
    if not items:
        raise PreparationError(
            f"--source={root}: none of its {len(names)} pictures can be used ({rejected[0].origin}: "
            f"{rejected[0].reason}); expected <identity>/<picture>"
        )
    lacking = sum(not item.attributes for item in items) if values else 0
    notes = [f"{lacking} pictures have no attributes"] if lacking else []
    if detections:
        notes += left_alone.note_of_unused_rows(f"--detections={detections}", faces, there, "pictures")
    return Plan(tuple(in_jobs(items)), tuple(rejected), (*listing.notes, *notes))


def _by_file(path: str, there: Collection[str], *columns: str) -> dict[str, dict[str, str]]:
    rows = tables.read_table(path, *columns)
    by_file = {tables.file_named(row["file"], there): row for row in rows}
    if len(by_file) < len(rows):
        raise PreparationError(f"{path}: names a file twice")
    return by_file


def _values(row: dict[str, str]) -> tuple[int, ...]:
    if not all(name in row for name in CELEBA_ATTRIBUTES):
        return ()
    numbers = [float(row[name] or 0) for name in CELEBA_ATTRIBUTES]
    if not all(map(math.isfinite, numbers)):
        raise ValueError(f"{row.get('file', '')}: {next(value for value in numbers if not math.isfinite(value))}")
    return tuple(1 if number > 0 else -1 for number in numbers)


def read_attributes(path: str, option: str = "") -> dict[str, tuple[int, ...]]:
    """By file name: CelebA's own list (a count, the 40 names, then a line a picture) or a CSV.

    Args:
      path: of the list.
      option: what messages put before it, such as `--attributes=`.

    Raises:
      PreparationError: for a missing file, or one without the 40.
    """
    lines = tables.read_text(path, option).splitlines()
    try:
        if len(lines) < 3 or not lines[0].strip().isdigit():
            return {name: _values(row) for name, row in _by_file(path, (), "file", *CELEBA_ATTRIBUTES).items()}
        names = lines[1].split()
        rows = (line.split() for line in lines[2:] if line.strip())
        return {row[0]: _values(dict(zip(names, row[1:], strict=True))) for row in rows}
    except PreparationError:
        raise
    except ValueError as error:
        raise PreparationError(f"{option}{path}: expected the 40 attributes of CelebA as numbers ({error})") from error


def _face(row: dict[str, str], path: str) -> tuple[float, ...]:
    columns = BOX + LANDMARKS if all(row.get(name) for name in LANDMARKS) else BOX
    try:
        numbers = tuple(float(row[name]) for name in columns)
    except ValueError as error:
        raise PreparationError(f"--detections={path}: {row['file']}: {error}") from error
    if not all(map(math.isfinite, numbers)) or numbers[0] >= numbers[2] or numbers[1] >= numbers[3]:
        raise PreparationError(f"--detections={path}: {row['file']}: {', '.join(map(str, numbers[:4]))} is no box")
    return numbers
