"""A page of crops with what was found in them, for a person to look at before a week of training."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8

from dfrec_jax.records import schema

CELL, COLUMNS, NUM_CROPS = 160, 8, 64
BOX_COLOUR, LANDMARK_COLOUR, POINT_COLOUR = (255, 200, 0), (255, 0, 80), (0, 255, 120)


def overlay(record: schema.Record, side: int = CELL) -> UInt8[np.ndarray, "h w 3"]:
    """The picture of a record with its box, five landmarks and 68 points."""
    image = schema.decode(record["image"])
    scale = side / image.shape[0]
    image = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    at = lambda point: tuple(np.round(np.asarray(point) * scale * 16).astype(int).tolist())  # noqa: E731
    if not np.isnan(record["box"]).any():
        cv2.rectangle(image, at(record["box"][:2]), at(record["box"][2:]), BOX_COLOUR, 1, cv2.LINE_AA, 4)
    for points, colour, radius in ((record["points"], POINT_COLOUR, 1), (record["landmarks"], LANDMARK_COLOUR, 2)):
        for point in points[~np.isnan(points).any(axis=1)]:
            cv2.circle(image, at(point), radius * 16, colour, -1, cv2.LINE_AA, 4)
    return image


def in_grid(cells: Sequence[UInt8[np.ndarray, "h w 3"]], columns: int = COLUMNS) -> UInt8[np.ndarray, "y x 3"]:
    """Cells of one size in rows, black where there is none."""
    rows = [list(cells[start : start + columns]) for start in range(0, len(cells), columns)]
    rows[-1] += [np.zeros_like(cells[0])] * (columns - len(rows[-1]) if len(rows) > 1 else 0)
    return np.concatenate([np.concatenate(row, axis=1) for row in rows], axis=0)


def write_sheet(path: Path, chosen: Sequence[schema.Record]) -> None:
    """Writes the page of overlays of `chosen` records as JPEG."""
    path.write_bytes(schema.encode_jpeg(in_grid([overlay(record) for record in chosen]), 90))
