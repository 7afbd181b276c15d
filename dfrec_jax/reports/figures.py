"""Files of figures: which pictures stand where with which numbers, or what is missing; all drawing reads them.

Pictures are PNG files under the name of their content in `pictures/` beside the record, so that a figure is drawn again
without the runs, the data or a device.
"""

import hashlib
import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from dfrec_jax.files import json_text, whole
from dfrec_jax.pictures import grid
from dfrec_jax.reports import provenance
from dfrec_jax.reports.typed import checked

PICTURES = "pictures"
MOST = 1.001  # of a cosine, with its rounding
NAMES = ("1", "3", "4", "5", "6", "7", "8", "cases")


class Shown(NamedTuple):
    """One place of a grid.

    Attributes:
      picture: its file; empty where there is none.
      number: at its corner: the identity similarity of what was recovered and the true face.
      insets: files of small pictures at its left side.
    """

    picture: str = ""
    number: float | None = None
    insets: tuple[str, ...] = ()


class Line(NamedTuple):
    """A line of a grid; as many places as the figure has headings."""

    label: str
    places: tuple[Shown, ...]


class Curve(NamedTuple):
    """Similarities whose density is drawn."""

    label: str
    values: tuple[float, ...]


class Panel(NamedTuple):
    """Densities over one axis."""

    title: str
    curves: tuple[Curve, ...]


class Figure(NamedTuple):
    """A grid of pictures, or densities, or only the words that say what is missing.

    Attributes:
      name: `1` to `8` as the paper counts, or `cases`.
      title: in few words.
      headings: of the grid.
      lines: of the grid.
      panels: of densities.
      caption: sentences: data, split, checkpoints, examples.
      missing: sentences: what is not shown and why.
      protocol: what was asked for: a file is only ever replaced by one of the same.
      made: by which command and code, on what machine.
      runs: the workdirs whose pictures or numbers it shows; empty in files of a version that did not say.
    """

    name: str
    title: str
    headings: tuple[str, ...] = ()
    lines: tuple[Line, ...] = ()
    panels: tuple[Panel, ...] = ()
    caption: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    protocol: Mapping[str, Any] = {}
    made: Mapping[str, Any] = {}
    runs: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not self.lines and not self.panels


def keep(picture: UInt8[np.ndarray, "h w c"], results: Path) -> str:
    """Writes a picture below the folder of results, unless it is there, and returns the name of its file."""
    picture = np.ascontiguousarray(np.repeat(picture, 3, axis=-1) if picture.shape[-1] == 1 else picture)
    digest = hashlib.sha256(repr(picture.shape).encode() + picture.tobytes()).hexdigest()[:20]
    path = results / PICTURES / f"{digest}.png"
    if not path.exists():
        grid.save(Image.fromarray(picture), path)
    return path.name


def opened(path: Path) -> Image.Image:
    """A picture that `keep` wrote.

    Raises:
      ValueError: where it is damaged.
      OSError: where it is not there.
    """
    try:
        with Image.open(io.BytesIO(path.read_bytes())) as picture:
            picture.load()
            return picture
    except (SyntaxError, ValueError, OSError, Image.DecompressionBombError) as error:
        if isinstance(error, OSError) and error.errno is not None:  # not Pillow's word on what it read
            raise
        raise ValueError(f"{path}: is damaged; delete it, and make what shows it again") from error


def write(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Writes it as JSON, whole or not at all."""
    lines = [{"label": line.label, "places": [place._asdict() for place in line.places]} for line in figure.lines]
    panels = [{"title": panel.title, "curves": [curve._asdict() for curve in panel.curves]} for panel in figure.panels]
    whole.write_json(path, {**figure._asdict(), "lines": lines, "panels": panels}, indent=1)


def read(path: str | os.PathLike[str]) -> Figure:
    """The inverse of `write`.

    Raises:
      ValueError: for a file that holds no figure, or a picture of a name that is not one of `keep`.
    """
    try:
        content = json_text.parsed(Path(path).read_text(encoding="utf-8"))
        lists: dict[str, Any] = {name: tuple(content[name]) for name in ("headings", "caption", "missing")}
        lists["runs"] = tuple(content.get("runs", ()))
        lists["lines"] = tuple(
            Line(line["label"], tuple(Shown(**{**place, "insets": tuple(place["insets"])}) for place in line["places"]))
            for line in content["lines"]
        )
        lists["panels"] = tuple(
            Panel(panel["title"], tuple(Curve(curve["label"], tuple(curve["values"])) for curve in panel["curves"]))
            for panel in content["panels"]
        )
        figure: Figure = checked(Figure(**{**content, **lists}))
        provenance.check(figure.made)
        if figure.name not in NAMES:
            raise ValueError(f"name is {figure.name!r:.60}")
        values = [value for panel in figure.panels for curve in panel.curves for value in curve.values]
        if wrong := [value for value in values if not abs(value) <= MOST]:
            raise ValueError(f"{wrong[0]} is no similarity, which is a cosine")
        if any(len(line.places) != len(figure.headings) for line in figure.lines):
            raise ValueError("a line has not as many places as there are headings")
        for name in (name for line in figure.lines for place in line.places for name in _files(place)):
            if Path(name).name != name or not name.endswith(".png"):
                raise ValueError(f"{name!r} is no picture beside it")
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"{path}: holds no figure ({error})") from error
    return figure


def _files(place: Shown) -> list[str]:
    return [name for name in (place.picture, *place.insets) if name]
