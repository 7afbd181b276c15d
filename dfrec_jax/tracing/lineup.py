"""Blind line-ups: the query beside candidates and foils, in an order drawn from a seed, without names.

Whoever compares the faces should not know who is the candidate; the key is a file of its own.
"""

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.pictures import generated, grid
from dfrec_jax.pictures.reading import decode_image, read_bytes
from dfrec_jax.tracing.embedder import Embedder, Picture
from dfrec_jax.tracing.gallery import Gallery

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
CELL = 160  # pixels
COLUMNS = 4
FOOT = 18  # pixels of a line below


class Member(NamedTuple):
    """Somebody in a line-up: a person of a gallery, and whether they are there as a foil."""

    gallery: Gallery
    person: int
    is_foil: bool

    @property
    def name(self) -> str:
        """Of the person."""
        return self.gallery.people[self.person].name


def chosen(candidates: Sequence[Member], foils: Sequence[Member], places: int) -> list[Member]:
    """Who stands in a line-up: where there are foils, half candidates and half foils, those most alike of each.

    What one kind lacks the other fills. Foils that are like the query are those from whom a candidate is told apart.
    """
    num_foils = max(min(len(foils), places // 2), places - len(candidates))
    return [*candidates[: places - min(num_foils, len(foils))], *foils[:num_foils]]


def drawn_order(count: int, seed: int, sheet: str) -> list[int]:
    """The order of `count` members: drawn from the seed, another for each sheet."""
    words = hashlib.sha256(f"{seed} {sheet}".encode()).digest()
    return np.random.default_rng(int.from_bytes(words[:8], "big")).permutation(count).tolist()


def sheet(
    query: Picture, heading: str, faces: Sequence[Picture], statement: str, *, is_generated: bool = False
) -> Image.Image:
    """The query, and the faces under letters, in the order that they are given.

    Args:
      query: the face that is compared.
      heading: above it.
      faces: at most 26.
      statement: below, in lines of its own.
      is_generated: whether the query is a generated picture: a strip beneath it says so.
    """
    pictures = [each.astype(np.float32) / 255 for each in faces]
    rows = [pictures[i : i + COLUMNS] for i in range(0, len(pictures), COLUMNS)]
    blank = np.ones((CELL, CELL, 3), np.float32)
    width = min(COLUMNS, len(pictures))
    rows = [[*row, *[blank] * (width - len(row))] for row in rows]
    captions = [[LETTERS[i * COLUMNS + j] if i * COLUMNS + j < len(pictures) else "" for j in range(width)]
                for i in range(len(rows))]  # fmt: skip
    left = grid.grid([[query.astype(np.float32) / 255]], [heading], cell=CELL)
    right = grid.grid(rows, [""] * width, captions, cell=CELL)
    lines = statement.split("\n")
    below = generated.strip(CELL).height if is_generated else 0
    size = (
        left.width + grid.MARGIN + right.width,
        max(left.height + below, right.height) + FOOT * len(lines) + grid.MARGIN,
    )
    canvas = Image.new("RGB", size, grid.PAPER)
    canvas.paste(left, (0, 0))
    if is_generated:
        canvas.paste(generated.strip(CELL), (grid.MARGIN, left.height - grid.MARGIN))
    canvas.paste(right, (left.width + grid.MARGIN, 0))
    draw, font = ImageDraw.Draw(canvas), ImageFont.load_default(size=12)
    for number, line in enumerate(lines):
        draw.text((grid.MARGIN, size[1] - FOOT * (len(lines) - number)), line, grid.INK, font)
    return canvas


def face_of(member: Member, embedder: Embedder) -> tuple[Picture, dict[str, Any]]:
    """The picture of a member that is nearest to the mean of theirs, framed as it was embedded; and what the key says.

    Raises:
      ConfigError: where the picture is no longer the one that the gallery was made of.
      ImageError: where it cannot be read.
    """
    rows = member.gallery.picture_embeddings(member.person)
    shot = member.gallery.people[member.person].shots[int(np.argmax(rows @ rows.mean(axis=0)))]
    path = member.gallery.pictures_dir / shot.path
    data = read_bytes(path)
    if (found := hashlib.sha256(data).hexdigest()) != shot.sha256:
        raise ConfigError(
            f"{path}: is not the picture that the gallery was made of (SHA-256 {found}, not {shot.sha256}); make the "
            "gallery anew, or leave line-ups out by --lineup 0"
        )
    face = embedder.face(decode_image(data, path).pixels, None if shot.face is None else [shot.face])
    if face is None:
        raise ConfigError(f"{path}: shows no face any more; make the gallery anew")
    said = {"person": member.name, "is_foil": member.is_foil, "picture": shot.path, "picture_sha256": shot.sha256}
    return face.pixels, said
