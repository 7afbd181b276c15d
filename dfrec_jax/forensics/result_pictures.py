"""The pictures of a result: each by itself, a panel for the eye, and where the target's pixels come from."""

from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from dfrec_jax.forensics import evidence, examination, seeds
from dfrec_jax.forensics.recoverer import Recoverer
from dfrec_jax.forensics.recovery import RECOVERED, Recovery
from dfrec_jax.pictures import generated, grid

PANEL, EVIDENCE, EVIDENCE_MASK = "panel.png", "evidence.png", "evidence_mask.png"
PANEL_COLUMNS = ("input", "source map", "masked input", "recovered source", "recovered target")


def write(folder: Path, picture: UInt8[np.ndarray, "h w 3"], recovery: Recovery, recoverer: Recoverer) -> None:
    """Writes all pictures of a result into its folder.

    Args:
      folder: of the result.
      picture: the exhibit.
      recovery: of a face of it.
      recoverer: by which it was made.

    Raises:
      ValueError: where nothing is given out.
    """
    framed, made, origins = recovery.framed, recovery.made, recovery.origins
    if framed is None or made is None or origins is None:
        raise ValueError(f"nothing was recovered: {recovery.reason}")
    output = made.output
    truncate = recoverer.model.config.mode == "released"
    faces = {
        "source": (output.source_face, generated.GENERATED),
        "target": (output.target_face, generated.PARTLY_GENERATED),
    }
    for name, (face, kind) in faces.items():
        _save(np.asarray(face), folder / f"{name}.png", kind, truncate)
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
    shown = framed.pixels if framed.matrix is None else picture
    grid.save(evidence.mask(origins), folder / EVIDENCE_MASK)
    grid.save(evidence.drawing(shown, origins), folder / EVIDENCE)
    if recovery.draws is not None:
        _save(recovery.draws.mean, folder / "seeds_mean.png", generated.PARTLY_GENERATED, truncate)
        grid.save_array(seeds.drawn_spread(recovery.draws), folder / "seeds_spread.png")
    if recovery.examination is not None:
        examination.draw(recovery.examination, folder / "degradation.png")
        if recovery.examination.consistency.swap is not None:
            swap = recovery.examination.consistency.swap
            _save(swap, folder / "swap_made_anew.png", generated.GENERATED, truncate)


def _save(face: Float[np.ndarray, "s s 3"], path: Path, kind: str, truncate: bool) -> None:
    generated.save(Image.fromarray(grid.to_uint8(face, truncate=truncate)), path, kind)
