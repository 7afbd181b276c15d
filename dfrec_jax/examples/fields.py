"""What an example is, and a batch of them: every field by its name, with its layout and where it is of use.

An example is a dict of these fields, a batch the same with a first axis. Data sets make it, the device completes it
(`data/completion.py`), losses and metrics read it. A field is added here and where it is made and read, nowhere else.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

H = W = -1  # of a shape: pixels, the same in all pictures of a batch


class Layout(NamedTuple):
    """Type and shape of one example's field as it travels from the host."""

    dtype: type
    shape: tuple[int, ...]


class Kind(Enum):
    """What a field holds; pictures are RGB in 0..255 until `to_float`, points are x, y in pixels of their picture."""

    PICTURE = Layout(np.uint8, (H, W, 3))
    MASK = Layout(np.uint8, (H, W, 1))
    POINTS_5 = Layout(np.float32, (5, 2))  # eyes, nose, corners of the mouth as seen in the picture; NaN: not known
    POINTS_68 = Layout(np.float32, (68, 2))
    FLAG = Layout(np.bool_, ())
    NUMBER = Layout(np.integer, ())
    SHARE = Layout(np.float32, ())
    LABELS = Layout(np.int8, (40,))


class Use(Enum):
    """Where a field is of use."""

    ALWAYS = "training and evaluation"
    FORGING = "what the device forges by: used up before the model sees the batch"
    LOSSES = "made by the device for the losses of training; evaluation has no use for it"
    EVALUATION = "evaluation alone"


class Field(NamedTuple):
    """One field."""

    kind: Kind
    use: Use = Use.ALWAYS


FIELDS: dict[str, Field] = {
    "image": Field(Kind.PICTURE),  # I: the forgery, or the pristine face
    "source": Field(
        Kind.PICTURE
    ),  # the pristine source, in its own pose; of a pristine face itself; black: not at hand
    "target": Field(Kind.PICTURE),  # the pristine target, the same frame as `image`
    "posed_source": Field(Kind.PICTURE, Use.LOSSES),  # `forge.Forgery.posed_source`: the source in the pose of `image`
    "source_mask": Field(Kind.MASK),  # 255 where a pixel of `image` comes from the source
    "inside_mask": Field(Kind.MASK),  # 255 where the picture that `image` and `target` were cut from has a pixel
    "landmarks": Field(Kind.POINTS_5),  # of `image`, and so of `target` and of both recovered faces
    "source_landmarks": Field(Kind.POINTS_5),  # of `source`
    "points": Field(Kind.POINTS_68),  # as `landmarks`, of photographs; drawn faces have none; NaN: not known
    "target_points": Field(Kind.POINTS_68, Use.FORGING),
    "source_points": Field(Kind.POINTS_68, Use.FORGING),
    "kind": Field(Kind.NUMBER, Use.FORGING),  # of `rows.KINDS`: how the row is to be forged
    "example": Field(Kind.NUMBER, Use.FORGING),  # the row's place in the stream of all batches, which draws depend on
    "is_forgery": Field(Kind.FLAG),
    "has_source": Field(Kind.FLAG),
    "has_target": Field(Kind.FLAG),
    "has_mask": Field(Kind.FLAG),
    "has_posed_source": Field(Kind.FLAG, Use.LOSSES),
    "is_photograph": Field(
        Kind.FLAG, Use.LOSSES
    ),  # of `rows.PHOTOGRAPH`: to be recovered from what `source_mask` leaves
    "source_id": Field(Kind.NUMBER),  # of people
    "target_id": Field(Kind.NUMBER),
    "attack": Field(Kind.NUMBER),  # of the data set's attacks
    "leak": Field(Kind.SHARE),  # of the embedded faces: the share of the target that shows through
    "attributes": Field(Kind.LABELS),  # of the attribute task: CelebA's 40 as -1 and 1, 0 where not known
    "identity": Field(Kind.NUMBER),  # of the attribute task: the person
    "number": Field(Kind.NUMBER, Use.EVALUATION),  # of the example, in the order in which its split is evaluated
    "is_valid": Field(Kind.FLAG, Use.EVALUATION),  # False for a row that only fills up the last batch
}


def names(*kinds: Kind) -> tuple[str, ...]:
    """The fields of some kinds, in their order."""
    return tuple(name for name, field in FIELDS.items() if field.kind in kinds)


PICTURES = names(Kind.PICTURE, Kind.MASK)


def to_float(batch: Mapping[str, Any]) -> dict[str, Any]:
    """Pictures and masks become float32 in [0, 1]; the rest is kept."""
    return {name: jnp.asarray(value, jnp.float32) / 255 if name in PICTURES else value for name, value in batch.items()}


def without(batch: Mapping[str, Any], *uses: Use) -> dict[str, Any]:
    """The batch without the fields of some uses."""
    return {name: value for name, value in batch.items() if FIELDS[name].use not in uses}


def check(batch: Mapping[str, Any]) -> None:
    """Holds a batch, as it leaves the host, against the layouts; of traced arrays too, where it costs nothing.

    Raises:
      ValueError: for a field that is not declared, or of another type or shape.
    """
    num = len(batch["image"])
    pixels = batch["image"].shape[1:3]
    for name, value in batch.items():
        if name not in FIELDS:
            raise ValueError(f"{name}: no field of an example; declare it in dfrec_jax/examples/fields.py")
        dtype, shape = FIELDS[name].kind.value
        wanted = (num, *(pixels + shape[2:] if shape[:2] == (H, W) else shape))
        if value.shape != wanted or not np.issubdtype(value.dtype, dtype):
            raise ValueError(f"{name}: {value.dtype} {value.shape}; must be {dtype.__name__} {wanted}")
