"""The unfinished preparation on disk: a file for each job that is done, so that a stopped run goes on where it was."""

import csv
import hashlib
import json
import struct
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from dfrec_jax.files import json_text, whole
from dfrec_jax.preparation.plan import Plan, PreparationError, Rejected, Remark

_LENGTH = struct.Struct("<Q")
_SAID = ".said"
_LAYOUT = 3  # of these files: a preparation that another version began is refused, and not misread


class Unfinished:
    """The folder of an unfinished preparation. A job's file appears whole, by renaming, or not at all."""

    def __init__(self, folder: Path, plan: Plan, settings: dict[str, Any]):
        """Opens the folder, or makes it.

        Raises:
          PreparationError: where it was begun with other settings or on other files, or its settings cannot be read.
        """
        self.folder = folder
        self.parts = folder / "parts"
        plan_hash = hashlib.sha256(repr(plan.jobs).encode()).hexdigest()
        now = json.loads(json.dumps({**settings, "files": plan_hash, "layout": _LAYOUT}))
        path = folder / "settings.json"
        if path.is_file():
            before = _read_json(path, folder)
            changed = [f"{key}: {before.get(key)!r} -> {now[key]!r}" for key in now if before.get(key) != now[key]]
            if changed:
                raise PreparationError(
                    f"{folder} holds a preparation that was begun otherwise ({'; '.join(changed)}): finish it as it "
                    "was begun, or delete that folder"
                )
        self.parts.mkdir(parents=True, exist_ok=True)
        whole.write_json(path, now, indent=1)

    def part(self, number: int) -> Path:
        """The file of job `number`: its records."""
        return self.parts / f"{number:07d}.records"

    def is_done(self, number: int) -> bool:
        """Whether job `number` is done."""
        return self.part(number).is_file()

    def write(self, number: int, records: Iterable[bytes], said: Sequence[Rejected | Remark]) -> None:
        """Writes what came of job `number`. Raises OSError where the disk is full, and then leaves nothing behind."""
        write_said(self.parts, number, said)
        with whole.replacing(self.part(number)) as unfinished, open(unfinished, "wb") as file:
            for record in records:
                file.write(_LENGTH.pack(len(record)) + record)

    def said(self) -> list[Rejected | Remark]:
        """What all jobs refused or remarked, in their order."""
        said: list[Rejected | Remark] = []
        for path in sorted(self.parts.glob(f"*{_SAID}")):
            content = _read_json(path, self.folder)
            said += [Rejected(*row) for row in content["rejected"]]
            said += [Remark(*row) for row in content["remarks"]]
        return said


def _read_json(path: Path, folder: Path) -> dict[str, Any]:
    try:
        content = json_text.parsed(path.read_text(encoding="utf-8"))
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise PreparationError(f"{path} is damaged: delete {folder} and run the same command again")
    return content


def write_said(parts: Path, number: int, said: Sequence[Rejected | Remark]) -> None:
    """Writes what job `number` refused and remarked to the folder `parts`."""
    content = {
        "rejected": [row for row in said if isinstance(row, Rejected)],
        "remarks": [row for row in said if isinstance(row, Remark)],
    }
    whole.write_text(parts / f"{number:07d}{_SAID}", json.dumps(content))


class Parts:
    """The records of several jobs, by number."""

    def __init__(self, paths: Iterable[Path]):
        """Indexes the files. Raises PreparationError for a damaged one."""
        self._places: list[tuple[Path, int, int]] = []
        for path in paths:
            self._places += [(path, start, length) for start, length in _places(path)]

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, number: int) -> bytes:
        path, start, length = self._places[number]
        with open(path, "rb") as file:
            file.seek(start)
            return file.read(length)


def _places(path: Path) -> Iterator[tuple[int, int]]:
    size, start = path.stat().st_size, 0
    with open(path, "rb") as file:
        while start < size:
            header = file.read(_LENGTH.size)
            length = _LENGTH.unpack(header)[0] if len(header) == _LENGTH.size else size
            start += _LENGTH.size
            if start + length > size:
                raise PreparationError(f"{path} is damaged: delete it and run the same command again")
            yield start, length
            start += length
            file.seek(start)


def write_lists(folder: Path, rejected: Iterable[Rejected], remarks: Iterable[Remark]) -> None:
    """rejected.csv, what did not become a record and why, and remarks.csv, what did in a way that should be known."""
    for name, fields, rows in (("rejected", Rejected._fields, rejected), ("remarks", Remark._fields, remarks)):
        # A name that is no Unicode, as Linux allows, is written with its odd bytes escaped.
        with open(folder / f"{name}.csv", "w", newline="", encoding="utf-8", errors="backslashreplace") as file:
            writer = csv.writer(file)
            writer.writerow(fields)
            writer.writerows(rows)
