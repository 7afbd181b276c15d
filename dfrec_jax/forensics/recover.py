"""Recovery of pictures from files: source face, target face, map, a panel for the eye and a JSON for the record."""

import hashlib
import importlib.metadata
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from dfrec_jax.forensics import inputs, result_files, result_folder, video
from dfrec_jax.forensics.framed import Framed
from dfrec_jax.forensics.outcome import Outcome
from dfrec_jax.forensics.recoverer import Recoverer
from dfrec_jax.forensics.recovery import Recovery
from dfrec_jax.forensics.result_files import Exhibit
from dfrec_jax.forensics.video import USUAL, Sampling, Watched
from dfrec_jax.pictures.reading import ImageError, decode_image, read_bytes


@runtime_checkable
class Reporting(Protocol):
    """What writes a report into the folder of each result: `report.write.Report`, which is not imported for nothing."""

    @property
    def identity(self) -> dict[str, Any]:
        """What stands in result.json of it, and a result that is there already must agree with."""
        ...

    def add(self, folder: Path, name: str, data: bytes, recovery: Recovery) -> None:
        """Adds to `folder`, not in its place yet, the report of the file `name` with these bytes."""
        ...

    def why_not_of_videos(self) -> str:
        """Why it is not written of videos; empty where it is."""
        ...

    def add_video(self, folder: Path, watched: Watched) -> None:
        """Adds to `folder`, not in its place yet, the report of a video, one for all of its tracks."""
        ...


def recover(
    paths: Sequence[str | os.PathLike[str]],
    recoverer: Recoverer,
    out: str | os.PathLike[str],
    *,
    every: bool = False,
    frames: Sampling = USUAL,
    report: Reporting | None = None,
) -> Iterator[Outcome]:
    """Writes a folder for each picture and each video, `<out>/<stem>`, and yields what became of it.

    In it stand `input` (the face as the network saw it), `source`, `target`, `map` and `panel.png`, where the face was
    cut out of a larger picture `target_in_picture.png`, and `result.json`, which alone is there where there is no face.

    A picture's result depends on the picture, the network, what it was told and the seed alone: one at a time to the
    last bit; in larger batches, which an accelerator needs to be fast, to the rounding of another program.

    A folder appears whole or not at all. One that is there already is left as it is: where it holds the result of the
    same bytes, network and seed it is what was asked for, else the picture is refused. A picture that cannot be used
    is refused too, and the others are recovered.

    Args:
      paths: pictures and videos, by `inputs.listed`.
      recoverer: the network, and what it is told.
      out: folder of the results.
      every: each face of a picture, in folders `<stem>-1` and so on where there are several, the largest first; each
        track of a video.
      frames: which frames of a video.
      report: that is written into the folder of each picture and each video; None: none is.

    Raises:
      ConfigError: for pictures that the recoverer's file of faces does not name.
      ImageError: for two pictures with one stem; before anything is read.
      OSError: where no result can be written.
    """
    _check_stems(paths)
    result_folder.check_out(Path(out))
    recoverer.looker.check_named([Path(path).name for path in paths if not inputs.is_video(Path(path))])
    identity = {
        "dfrec_jax": importlib.metadata.version("dfrec-jax"),
        "faces": "all" if every else "one",
        **recoverer.identity,
        **(report.identity if report is not None else {}),
    }
    watching = video.Watching(every, frames, report)
    found = (each for path in paths for each in _found(Path(path), Path(out), recoverer, identity, watching))
    for batch in _batches(found, recoverer.batch_size):
        framed = [each.face for each in batch if isinstance(each, Exhibit) and isinstance(each.face, Framed)]
        made = iter(recoverer.make(framed) if framed else [])
        for each in batch:
            if isinstance(each, Outcome):
                yield each
            elif isinstance(each.face, Recovery):
                yield _write(each, each.face, recoverer, identity, report)
            else:
                recovery = recoverer.recovery(each.picture, each.face, next(made))
                yield _write(each, recovery, recoverer, identity, report)


def _batches(found: Iterable[Exhibit | Outcome], size: int) -> Iterator[list[Exhibit | Outcome]]:
    """In order, each with at most `size` faces for the network."""
    batch: list[Exhibit | Outcome] = []
    for each in found:
        batch.append(each)
        is_full = sum(isinstance(one, Exhibit) and isinstance(one.face, Framed) for one in batch) == size
        if is_full or len(batch) == 1 and not isinstance(each, Exhibit):
            yield batch
            batch = []
    if batch:
        yield batch


def _check_stems(paths: Sequence[str | os.PathLike[str]]) -> None:
    names = [result_folder.name_of(Path(path)) for path in paths]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        same = [str(path) for path, name in zip(paths, names, strict=True) if name == twice[0]]
        raise ImageError(f"{' and '.join(same)} would both be written to {twice[0]}/: rename one, or run them apart")


def _found(
    path: Path, out: Path, recoverer: Recoverer, identity: dict[str, Any], watching: video.Watching
) -> Iterator[Exhibit | Outcome]:
    if inputs.is_video(path):
        yield video.recover(path, out, recoverer, identity, watching)
    else:
        yield from _find(path, out, recoverer, identity, watching.every)


def _find(
    path: Path, out: Path, recoverer: Recoverer, identity: dict[str, Any], every: bool
) -> Iterator[Exhibit | Outcome]:
    """Reads the bytes of a picture once: what is hashed is what is decoded, whatever becomes of the file."""
    try:
        data = read_bytes(path)
        picture, remarks = decode_image(data, path)
    except ImageError as error:
        yield Outcome(path, None, (), str(error))
        return
    sha256, name = hashlib.sha256(data).hexdigest(), result_folder.name_of(path)
    faces = recoverer.look(picture, path.name, every=every)
    for number, face in enumerate(faces, 1):
        folder = out / (name if len(faces) == 1 else f"{name}-{number}")
        try:
            if result_folder.holds(folder, {"input_sha256": sha256, **identity}):
                yield Outcome(path, folder, (), "", was_there=True)
            else:
                yield Exhibit(path, folder, sha256, data, picture, tuple(remarks), face)
        except result_folder.FolderTaken as error:
            yield Outcome(path, None, (), str(error))


def _write(
    exhibit: Exhibit, recovery: Recovery, recoverer: Recoverer, identity: dict[str, Any], report: Reporting | None
) -> Outcome:
    warnings = (*exhibit.remarks, *recovery.warnings)

    def fill(folder: Path) -> None:
        result_files.fill(folder, exhibit, recovery, recoverer, identity)
        if report is not None:
            report.add(folder, exhibit.path.name, exhibit.data, recovery)

    try:
        result_folder.write(exhibit.folder, fill)
    except result_folder.FolderTaken as error:
        return Outcome(exhibit.path, None, warnings, str(error))
    return Outcome(exhibit.path, exhibit.folder, warnings, "", status=recovery.status, reason=recovery.reason)
