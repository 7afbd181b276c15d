"""A gallery of four people who are patterns of colour, for tests that need people apart and nobody's face."""

from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from dfrec_jax.tracing import gallery
from dfrec_jax.tracing.embedder import Identity
from dfrec_jax.tracing.gallery import Gallery, Person, Shot

NAMES = ("ada", "ben", "cleo", "dan")
SIDE = 64
IDENTITY = Identity("embedded-b", "ab", "--crop none", 64)


def pattern(person: int, picture: int = 0) -> np.ndarray:
    """A picture of a person, uint8 [64, 64, 3]; pictures of one person differ by noise."""
    coarse = np.random.default_rng(person).uniform(0, 255, (4, 4, 3)).astype(np.float32)
    smooth = cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    noise = np.random.default_rng([person, picture, 1]).normal(0, 8, smooth.shape)
    return np.clip(smooth + noise, 0, 255).astype(np.uint8)


def save(pixels: np.ndarray, path: Path) -> Path:
    """As a PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def write_people(folder: Path, first: int = 0, names: tuple[str, ...] = NAMES) -> Path:
    """Two pictures of each of them."""
    for number, name in enumerate(names, first):
        for picture in range(2):
            save(pattern(number, picture), folder / name / f"{picture}.png")
    return folder


def people_of_no_pictures(count: int) -> Gallery:
    """A gallery of p00, p01, ... whose files are nowhere."""
    people = tuple(Person(f"p{i:02d}", (Shot(f"p{i:02d}/0.png", "ab", None),)) for i in range(count))
    return Gallery(Path("nowhere"), IDENTITY, Path("nowhere"), people, {}, "ef", {})


def orthogonal_people(folder: Path, count: int) -> Gallery:
    """The same, with files and an axis for each person's embedding."""
    rows = np.eye(count, dtype=np.float32)
    record = {"folder": "nowhere", "left_out": {}, "origin": None, "num_people": count, "num_pictures": count}
    gallery.write(folder, IDENTITY, people_of_no_pictures(count).people, rows, rows, record)
    return gallery.read(folder)
