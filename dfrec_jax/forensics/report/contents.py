"""What a report is made of: files in its folder, and nothing else, so that the same pages can be made once more."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from dfrec_jax.files import json_text
from dfrec_jax.forensics import result_folder

RECORD = "report.json"
HTML, PDF = "report.html", "report.pdf"
MANIFEST, SIGNATURE = "manifest.json", "signature.json"
CONFIG, FACES = "config.json", "faces.json"
EXHIBIT_DIR, REFERENCES_DIR, TRACE_DIR = "exhibit", "references", "trace"
SEARCH, CALIBRATION = f"{TRACE_DIR}/search.json", f"{TRACE_DIR}/calibration.json"

# What whoever reads a report relies on, whatever became of the exhibit.
_NEEDED = {
    "exhibit.name": str, "exhibit.sha256": str, "exhibit.copy": str, "network.workdir": str,
    "network.config_sha256": str, "options": dict, "made.environment": dict, "case": dict,
}  # fmt: skip
_NEEDED_OF_RESULT = {"input_sha256": str, "network_sha256": str, "checkpoint_step": int, "status": str, "faces": str}


class Contents(NamedTuple):
    """The records of a folder.

    Attributes:
      folder: of the report.
      said: report.json: case, exhibit, network, command, options.
      result: result.json: what the network made.
      search: of `dfrec trace search`; None where no gallery was searched.
      calibration: of `dfrec trace calibrate`; None where none was given.
      frames: of a video, result.json of each frame that was recovered, by its folder; empty of a picture.
    """

    folder: Path
    said: dict[str, Any]
    result: dict[str, Any]
    search: dict[str, Any] | None
    calibration: dict[str, Any] | None
    frames: Mapping[str, dict[str, Any]] = {}  # noqa: RUF012  nothing writes into it

    @property
    def is_video(self) -> bool:
        """Whether the exhibit is a video, and `result` that of its tracks."""
        return self.result.get("kind") == "video"

    @property
    def status(self) -> str:
        """`recovered`, `undetected` or `not_applicable`."""
        return self.result["status"]

    def has(self, file: str) -> bool:
        """Whether a file is there."""
        return (self.folder / file).is_file()


def read(folder: Path) -> Contents:
    """Reads the records of a folder.

    Raises:
      ValueError: for a folder without them, or with others; names the file.
    """
    said, result = _object(folder / RECORD), result_of(folder)
    for record, needed, file in ((said, _NEEDED, RECORD), (result, _NEEDED_OF_RESULT, result_folder.RECORD)):
        for path, kind in needed.items():
            if not isinstance(_at(record, path), kind):
                raise ValueError(f"{folder / file}: has no {path}, as reports of this version have")
    return Contents(
        folder,
        said,
        result,
        _object(folder / SEARCH) if (folder / SEARCH).is_file() else None,
        _object(folder / CALIBRATION) if (folder / CALIBRATION).is_file() else None,
        _frames(folder) if result.get("kind") == "video" else {},
    )


def result_of(folder: Path) -> dict[str, Any]:
    """result.json of a folder. Raises ValueError where there is none."""
    return _object(folder / result_folder.RECORD)


def _frames(folder: Path) -> dict[str, dict[str, Any]]:
    found = sorted(folder.glob(f"track-*/frame-*/{result_folder.RECORD}"))
    return {file.parent.relative_to(folder).as_posix(): result_of(file.parent) for file in found}


def _at(record: Any, path: str) -> Any:
    for name in path.split("."):
        record = record.get(name) if isinstance(record, dict) else None
    return record


def _object(path: Path) -> dict[str, Any]:
    try:
        if path.exists() and not path.is_file():  # of a pipe nobody knows when, or whether, it ends
            raise ValueError("it is a pipe, a device or a folder, and no file")
        said = json_text.parsed(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: cannot be read ({error})") from error
    if not isinstance(said, dict):
        raise ValueError(f"{path}: holds a {type(said).__name__}, and no record")
    return said
