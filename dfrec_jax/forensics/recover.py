"""Recovery of pictures from files: source face, target face, map, a panel for the eye and a JSON for the record."""

import hashlib
import importlib.metadata
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

import jax
import numpy as np
from jaxtyping import UInt8
from PIL import Image

from dfrec_jax.config import defaults
from dfrec_jax.files import whole
from dfrec_jax.forensics import result_folder
from dfrec_jax.forensics.framed import Framed
from dfrec_jax.forensics.recoverer import RECOVERED, Recoverer, Recovery
from dfrec_jax.models.dfrec import DfrecOutput
from dfrec_jax.pictures import generated, grid
from dfrec_jax.pictures.reading import ImageError, decode_image, read_bytes

PANEL_COLUMNS = ("input", "source map", "masked input", "recovered source", "recovered target")
PANEL = "panel.png"


class Exhibit(NamedTuple):
    """One face of a picture as it was found."""

    path: Path
    folder: Path  # of its result
    sha256: str  # of the bytes that `picture` was decoded from
    data: bytes  # of its file
    picture: UInt8[np.ndarray, "h w 3"]
    remarks: tuple[str, ...]  # of reading
    face: Framed | Recovery  # the latter where there is nothing to recover


class Outcome(NamedTuple):
    """What became of one face: a folder with its result, or why there is none."""

    path: Path
    folder: Path | None
    warnings: tuple[str, ...]
    refusal: str  # empty where there is a result
    was_there: bool = False  # from an earlier run with the same picture, network and seed
    status: str = RECOVERED  # of a result, see `Recovery`
    reason: str = ""


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


def recover(
    paths: Sequence[str | os.PathLike[str]],
    recoverer: Recoverer,
    out: str | os.PathLike[str],
    *,
    every: bool = False,
    report: Reporting | None = None,
) -> Iterator[Outcome]:
    """Writes a folder for each picture, `<out>/<stem>`, and yields what became of it.

    In it stand `input` (the face as the network saw it), `source`, `target`, `map` and `panel.png`, where the face was
    cut out of a larger picture `target_in_picture.png`, and `result.json`, which alone is there where there is no face.
    What was generated carries a label beneath it (`pictures.generated`), so that its file is taller than the picture.

    A picture's result depends on the picture, the network, what it was told and the seed alone: one at a time to the
    last bit; in larger batches, which an accelerator needs to be fast, to the rounding of another program.

    A folder appears whole or not at all. One that is there already is left as it is: where it holds the result of the
    same bytes, network and seed it is what was asked for, else the picture is refused. A picture that cannot be used
    is refused too, and the others are recovered.

    Args:
      paths: pictures.
      recoverer: the network, and what it is told.
      out: folder of the results.
      every: each face of a picture, in folders `<stem>-1` and so on where there are several, the largest first.
      report: that is written into each folder; None: none is.

    Raises:
      ConfigError: for pictures that the recoverer's file of faces does not name.
      ImageError: for two pictures with one stem; before anything is read.
      OSError: where no result can be written.
    """
    _check_stems(paths)
    result_folder.check_out(Path(out))
    recoverer.check_named([Path(path).name for path in paths])
    identity = {
        "dfrec_jax": importlib.metadata.version("dfrec-jax"),
        "faces": "all" if every else "one",
        **recoverer.identity,
        **(report.identity if report is not None else {}),
    }
    found = (each for path in paths for each in _find(Path(path), Path(out), recoverer, identity, every))
    for batch in _batches(found, recoverer.batch_size):
        framed = [each.face for each in batch if isinstance(each, Exhibit) and isinstance(each.face, Framed)]
        made = iter(recoverer.make(framed) if framed else [])
        for each in batch:
            if isinstance(each, Outcome):
                yield each
            elif isinstance(each.face, Recovery):
                yield _write(each, each.face, recoverer, identity, report)
            else:
                made_of_it = recoverer.recovery(each.picture, each.face, next(made))
                yield _write(each, made_of_it, recoverer, identity, report)


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
    looked = recoverer.look(picture, path.name, every=every)
    faces = [looked] if isinstance(looked, Recovery) else looked
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
        if recovery.made is not None and recovery.framed is not None:
            _write_pictures(folder, recovery, recovery.framed, recovery.made.output, recoverer)
        record = _record(exhibit, recovery, warnings, recoverer) | identity | {"jax": jax.__version__}
        whole.write_json(folder / result_folder.RECORD, record, indent=1)
        if report is not None:
            report.add(folder, exhibit.path.name, exhibit.data, recovery)

    try:
        result_folder.write(exhibit.folder, fill)
    except result_folder.FolderTaken as error:
        return Outcome(exhibit.path, None, warnings, str(error))
    return Outcome(exhibit.path, exhibit.folder, warnings, "", status=recovery.status, reason=recovery.reason)


def _write_pictures(
    folder: Path, recovery: Recovery, framed: Framed, output: DfrecOutput, recoverer: Recoverer
) -> None:
    truncate = recoverer.model.config.mode == "released"
    faces = {
        "source": (output.source_face, generated.GENERATED),
        "target": (output.target_face, generated.PARTLY_GENERATED),
    }
    for name, (face, kind) in faces.items():
        levels = grid.to_uint8(np.asarray(face), truncate=truncate)
        generated.save(Image.fromarray(levels), folder / f"{name}.png", kind)
    grid.save_array(np.asarray(output.used_map), folder / "map.png", truncate=truncate)
    grid.save(Image.fromarray(framed.pixels), folder / "input.png")
    if recovery.target_in_picture is not None:
        whole_picture = Image.fromarray(recovery.target_in_picture)
        generated.save(whole_picture, folder / "target_in_picture.png", generated.PARTLY_GENERATED)
    pictures = [
        framed.pixels.astype(np.float32) / 255,
        output.used_map,
        output.masked_image,
        output.source_face,
        output.target_face,
    ]
    is_found = recovery.status == RECOVERED
    mean = f"mean {float(output.used_map.mean()):.2f}"  # no probability: it is not calibrated
    captions = ["", mean if is_found else f"{mean}: {recovery.status}", "", "", ""]
    panel = grid.grid([pictures], PANEL_COLUMNS, [captions], cell=224)
    generated.save(panel, folder / PANEL, generated.PARTLY_GENERATED)


def _record(exhibit: Exhibit, recovery: Recovery, warnings: Sequence[str], recoverer: Recoverer) -> dict[str, Any]:
    config = recoverer.model.config
    record = {
        "input": exhibit.path.name,
        "input_sha256": exhibit.sha256,
        "input_size": [exhibit.picture.shape[1], exhibit.picture.shape[0]],
        "status": recovery.status,
        "reason": recovery.reason,
        "warnings": list(warnings),
        "face": recoverer.face_check,
        "network_size": config.image_size,
        "mode": config.mode,
        "config": config.name,
    }
    framed, made = recovery.framed, recovery.made
    if framed is None or made is None:
        return record
    output = made.output
    score = None if output.logit is None else float(1 / (1 + np.exp(-float(output.logit))))
    face = framed.face
    return record | {
        "face_box": None if face is None else np.round(face.box, 1).tolist(),  # x0, y0, x1, y1 in pixels of the input
        "face_landmarks": None if face is None else np.round(face.landmarks, 1).tolist(),
        "crop_matrix": None if framed.matrix is None else framed.matrix.tolist(),  # input to crop, in pixels
        "forgery_score_uncalibrated": score,  # of the ISM's classifier, in [0, 1]: no probability; null without one
        "mean_map": float(output.source_map.mean()),  # of the ISM, whatever map was used
        "map": _map_used(output, recoverer.told.assume),
        "patch_size": config.tirm.patch_size,
        "generated_patches": sorted(int(index) for index in output.idx_mask),  # row by row; all others are the input's
        "num_patches": defaults.num_patches(config),
    }


def _map_used(output: DfrecOutput, assume: str) -> str:
    if not assume:
        return "the network's"
    is_own = np.array_equal(output.used_map, output.source_map)
    return "the network's" if is_own else "the face's region: the network's leaves the face out"
