"""What lies in a folder of a known layout and is not read, in words: nothing goes unsaid."""

from collections.abc import Collection, Iterable
from pathlib import Path

NO_VIDEO = "its ending names no kind of video that is read"


def is_hidden(name: str) -> bool:
    """Whether a file, or a folder above it, is one that systems keep beside what people put there (`._000.mp4`)."""
    return any(part.startswith(".") for part in name.split("/"))


def note_of_hidden(names: Iterable[str]) -> list[str]:
    """The note on the hidden ones among `names`; none where there are none."""
    count = sum(map(is_hidden, names))
    return [f"{count} hidden files, whose names begin with a dot, are left alone"] if count else []


def others_in(base: Path, folder: str, known: Collection[str]) -> list[str]:
    """What lies in `base/folder` beside what the layout has there, relative to `base`; hidden files among it.

    Raises:
      OSError: where the folder cannot be read; one that is not there holds nothing.
    """
    if not (base / folder).is_dir():
        return []
    names = sorted(entry.name for entry in (base / folder).iterdir())
    return [f"{folder}/{name}" if folder else name for name in names if name not in known]


def note_of_others(names: Iterable[str], shown: int = 8) -> list[str]:
    """The note on what a layout has no place for, `shown` by name; none where there is nothing but hidden files."""
    seen = [name for name in names if not is_hidden(name)]
    more = f" and {len(seen) - shown} more" if len(seen) > shown else ""
    return [f"not read, since the layout has no place for it: {', '.join(seen[:shown])}{more}"] if seen else []


def note_of_unused_rows(table: str, named: Collection[str], used: Collection[str], what: str) -> list[str]:
    """The note on rows of a table that name nothing which is there, `what` it is being a word in the plural."""
    unused = sorted(set(named) - set(used))
    such = f" ({unused[0]}{', ...' if len(unused) > 1 else ''})" if unused else ""
    return [f"{len(unused)} of the {len(named)} {what} that {table} names are not there{such}"] if unused else []
