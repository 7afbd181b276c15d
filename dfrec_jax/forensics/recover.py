"""Recovery of pictures from files: source face, target face, map, a panel for the eye and a JSON for the record."""

import functools
import hashlib
import importlib.metadata
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, UInt8
from ml_collections import ConfigDict
from PIL import Image

from dfrec_jax.config import defaults
from dfrec_jax.files import whole
from dfrec_jax.forensics import plausibility, result_folder
from dfrec_jax.forensics import told as told_lib
from dfrec_jax.frozen.network import FrozenNetwork
from dfrec_jax.models.dfrec import DfrecOutput
from dfrec_jax.pictures import grid
from dfrec_jax.pictures.reading import ImageError, decode_image, read_bytes, resize
from dfrec_jax.runs import trained

PANEL_COLUMNS = ("input", "source map", "seen by the TIRM", "recovered source", "recovered target")


class Exhibit(NamedTuple):
    """One picture as it was found, and as the network takes it."""

    path: Path
    folder: Path  # of its result
    sha256: str  # of the bytes that `pixels` were decoded from
    original_size: tuple[int, int]  # width, height
    pixels: UInt8[np.ndarray, "size size 3"]
    landmarks: Float[np.ndarray, "5 2"]  # in `pixels`; NaN where they are not looked for, or not found
    warnings: tuple[str, ...]


class Outcome(NamedTuple):
    """What became of one picture: a folder with its result, or why there is none."""

    path: Path
    folder: Path | None
    warnings: tuple[str, ...]
    refusal: str  # empty where there is a result
    was_there: bool = False  # from an earlier run with the same picture, network and seed


class Recovering(NamedTuple):
    """What all pictures of one call share."""

    model: trained.Trained
    told: told_lib.Told
    find: plausibility.Find | None
    face_check: str  # whether faces were looked for, and with what
    identity: Mapping[str, Any]  # what of a record says which network and which draw a result is of


def recover(
    paths: Sequence[str | os.PathLike[str]],
    workdir: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    seed: int = 0,
    which: str = "best",
    batch_size: int = 1,
    assume: str = "",
    visible: Sequence[str | os.PathLike[str]] = (),
    load_network: Callable[[str, ConfigDict], FrozenNetwork] | None = None,
) -> Iterator[Outcome]:
    """Writes `<out>/<stem>/{source,target,map,panel}.png` and `result.json` for each picture; yields what became of it.

    A picture's result depends on the picture, the checkpoint and `seed` alone: one at a time, which is the default, to
    the last bit; in larger batches, which an accelerator needs to be fast, to the rounding of another program.

    A folder appears whole or not at all. One that is there already is left as it is: where it holds the result of the
    same bytes, network and seed it is what was asked for, else the picture is refused. A picture that cannot be used
    is refused too, and the others are recovered.

    Args:
      paths: pictures of one face each, cropped as the training data were; other sizes are resized, bicubic.
      workdir: of a training run or of an imported network.
      out: folder of the results.
      seed: of the masking noise.
      which: checkpoint: `best`, `newest`, or a step.
      batch_size: pictures at a time; no more are held in memory.
      assume: 'swap' where it is known that they are swaps; see `told.Told`.
      visible: pictures of the person who is seen in all of them; see `told.told`.
      load_network: a frozen network by name, for a config; needed with `visible`.

    Raises:
      ConfigError: for what the network cannot be told.
      ImageError: for two pictures with one stem; before anything is read.
      CheckpointError: for a workdir without the checkpoint.
      OSError: where no result can be written.
    """
    _check_stems(paths)
    result_folder.check_out(Path(out))
    model = trained.load(workdir, which)
    find, face_check = plausibility.detector_for(model.config)
    told = told_lib.told(model.config, assume, [Path(path) for path in visible], load_network, find)
    identity = {
        "seed": seed,
        "checkpoint_step": model.step,
        "network_sha256": trained.sha256_of(model.variables),
        "dfrec_jax": importlib.metadata.version("dfrec-jax"),
        **told.record,
    }
    shared = Recovering(model, told, find, face_check, identity)
    batch_size = min(batch_size, len(paths))

    @jax.jit
    def run(variables: Any, recogniser: FrozenNetwork | None, pixels: jax.Array, landmarks: jax.Array) -> DfrecOutput:
        keys = jnp.broadcast_to(jax.random.key(seed), pixels.shape[:1])
        pictures = pixels.astype(jnp.float32) / 255.0
        options = told.options(pictures, landmarks, recogniser)
        output: Any = model.model.apply(variables, pictures, keys, train=False, **options)
        return output

    for start in range(0, len(paths), batch_size):
        found = [_find(Path(path), Path(out), shared) for path in paths[start : start + batch_size]]
        exhibits = [each for each in found if isinstance(each, Exhibit)]
        outputs = iter(_outputs(functools.partial(run, model.variables, told.recogniser), exhibits, batch_size))
        for each in found:
            yield each if isinstance(each, Outcome) else _write(each, next(outputs), shared)


def _check_stems(paths: Sequence[str | os.PathLike[str]]) -> None:
    names = [result_folder.name_of(Path(path)) for path in paths]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        same = [str(path) for path, name in zip(paths, names, strict=True) if name == twice[0]]
        raise ImageError(f"{' and '.join(same)} would both be written to {twice[0]}/: rename one, or run them apart")


def _find(path: Path, out: Path, shared: Recovering) -> Exhibit | Outcome:
    """Reads the bytes of a picture once: what is hashed is what is decoded, whatever becomes of the file."""
    folder, size = out / result_folder.name_of(path), shared.model.config.image_size
    try:
        data = read_bytes(path)
        sha256 = hashlib.sha256(data).hexdigest()
        if result_folder.holds(folder, {"input_sha256": sha256, **shared.identity}):
            return Outcome(path, folder, (), "", was_there=True)
        pixels, remarks = decode_image(data, path)
    except (ImageError, result_folder.FolderTaken) as error:
        return Outcome(path, None, (), str(error))
    warnings = [*remarks, *plausibility.of_measures(pixels, size)]
    landmarks = told_lib.UNKNOWN
    if shared.find is not None:
        faces = shared.find(pixels)
        warnings += plausibility.of_faces(faces, *pixels.shape[:2])
        landmarks = told_lib.landmarks_of(faces, pixels.shape[:2], size)
    if shared.told.needs_landmarks and np.isnan(landmarks).any():
        warnings.append("no face was found to be compared with the visible person's: the network was told nobody")
    if shared.told.assume and np.isnan(landmarks).any():
        warnings.append("no face was found in it: where the map is empty its middle is recovered")
    original_size = pixels.shape[1], pixels.shape[0]
    return Exhibit(path, folder, sha256, original_size, resize(pixels, size), landmarks, tuple(warnings))


def _outputs(
    run: Callable[[np.ndarray, np.ndarray], DfrecOutput], exhibits: Sequence[Exhibit], batch_size: int
) -> Iterator[DfrecOutput]:
    """What the network makes of each, as arrays of the host; always in one shape, so that it is compiled once."""
    if not exhibits:
        return
    pixels = np.stack([exhibit.pixels for exhibit in exhibits])
    pixels = np.concatenate([pixels, np.zeros((batch_size - len(exhibits), *pixels.shape[1:]), np.uint8)])
    landmarks = np.full((batch_size, 5, 2), np.nan, np.float32)
    landmarks[: len(exhibits)] = [exhibit.landmarks for exhibit in exhibits]
    output = jax.device_get(run(pixels, landmarks))
    for row in range(len(exhibits)):
        yield jax.tree.map(lambda x, row=row: x[row], output)


def _write(exhibit: Exhibit, output: DfrecOutput, shared: Recovering) -> Outcome:
    def fill(folder: Path) -> None:
        truncate = shared.model.config.mode == "released"
        faces = {"source": output.source_face, "target": output.target_face, "map": output.used_map}
        for name, picture in faces.items():
            grid.save_array(np.asarray(picture), folder / f"{name}.png", truncate=truncate)
        grid.save(_panel(exhibit, output), folder / "panel.png")
        whole.write_json(folder / result_folder.RECORD, _result(exhibit, output, shared), indent=1)

    try:
        result_folder.write(exhibit.folder, fill)
    except result_folder.FolderTaken as error:
        return Outcome(exhibit.path, None, exhibit.warnings, str(error))
    return Outcome(exhibit.path, exhibit.folder, exhibit.warnings, "")


def _panel(exhibit: Exhibit, output: DfrecOutput) -> Image.Image:
    pictures = [
        exhibit.pixels.astype(np.float32) / 255,
        output.used_map,
        output.masked_image,
        output.source_face,
        output.target_face,
    ]
    captions = ["", f"mean {float(output.used_map.mean()):.2f}", "", "", ""]  # no probability: it is not calibrated
    return grid.grid([pictures], PANEL_COLUMNS, [captions], cell=224)


def _result(exhibit: Exhibit, output: DfrecOutput, shared: Recovering) -> dict[str, Any]:
    config = shared.model.config
    score = None if output.logit is None else float(1 / (1 + np.exp(-float(output.logit))))
    return {
        "input": exhibit.path.name,
        "input_sha256": exhibit.sha256,
        "input_size": list(exhibit.original_size),
        "warnings": list(exhibit.warnings),
        "face": shared.face_check,
        "network_size": config.image_size,
        "forgery_score_uncalibrated": score,  # of the ISM's classifier, in [0, 1]: no probability; null without one
        "mean_map": float(output.source_map.mean()),  # of the ISM, whatever map was used
        "map": _map_used(output, shared.told.assume),
        "patch_size": config.tirm.patch_size,
        "generated_patches": sorted(int(index) for index in output.idx_mask),  # row by row; all others are the input's
        "num_patches": defaults.num_patches(config),
        "mode": config.mode,
        "config": config.name,
        **shared.identity,
        "jax": jax.__version__,
    }


def _map_used(output: DfrecOutput, assume: str) -> str:
    if not assume:
        return "the network's"
    is_own = np.array_equal(output.used_map, output.source_map)
    return "the network's" if is_own else "the face's region: the network's leaves the face out"
