"""Where an evaluation stands below its workdir: results, table and pictures, which no other one replaces unasked."""

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.evaluation.request import AS_TRAINED, Request
from dfrec_jax.reports import results

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_RESULTS = "results"  # of results/results.json, where scripts find the plain evaluation of a DFREC


class Files(NamedTuple):
    """What one evaluation writes below a workdir."""

    results: Path
    table: Path
    panels: Path


def files(workdir: Path, request: Request, plain: str) -> Files:
    """`results/<name>.json`, `tables/<name>.md` and `panels/<name>/`.

    Args:
      workdir: of the run.
      request: with a name of its own, or without.
      plain: what the evaluation of everything as trained is called; scripts find that of a DFREC, `recovery`, at
        `results/results.json`.

    Raises:
      ConfigError: as `file_name`.
    """
    name = file_name(request, plain)
    results = _RESULTS if name == "recovery" else name
    return Files(workdir / "results" / f"{results}.json", workdir / "tables" / f"{name}.md", workdir / "panels" / name)


def file_name(request: Request, plain: str) -> str:
    """The name that was asked for, or one that says in what the request departs from the plain evaluation.

    Raises:
      ConfigError: for a name that could lead out of the folder, or that belongs to the plain evaluation.
    """
    name, asked = request.name, request.flags()
    if not name:
        return "-".join([plain, *_departures(request)])
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"--name={name!r}: must be letters, digits, '.', '_' and '-', a letter or a digit first and at most 100; "
            "it becomes the name of files below the workdir"
        )
    if name == _RESULTS or (name == plain and asked):
        raise ConfigError(
            f"--name={name}: that is where the plain evaluation stands"
            + (f", and {asked} asks for another; " if asked else f", whose name is {plain}; ")
            + "choose another name, or leave it out"
        )
    return name


def check_free(path: Path, request: Request) -> None:
    """Makes the folder of a results file, and sees to it that what is there may be replaced.

    Raises:
      ConfigError: where it cannot be written, or holds results of another request.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        earlier = results.read(path) if path.exists() else None
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: results cannot be kept there ({error}); move it away") from error
    if not os.access(path.parent, os.W_OK):
        raise ConfigError(f"{path.parent}: results cannot be kept there, it is not to be written")
    if earlier is None:
        return
    if not earlier.protocol:
        print(f"{path}: replaced; the version that wrote it did not say by which request", file=sys.stderr)
        return
    asked = request.conditions()
    before_it_was_asked = AS_TRAINED.conditions()  # of a field that was added since
    differing = {
        field: (earlier.protocol.get(field, before_it_was_asked[field]), value) for field, value in asked.items()
    }
    changed = [f"{field}: {before!r} -> {now!r}" for field, (before, now) in differing.items() if before != now]
    if changed:
        raise ConfigError(
            f"{path} holds results of another request ({'; '.join(changed)}): choose another --name, or move it away"
        )


def _departures(request: Request) -> list[str]:
    """Of each field that is not the plain one, a word for the name of a file."""
    plain = AS_TRAINED.conditions()
    words: Mapping[str, Any] = {
        "checkpoint": f"step{request.checkpoint}" if request.checkpoint.isdecimal() else request.checkpoint,
        "seed": f"seed{request.seed}",
        "dataset": request.dataset,
        "data_dir": "_".join(Path(folder.strip()).name for folder in request.data_dir.split(",")),
        "forge": "forged",
        "groups": "by_" + "_".join(Path(path.strip()).stem for path in request.groups.split(",")),
        "only": request.only,
        "examples": f"examples{request.examples}",
        "mask_ratio": f"mask{request.mask_ratio:g}",
        "patch_threshold": f"threshold{request.patch_threshold:g}",
        "verdict": f"verdict_{request.verdict}",
        "measure_by": request.measure_by,
    }
    departures = [words[field] for field, value in request.conditions().items() if value != plain[field]]
    return [plain_name(word) for word in departures]


def plain_name(text: str) -> str:
    """`text` as the name of a file: what is no letter, digit, '.', '_' or '-' becomes '_'."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", text)
