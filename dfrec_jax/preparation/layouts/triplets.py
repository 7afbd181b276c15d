"""Any triples of swap, source and target: by the names of the files, by folders, or by a CSV file."""

import hashlib
import re
from collections import defaultdict
from pathlib import Path, PurePosixPath

from dfrec_jax.pictures.reading import ImageError
from dfrec_jax.preparation import splits
from dfrec_jax.preparation.inputs import source_files, tables
from dfrec_jax.preparation.inputs.listing import list_pictures
from dfrec_jax.preparation.plan import Item, Picture, Plan, PreparationError, Rejected, in_jobs, pristine_item
from dfrec_jax.records.schema import SWAP

ROLES = ("swap", "source", "target")
SPLIT_BY = ("people", "target")
_ROLE_AT_END = re.compile(r"^(?P<id>.*?)[_-](?P<role>swap|source|target)$")


def plan(
    root: str,
    *,
    table: str = "",
    split: str = "",
    split_by: str = "people",
    shares: tuple[float, float, float] = (8.0, 1.0, 1.0),
) -> Plan:
    """Every triple below `root`.

    Triples are `<id>_swap.jpg`, `<id>_source.jpg`, `<id>_target.jpg`, or `swap/<id>.jpg`, `source/<id>.jpg`,
    `target/<id>.jpg`, or rows of a CSV file. Source and target may be missing, and are then unknown.

    Args:
      root: folder or tar file.
      table: CSV whose columns are `swap` and perhaps `source`, `target`, `mask` (files relative to `root`) or `id` (as
        above); and perhaps `attack`, `split`, `source_identity`, `target_identity`. Empty: index.csv, if it is there.
      split: puts all triples into this split; empty: the table's column, else by a hash.
      split_by: what that hash is of. `people`: triples that a person, or a picture by its bytes, connects go together,
        so that splits share neither; by the first name among their targets. `target`: by the target alone, so that
        splits may share sources.
      shares: of train, validation and test for that hash.

    Raises:
      PreparationError: where there is no triple, and for a table that names no triples.
    """
    if split_by not in SPLIT_BY:
        raise PreparationError(f"--split-by={split_by}: must be one of {', '.join(SPLIT_BY)} for triplets")
    listing = list_pictures(root, "--source=")
    there, rejected = set(listing.names), list(listing.rejected)
    if not table and (Path(root) / "index.csv").is_file():
        table = str(Path(root) / "index.csv")
    by_name, twice = _by_name(listing.names)
    rows = tables.read_table(table) if table else [{"id": name} for name in sorted(by_name)]
    items: list[Item] = []
    for number, row in enumerate(rows):
        files = {role: tables.file_named(row.get(role, ""), there) for role in (*ROLES, "mask")}
        if not files["swap"] and row.get("id"):
            files |= by_name.get(row["id"], {})
        if not files["swap"]:
            where = f"{Path(table).name} row {number + 1}" if table else row.get("id", "")
            rejected.append(Rejected(row.get("id") or where, "", "has no swap"))
            continue
        lost = [file for file in files.values() if file and file not in there]
        if lost:
            whose = "it" if lost[0] == files["swap"] else "a file of the triple"
            rejected.append(Rejected(files["swap"], "", f"{whose} is not there", lost[0]))
            continue
        name = row.get("id") or str(PurePosixPath(files["swap"]).with_suffix(""))
        chosen = split or row.get("split", "")
        source_picture, target_picture, mask = (
            Picture(root, files[role]) if files[role] else None for role in ("source", "target", "mask")
        )
        items.append(
            Item(
                split=splits.named_split(chosen, f"{table or root}: {name}") if chosen else "",
                label=SWAP,
                attack=row.get("attack") or "swap",
                image=Picture(root, files["swap"]),
                source=source_picture,
                target=target_picture,
                mask=mask,
                source_identity=row.get("source_identity") or f"source-{name}",
                target_identity=row.get("target_identity") or f"target-{name}",
            )
        )
    if not items:
        raise PreparationError(
            f"--source={root}: holds no triple; expected <id>_swap.jpg with <id>_source.jpg and <id>_target.jpg, or "
            "swap/<id>.jpg with source/<id>.jpg and target/<id>.jpg, or a CSV (--table)"
        )
    digests = {picture: _digest(picture) for item in items for picture in _pictures(item)}
    groups = _groups(items, digests) if split_by == "people" else [item.target_identity for item in items]
    items = [
        item if item.split else item._replace(split=splits.split_by_hash(group, shares))
        for item, group in zip(items, groups, strict=True)
    ]
    used = {picture.name for item in items for picture in (*_pictures(item), item.mask) if picture}
    spoken_of = {row.origin for row in rejected} | {name for name, _ in twice}
    rejected += [Rejected(name, "", "another file has its part in the triple", other) for name, other in twice]
    why = f"is not in {Path(table).name}" if table else "is in no triple that has a swap"
    rejected += [Rejected(name, "", why) for name in listing.names if name not in used | spoken_of]
    without = {role: sum(getattr(item, role) is None for item in items) for role in ("source", "target")}
    notes = [f"{count} of {len(items)} swaps lack their {role}" for role, count in without.items() if count]
    notes += _shared_pictures(items, digests)
    return Plan(tuple(in_jobs(items + _pristine(items))), tuple(rejected), (*listing.notes, *notes))


def _by_name(names: list[str]) -> tuple[dict[str, dict[str, str]], list[tuple[str, str]]]:
    """Files by id and role, from the end of the name or the folder; and those whose place another one has, with it."""
    found: dict[str, dict[str, str]] = {}
    twice = []
    for name in names:
        path = PurePosixPath(name)
        match = _ROLE_AT_END.match(path.stem)
        if match:
            key, role = str(path.parent / match["id"]), match["role"]
        elif path.parent.name in ROLES:
            key, role = str(path.parent.parent / path.stem), path.parent.name
        else:
            continue
        kept = found.setdefault(key.removeprefix("./"), {}).setdefault(role, name)
        if kept != name:
            twice.append((name, kept))
    return found, twice


def _pictures(item: Item) -> list[Picture]:
    return [picture for picture in (item.image, item.source, item.target) if picture]


def _digest(picture: Picture) -> str:
    """Of the file's bytes; one that cannot be read is like no other, and is refused when its turn comes."""
    try:
        return hashlib.sha256(source_files.read_bytes(picture)).hexdigest()
    except ImageError:
        return picture.name


def _groups(items: list[Item], digests: dict[Picture, str]) -> list[str]:
    """For each triple the first name among the targets of all that people and pictures connect it with."""
    pairs = []
    for number, item in enumerate(items):
        # A name that was made up for want of another connects nothing; the picture does.
        pairs += [(number, f"person {name}") for name in (item.source_identity, item.target_identity)]
        pairs += [(number, f"picture {digests[picture]}") for picture in _pictures(item)]
    root_of = splits.components(pairs)
    targets: dict[object, list[str]] = defaultdict(list)
    for number, item in enumerate(items):
        targets[root_of[number]].append(item.target_identity)
    return [min(targets[root_of[number]]) for number in range(len(items))]


def _shared_pictures(items: list[Item], digests: dict[Picture, str]) -> list[str]:
    """What to say of pictures that stand in two splits: as a list or an option wanted it."""
    where: dict[str, set[str]] = defaultdict(set)
    for item in items:
        for picture in _pictures(item):
            where[digests[picture]].add(item.split)
    shared = sum(len(found) > 1 for found in where.values())
    return [f"{shared} of {len(where)} pictures, equal to the byte, stand in several splits"] if shared else []


def _pristine(items: list[Item]) -> list[Item]:
    """The sources and targets as pristine faces, each file once."""
    pristine: dict[Picture, Item] = {}
    for item in items:
        for picture, identity in ((item.target, item.target_identity), (item.source, item.source_identity)):
            if picture is not None:
                pristine.setdefault(picture, pristine_item(item.split, picture, identity))
    return list(pristine.values())
