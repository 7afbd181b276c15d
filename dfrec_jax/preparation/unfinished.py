"""The unfinished preparation on disk: a file for each job that is done, so that a stopped run goes on where it was."""

import csv
import hashlib
import json
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from dfrec_jax.files import whole
from dfrec_jax.preparation.plan import Plan, PreparationError, Rejected

_LENGTH = struct.Struct("<Q")


class Unfinished:
    """The folder of an unfinished preparation. A job's file appears whole, by renaming, or not at all."""

    def __init__(self, folder: Path, plan: Plan, settings: dict[str, Any]):
        """Opens the folder, or makes it.

        Raises:
          PreparationError: where it was begun with other settings or on other files.
        """
        self.folder = folder
        self.parts = folder / "parts"
        plan_hash = hashlib.sha256(repr(plan.jobs).encode()).hexdigest()
        now = json.loads(json.dumps({**settings, "files": plan_hash}))
        path = folder / "settings.json"
        if path.is_file():
            before = json.loads(path.read_text())
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

    def write(self, number: int, records: Iterable[bytes], rejected: list[Rejected]) -> None:
        """Writes what came of job `number`. Raises OSError where the disk is full, and then leaves nothing behind."""
        whole.write_text(self._rejections(number), json.dumps(rejected))
        with whole.replacing(self.part(number)) as unfinished, open(unfinished, "wb") as file:
            for record in records:
                file.write(_LENGTH.pack(len(record)) + record)

    def rejected(self, numbers: Iterable[int]) -> list[Rejected]:
        """What the jobs `numbers` refused."""
        return [Rejected(*row) for number in numbers for row in json.loads(self._rejections(number).read_text())]

    def _rejections(self, number: int) -> Path:
        return self.parts / f"{number:07d}.rejected"


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


def write_rejected(path: Path, rejected: Iterable[Rejected]) -> None:
    """rejected.csv: what did not become a record, and why."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(Rejected._fields)
        writer.writerows(rejected)
