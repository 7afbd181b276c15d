"""Recovery of pictures from files: source face, target face, map, a panel for the eye and a JSON for the record."""

import hashlib
import importlib.metadata
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import UInt8

from dfrec_jax.config import defaults
from dfrec_jax.files import whole
from dfrec_jax.models.dfrec import DfrecOutput
from dfrec_jax.pictures import grid
from dfrec_jax.pictures.reading import ImageError, read_image, resize
from dfrec_jax.runs import trained

PANEL_COLUMNS = ("input", "source map", "seen by the TIRM", "recovered source", "recovered target")


class Exhibit(NamedTuple):
    """One picture as it was found, and as the network takes it."""

    path: Path
    original_size: tuple[int, int]  # width, height
    pixels: UInt8[np.ndarray, "size size 3"]


def recover(
    paths: Sequence[str | os.PathLike[str]],
    workdir: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    seed: int = 0,
    which: str = "best",
    batch_size: int = 1,
) -> Iterator[Path]:
    """Writes `<out>/<stem>/{source,target,map,panel}.png` and `result.json` for each picture; yields each folder.

    A picture's result depends on the picture, the checkpoint and `seed` alone: one at a time, which is the default, to
    the last bit; in larger batches, which an accelerator needs to be fast, to the rounding of another program. All
    pictures are read before the first result is written.

    Args:
      paths: pictures of one face each, cropped as the training data were; other sizes are resized, bicubic.
      workdir: of a training run or of an imported network.
      out: folder of the results.
      seed: of the masking noise.
      which: checkpoint: `best`, `newest`, or a step.
      batch_size: pictures at a time.

    Raises:
      ImageError: for a picture that cannot be used, or two with one stem.
      CheckpointError: for a workdir without the checkpoint.
    """
    _check_stems(paths)
    model = trained.load(workdir, which)
    exhibits = [_read(Path(path), model.config.image_size) for path in paths]
    batch_size = min(batch_size, len(exhibits))

    @jax.jit
    def run(variables: Any, pixels: jax.Array) -> DfrecOutput:
        keys = jnp.broadcast_to(jax.random.key(seed), pixels.shape[:1])
        output: Any = model.model.apply(variables, pixels.astype(jnp.float32) / 255.0, keys, train=False)
        return output

    for start in range(0, len(exhibits), batch_size):
        part = exhibits[start : start + batch_size]
        pixels = np.stack([exhibit.pixels for exhibit in part])
        pixels = np.concatenate([pixels, np.zeros((batch_size - len(part), *pixels.shape[1:]), np.uint8)])
        output = jax.device_get(run(model.variables, pixels))
        for row, exhibit in enumerate(part):
            yield _write(exhibit, jax.tree.map(lambda x, row=row: x[row], output), model, Path(out), seed)


def _check_stems(paths: Sequence[str | os.PathLike[str]]) -> None:
    twice = [stem for stem, count in Counter(Path(path).stem for path in paths).items() if count > 1]
    if twice:
        same = [str(path) for path in paths if Path(path).stem == twice[0]]
        raise ImageError(f"{' and '.join(same)} would both be written to {twice[0]}/: rename one, or run them apart")


def _read(path: Path, size: int) -> Exhibit:
    pixels = read_image(path)
    return Exhibit(path, (pixels.shape[1], pixels.shape[0]), resize(pixels, size))


def _write(exhibit: Exhibit, output: DfrecOutput, model: trained.Trained, out: Path, seed: int) -> Path:
    folder = out / exhibit.path.stem
    folder.mkdir(parents=True, exist_ok=True)
    truncate = model.config.mode == "released"
    for name, picture in (("source", output.source_face), ("target", output.target_face), ("map", output.source_map)):
        grid.save_array(np.asarray(picture), folder / f"{name}.png", truncate=truncate)
    forged = None if output.logit is None else float(1 / (1 + np.exp(-float(output.logit))))
    captions = [
        "" if forged is None else f"forged: {forged:.0%}",
        f"mean {float(output.source_map.mean()):.2f}",
        "",
        "",
        "",
    ]
    pictures = [
        exhibit.pixels.astype(np.float32) / 255,
        output.source_map,
        output.masked_image,
        output.source_face,
        output.target_face,
    ]
    grid.save(grid.grid([pictures], PANEL_COLUMNS, [captions], cell=224), folder / "panel.png")
    whole.write_json(folder / "result.json", _result(exhibit, output, model, seed, forged), indent=1)
    return folder


def _result(
    exhibit: Exhibit, output: DfrecOutput, model: trained.Trained, seed: int, forged: float | None
) -> dict[str, Any]:
    return {
        "input": exhibit.path.name,
        "input_sha256": hashlib.sha256(exhibit.path.read_bytes()).hexdigest(),
        "input_size": list(exhibit.original_size),
        "network_size": model.config.image_size,
        "forgery_probability": forged,  # of the ISM's classifier, not calibrated; null without one
        "mean_map": float(output.source_map.mean()),
        "patch_size": model.config.tirm.patch_size,
        "generated_patches": sorted(int(index) for index in output.idx_mask),  # row by row; all others are the input's
        "num_patches": defaults.num_patches(model.config),
        "mode": model.config.mode,
        "config": model.config.name,
        "checkpoint_step": model.step,
        "seed": seed,
        "dfrec_jax": importlib.metadata.version("dfrec-jax"),
        "jax": jax.__version__,
    }
