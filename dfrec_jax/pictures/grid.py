"""Grids of pictures with captions: arrays in, an image file out."""

import os
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw, ImageFont

from dfrec_jax.files import whole

MARGIN = 4
MARKED = 0.5  # of a map: a pixel of so much or more is marked as the source's
INK, PAPER = (40, 40, 40), (255, 255, 255)


def to_uint8(images: Float[np.ndarray, "*b h w c"], *, truncate: bool = False) -> UInt8[np.ndarray, "*b h w c"]:
    """[0, 1] to 0..255, clipped; rounded to the nearest, or cut off as the released DFREC code does."""
    levels = np.asarray(images, np.float32) * 255.0
    return np.clip(levels if truncate else np.rint(levels), 0, 255).astype(np.uint8)


def to_rgb(picture: Float[np.ndarray, "h w c"]) -> Float[np.ndarray, "h w 3"]:
    """A map of one channel becomes gray."""
    return np.repeat(picture, 3, axis=-1) if picture.shape[-1] == 1 else picture


def grid(
    rows: Sequence[Sequence[Float[np.ndarray, "_ _ _"]]],
    columns: Sequence[str],
    captions: Sequence[Sequence[str]] | None = None,
    cell: int = 112,
) -> Image.Image:
    """Draws pictures in [0, 1] as a table under column headings.

    Args:
      rows: pictures of equal number in each row, gray or RGB.
      columns: the heading of each column, broken over lines at spaces.
      captions: a line under each picture, empty for none; None for no captions at all.
      cell: side of a picture in pixels; smaller ones are enlarged without smoothing, larger ones reduced.

    Raises:
      ValueError: for a row that has not one picture for each heading.
    """
    for row in rows:
        if len(row) != len(columns):
            raise ValueError(f"a row of {len(row)} pictures under {len(columns)} headings")
    font = ImageFont.load_default(size=12)
    heading_height = 14 * max(heading.count(" ") + 1 for heading in columns) + MARGIN
    caption_height = 16 if captions is not None else 0
    pitch = (cell + MARGIN, cell + caption_height + MARGIN)
    canvas = Image.new("RGB", (MARGIN + pitch[0] * len(columns), heading_height + pitch[1] * len(rows)), PAPER)
    draw = ImageDraw.Draw(canvas)
    for column, heading in enumerate(columns):
        centre = MARGIN + column * pitch[0] + cell // 2
        draw.multiline_text((centre, 2), heading.replace(" ", "\n"), INK, font, anchor="ma", align="center", spacing=1)
    for i, row in enumerate(rows):
        for j, picture in enumerate(row):
            corner = (MARGIN + j * pitch[0], heading_height + i * pitch[1])
            canvas.paste(_cell(picture, cell), corner)
            if captions is not None:
                draw.text((corner[0] + cell // 2, corner[1] + cell + 1), captions[i][j], INK, font, anchor="ma")
    return canvas


def words_of_map(source_map: Float[np.ndarray, "h w 1"]) -> str:
    """What stands under a map: its mean, and that it is empty where no pixel is more source than not."""
    source_map = np.asarray(source_map, np.float32)
    is_empty = source_map.max() < MARKED
    return f"{'empty, ' if is_empty else ''}mean {source_map.mean():.2f}"


def save(picture: Image.Image, path: str | os.PathLike[str]) -> None:
    """Writes a PNG, whole or not at all."""
    with whole.replacing(path) as unfinished:
        picture.save(unfinished, format="PNG")


def save_array(picture: Float[np.ndarray, "h w c"], path: str | os.PathLike[str], *, truncate: bool = False) -> None:
    """Writes one picture in [0, 1] as a PNG of its own size; see `to_uint8`."""
    save(Image.fromarray(to_uint8(to_rgb(picture), truncate=truncate)), path)


def _cell(picture: Float[np.ndarray, "h w c"], size: int) -> Image.Image:
    image = Image.fromarray(to_uint8(to_rgb(np.asarray(picture))))
    enlarging = size >= image.width
    return image.resize((size, size), Image.Resampling.NEAREST if enlarging else Image.Resampling.LANCZOS)
