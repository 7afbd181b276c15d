"""How a result moves when its exhibit gets a little worse: noise, JPEG and loss of resolution of stated strengths.

Undoing a swap is known to break under slight noise (FIVA, arXiv 2309.04228): a result that turns into another person
under noise that nobody sees was not read off the exhibit.
"""

import zlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from dfrec_jax.forensics.face_output import FaceOutput
from dfrec_jax.forensics.framed import Framed
from dfrec_jax.forensics.likeness import Likeness
from dfrec_jax.pictures import grid

Picture = UInt8[np.ndarray, "s s 3"]
# Of the picture as the network sees it. Noise: standard deviation in levels of 255; JPEG: quality; size: share of the
# side to which it is reduced and enlarged again.
STEPS: tuple[tuple[str, float], ...] = (
    ("noise", 2.0), ("noise", 5.0), ("noise", 10.0), ("jpeg", 90.0), ("jpeg", 70.0), ("jpeg", 50.0),
    ("size", 0.75), ("size", 0.5),
)  # fmt: skip


class Step(NamedTuple):
    """One degradation, and what is left of the result.

    Attributes:
      kind: noise, jpeg or size.
      strength: see STEPS.
      target_cosine: between the recovered target and that of the exhibit as it is; None where not told.
      source_cosine: likewise of the recovered source.
      map_overlap: intersection over union of the marked pixels; 1 where both maps mark none.
    """

    kind: str
    strength: float
    target_cosine: float | None
    source_cosine: float | None
    map_overlap: float


def curve(
    found: Framed, made: FaceOutput, make: Callable[[Sequence[Framed]], list[FaceOutput]], likeness: Likeness
) -> tuple[Step, ...]:
    """The steps of STEPS.

    Args:
      found: the face.
      made: what the network made of it.
      make: the network, with the same seed.
      likeness: compares faces.
    """
    is_told = not likeness.why_not(found.landmarks)
    rows = _embeddings(made, found, likeness) if is_told else None
    steps = []
    for kind, strength in STEPS:
        (other,) = make([found._replace(pixels=degraded(found.pixels, kind, strength))])
        cosines: tuple[float | None, float | None] = (None, None)
        if rows is not None:
            target, source = (rows * _embeddings(other, found, likeness)).sum(axis=-1)
            cosines = float(target), float(source)
        steps.append(Step(kind, strength, *cosines, _overlap(made, other)))
    return tuple(steps)


def record(steps: Sequence[Step]) -> list[dict[str, Any]]:
    """As it stands in result.json."""
    return [{name: _rounded(value) for name, value in step._asdict().items()} for step in steps]


def degraded(picture: Picture, kind: str, strength: float) -> Picture:
    """The picture after one step; its noise depends on the picture alone.

    Raises:
      ValueError: for another kind.
    """
    if kind == "noise":
        draws = np.random.default_rng(zlib.crc32(picture.tobytes())).normal(0, strength, picture.shape)
        return np.clip(np.rint(picture + draws), 0, 255).astype(np.uint8)
    if kind == "jpeg":
        bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
        coded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, int(strength)])[1]
        return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR_RGB))
    if kind == "size":
        size = len(picture)
        small = cv2.resize(picture, (round(size * strength),) * 2, interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.resize(small, (size, size), interpolation=cv2.INTER_CUBIC))
    raise ValueError(f"kind={kind!r}: must be noise, jpeg or size")


def _embeddings(made: FaceOutput, found: Framed, likeness: Likeness) -> Float[np.ndarray, "2 e"]:
    output = made.output
    return likeness.embeddings([output.target_face, output.source_face], found.landmarks)


def _overlap(a: FaceOutput, b: FaceOutput) -> float:
    one, other = (np.asarray(each.output.used_map) >= grid.MARKED for each in (a, b))
    either = (one | other).sum()
    return float((one & other).sum() / either) if either else 1.0


def _rounded(value: Any) -> Any:
    return round(value, 4) if isinstance(value, float) else value
