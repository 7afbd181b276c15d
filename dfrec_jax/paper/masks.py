"""What another inpainting program needs to fill a row: each example's picture, and the mask of what it is to draw.

The pictures that it makes of them go into `<DIR>/<folder>/<number>.png` under the same names, and
`evaluate.py --table=1 --row NAME=DIR` measures them.
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jaxtyping import UInt8
from ml_collections import ConfigDict
from PIL import Image

from dfrec_jax.config import defaults
from dfrec_jax.config.allowed import LARGEST_SIZE
from dfrec_jax.config.errors import ConfigError, require
from dfrec_jax.files import json_text, whole
from dfrec_jax.forging import components
from dfrec_jax.paper import pictures_of_others, table_data
from dfrec_jax.paper.table_data import DRAWN_EXAMPLES, LEAKS, SCENES, Data, Examples, Measured
from dfrec_jax.pictures import grid
from dfrec_jax.records import joint
from dfrec_jax.reports.progress import progress
from dfrec_jax.runs import stored_config

HOLES = (0, 1)
SMALLEST_SIZE = 16
SAID = "masks.json"


def asked(
    workdir: str, dataset: str, data_dir: str, attack: str, size: int, examples: int
) -> tuple[Measured, ConfigDict]:
    """The examples of a run, or of a data set, as a table of the paper takes them.

    Args:
      workdir: of a run; empty for none.
      dataset: in place of the run's; needed where there is no run.
      data_dir: in place of the run's.
      attack: in place of the run's.
      size: of pictures; 0: the run's, or the default config's.
      examples: 0: as many as a table takes.

    Raises:
      CheckpointError: where the workdir is not the folder of a run.
      ConfigError: for arguments that do not go together, or data that are not there.
    """
    if not workdir and not dataset:
        raise ConfigError("--workdir=RUN or --dataset=NAME: one of the two says which faces are meant")
    require(examples >= 0, "--examples", examples, "0 (as many as a table takes) or more")
    is_size = size == 0 or SMALLEST_SIZE <= size <= LARGEST_SIZE
    require(is_size, "--size", size, f"from {SMALLEST_SIZE} to {LARGEST_SIZE} pixels")
    base = stored_config.load(workdir) if workdir else defaults.dfrec()
    base = base.copy_and_resolve_references()
    if data_dir:
        base.data.dir = data_dir
    data = Data(dataset, attack) if dataset else table_data.of_config(base)
    data = data._replace(attack=attack or data.attack)
    if data.dataset not in SCENES and base.data.dir:
        data, *more = table_data.single_sets(table_data.of_folders(base.data.dir, data.dataset, data.attack))
        if more:
            named = " or ".join(f"--dataset={one.dataset} --data-dir={one.folders}" for one in (data, *more))
            raise ConfigError(f"{base.data.dir} holds several data sets, each with masks of its own: {named}")
        base.data.dir = data.folders or base.data.dir
    if data.dataset in SCENES:
        if attack or dataset:  # a run may have other bounds than those of tables
            require(data.attack in LEAKS, "--attack", data.attack, f"one of {tuple(LEAKS)}, of drawn faces")
        if data_dir:
            raise ConfigError(f"--data-dir={data_dir}: drawn faces are read from no folder; leave it out")
    elif not base.data.dir:
        raise ConfigError(f"--dataset={data.dataset}: name the folder that `dfrec prepare` wrote, --data-dir=DIR")
    elif not workdir:  # there is no run whose frame the data must have
        base.data.crop, base.data.margin = joint.open_split(base.data.dir, data.dataset, "test", data.attack).frame
    if not examples:
        examples = DRAWN_EXAMPLES if data.dataset in SCENES else base.data.test_examples
    return Measured(data, base.data.dir, size or base.image_size, examples, base.data.eval_batch_size), base


def write(measured: Measured, base: ConfigDict, out: Path, hole: int) -> Path:
    """Writes `images/<number>.png` and `masks/<number>.png` of every example into the folder of the data below `out`.

    Args:
      measured: the examples.
      base: a config with the frame of the data.
      out: what is below it is made.
      hole: what a mask has where a pixel is to be drawn, 0 or 1, in a PNG 0 or 255; everywhere else the other one.

    Returns:
      The folder.

    Raises:
      ConfigError: for another `hole`, data that are not there, or a folder that holds masks of something else.
    """
    require(hole in HOLES, "--hole", hole, "0 (1 is kept) or 1 (0 is kept)")
    folder = out / pictures_of_others.folder_name(measured.data)
    said = {
        "data": measured.data.words(), "image_size": measured.image_size, "examples": measured.examples, "hole": hole,
    }  # fmt: skip
    examples = Examples(measured, base, "", 0)
    _check_free(folder / SAID, said)
    whole.write_json(folder / SAID, said | {"finished": False}, indent=1)
    for batch in progress(examples, examples.num_batches, f"{measured.data}: batches"):
        masks = masks_of(batch, hole)
        for row in np.flatnonzero(batch["is_valid"]):
            name = pictures_of_others.file_name(int(batch["number"][row]))
            grid.save(Image.fromarray(batch["image"][row]), folder / "images" / name)
            grid.save(Image.fromarray(masks[row, ..., 0]), folder / "masks" / name)
    whole.write_json(folder / SAID, said | {"finished": True}, indent=1)
    return folder


def masks_of(batch: Mapping[str, np.ndarray], hole: int) -> UInt8[np.ndarray, "b h w 1"]:
    """The holes that RePaint fills (`components.holes`), as 0 and 255."""
    is_hole = np.asarray(_holes(batch["landmarks"], batch.get("points"), batch["image"].shape[1])) > 0.5
    return np.where(is_hole == bool(hole), np.uint8(255), np.uint8(0))


@partial(jax.jit, static_argnums=2)
def _holes(landmarks: Any, points: Any, size: int) -> Any:
    return components.holes(components.points_of(landmarks, points, size), size)


def _check_free(path: Path, said: dict[str, Any]) -> None:
    if not path.exists():
        return
    try:
        earlier = json_text.parsed(path.read_text())
    except ValueError:
        earlier = None
    if not isinstance(earlier, dict) or {name: earlier.get(name) for name in said} != said:
        raise ConfigError(f"{path.parent} holds masks of something else ({path.name}); choose another --out")
