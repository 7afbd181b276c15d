"""Which examples are shown, and an example as a line of pictures: what goes in, what comes out, what should."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Int, UInt8

from dfrec_jax.evaluation.describing import describe
from dfrec_jax.frozen.network import FrozenNetwork
from dfrec_jax.metrics.identity import cosine
from dfrec_jax.paper.recovered_pictures import Kept
from dfrec_jax.reports import figures
from dfrec_jax.reports.figures import Line, Shown

_describe = jax.jit(describe)
PARTS = (
    "input", "map", "source region", "masked image", "recovered source", "recovered target", "true source",
    "true target",
)  # fmt: skip


class Chosen(NamedTuple):
    """An example: a row of a batch."""

    batch_number: int
    batch: Mapping[str, Any]
    row: int

    def __getitem__(self, field: Any) -> Any:
        """A field of it alone."""
        return self.batch[field][self.row] if isinstance(field, str) else tuple.__getitem__(self, field)


def first(batches: Iterable[Mapping[str, Any]], forgeries: int, pristine: int = 0) -> list[Chosen]:
    """The first so many forgeries whose target people differ, and then pristine faces, in the order of their split.

    The choice depends on the data alone and on nothing that was recovered.
    """
    found: dict[bool, list[Chosen]] = {True: [], False: []}
    people: set[int] = set()
    for batch_number, batch in enumerate(batches):
        for row in np.flatnonzero(batch["is_valid"] & batch["has_target"]):
            is_forgery, person = bool(batch["is_forgery"][row]), int(batch["target_id"][row])
            if len(found[is_forgery]) < (forgeries if is_forgery else pristine) and person not in people:
                found[is_forgery].append(Chosen(batch_number, batch, int(row)))
                people.add(person)
        if len(found[True]) >= forgeries and len(found[False]) >= pristine:
            break
    return found[True] + found[False]


def numbered(batches: Iterable[Mapping[str, Any]], numbers: Iterable[int]) -> dict[int, Chosen]:
    """Examples by their numbers in the order of the split; reads as many batches as hold them."""
    wanted, found = set(numbers), {}
    for batch_number, batch in enumerate(batches):
        for row, number in enumerate(batch["number"]):
            if int(number) in wanted:
                found[int(number)] = Chosen(batch_number, batch, row)
        if len(found) == len(wanted):
            break
    return found


def extremes(numbers: Int[np.ndarray, " n"], values: Float[np.ndarray, " n"]) -> dict[str, int]:
    """The numbers of the worst, the median and the best example."""
    order = np.argsort(values, kind="stable")
    return {
        word: int(numbers[order[place]]) for word, place in (("worst", 0), ("median", len(order) // 2), ("best", -1))
    }


def embeddings(
    network: FrozenNetwork, pictures: UInt8[np.ndarray, "b h w 3"], landmarks: Float[np.ndarray, "b 5 2"]
) -> Float[np.ndarray, "b d"]:
    """Of the faces, by the network that tells identities."""
    return np.asarray(_describe({"identity": network}, np.float32(pictures) / 255, landmarks)["identity"])


def similarity(network: FrozenNetwork | None, recovered: UInt8[np.ndarray, "h w 3"], example: Chosen) -> float | None:
    """IDSIM of what was recovered of one example; None without a network."""
    if network is None:
        return None
    found = embeddings(network, np.stack([recovered, example["target"]]), np.stack([example["landmarks"]] * 2))
    return float(cosine(found[:1], found[1:])[0])


def intermediate_outputs(label: str, example: Chosen, kept: Kept, idsim: float | None, results: Path) -> Line:
    """Every intermediate output of one example under the headings `PARTS`; IDSIM at the recovered target, if known.

    Args:
      label: before the line.
      example: which.
      kept: what was recovered of its batch.
      idsim: of it.
      results: the folder of results, where pictures are kept.
    """
    image, row = example["image"], example.row
    of_source = None if kept.source_map is None else np.rint(image * (kept.source_map[row] / 255.0)).astype(np.uint8)
    shown = {
        "input": image,
        "map": _of(kept.source_map, row),
        "source region": of_source,
        "masked image": _of(kept.masked_image, row),
        "recovered source": _of(kept.source, row),
        "recovered target": kept.target[row],
        "true source": true_source(example),
        "true target": example["target"],
    }
    numbers = {"recovered target": idsim}
    return Line(label, tuple(place(shown[name], results, numbers.get(name)) for name in PARTS))


def true_source(example: Chosen) -> UInt8[np.ndarray, "h w 3"] | None:
    """None where the data set does not hold it."""
    return example["source"] if example["has_source"] else None


def place(picture: np.ndarray | None, results: Path, number: float | None = None) -> Shown:
    """A picture of a grid, which is kept; an empty place for None."""
    return Shown() if picture is None else Shown(figures.keep(picture, results), number)


def _of(pictures: np.ndarray | None, row: int) -> np.ndarray | None:
    return None if pictures is None else pictures[row]
