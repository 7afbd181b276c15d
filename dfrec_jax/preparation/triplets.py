"""Any triples of swap, source and target: by the names of the files, by folders, or by a CSV file."""

import re
from pathlib import Path, PurePosixPath

from dfrec_jax.preparation import splits
from dfrec_jax.preparation.plan import Item, Picture, Plan, PreparationError, Rejected, in_jobs, pristine_item
from dfrec_jax.preparation.source_files import picture_names
from dfrec_jax.records.schema import SWAP

ROLES = ("swap", "source", "target")
_ROLE_AT_END = re.compile(r"^(?P<id>.*?)[_-](?P<role>swap|source|target)$")


def plan(
    root: str,
    *,
    table: str = "",
    split: str = "",
    shares: tuple[float, float, float] = (8.0, 1.0, 1.0),
) -> Plan:
    """Every triple below `root`.

    Triples are `<id>_swap.jpg`, `<id>_source.jpg`, `<id>_target.jpg`, or `swap/<id>.jpg`, `source/<id>.jpg`,
    `target/<id>.jpg`, or rows of a CSV file. Source and target may be missing, and are then unknown.

    Args:
      root: folder or tar file.
      table: CSV whose columns are `swap` and perhaps `source`, `target`, `mask` (files relative to `root`) or `id` (as
        above); and perhaps `attack`, `split`, `source_identity`, `target_identity`. Empty: index.csv, if it is there.
      split: puts all triples into this split; empty: the table's column, else by a hash of the target.
      shares: of train, validation and test for that hash.

    Raises:
      PreparationError: where there is no triple, and for a table that names no triples.
    """
    names = picture_names(root)
    if not table and (Path(root) / "index.csv").is_file():
        table = str(Path(root) / "index.csv")
    by_name = _by_name(names)
    rows = splits.read_table(table) if table else [{"id": name} for name in sorted(by_name)]
    there, items, rejected = set(names), [], []
    for number, row in enumerate(rows):
        files = {role: row.get(role, "") for role in (*ROLES, "mask")}
        if not files["swap"] and row.get("id"):
            files |= by_name.get(row["id"], {})
        if not files["swap"]:
            where = f"{Path(table).name} row {number + 1}" if table else row.get("id", "")
            rejected.append(Rejected(row.get("id") or where, "", "has no swap"))
            continue
        lost = [file for file in files.values() if file and file not in there]
        if lost:
            rejected.append(Rejected(files["swap"], "", f"{lost[0]} is not there"))
            continue
        name = row.get("id") or str(PurePosixPath(files["swap"]).with_suffix(""))
        target = row.get("target_identity") or f"target-{name}"
        chosen = split or row.get("split", "")
        source_picture, target_picture, mask = (
            Picture(root, files[role]) if files[role] else None for role in ("source", "target", "mask")
        )
        items.append(
            Item(
                split=splits.named_split(chosen, f"{table or root}: {name}")
                if chosen
                else splits.split_by_hash(target, shares),
                label=SWAP,
                attack=row.get("attack") or "swap",
                image=Picture(root, files["swap"]),
                source=source_picture,
                target=target_picture,
                mask=mask,
                source_identity=row.get("source_identity") or f"source-{name}",
                target_identity=target,
            )
        )
    if not items:
        raise PreparationError(
            f"--source={root}: holds no triple; expected <id>_swap.jpg with <id>_source.jpg and <id>_target.jpg, or "
            "swap/<id>.jpg with source/<id>.jpg and target/<id>.jpg, or a CSV (--table)"
        )
    without = {role: sum(getattr(item, role) is None for item in items) for role in ("source", "target")}
    notes = tuple(f"{count} of {len(items)} swaps lack their {role}" for role, count in without.items() if count)
    return Plan(tuple(in_jobs(items + _pristine(items))), tuple(rejected), notes)


def _by_name(names: list[str]) -> dict[str, dict[str, str]]:
    """Files by id and role, from the end of the name or the folder."""
    found: dict[str, dict[str, str]] = {}
    for name in names:
        path = PurePosixPath(name)
        match = _ROLE_AT_END.match(path.stem)
        if match:
            key = str(path.parent / match["id"]).removeprefix("./")
            found.setdefault(key, {})[match["role"]] = name
        elif path.parent.name in ROLES:
            key = str(path.parent.parent / path.stem).removeprefix("./")
            found.setdefault(key, {})[path.parent.name] = name
    return found


def _pristine(items: list[Item]) -> list[Item]:
    """The sources and targets as pristine faces, each file once."""
    pristine: dict[Picture, Item] = {}
    for item in items:
        for picture, identity in ((item.target, item.target_identity), (item.source, item.source_identity)):
            if picture is not None:
                pristine.setdefault(picture, pristine_item(item.split, picture, identity))
    return list(pristine.values())
