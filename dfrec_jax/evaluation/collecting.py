"""Running recoverers over a test split: every example's numbers, kept until means are taken over people."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from dfrec_jax.evaluation import finding, measure
from dfrec_jax.evaluation.recoverers import COPY, Recovered, Recoverer, run_all, seen
from dfrec_jax.examples import fields
from dfrec_jax.frozen.network import FrozenNetwork
from dfrec_jax.pictures.grid import to_uint8

LOOKED_AT = 8  # examples of each attack that are kept for a panel


class Collected(NamedTuple):
    """Every test example's numbers, and what it was: arrays over examples."""

    values: dict[tuple[str, str, str], np.ndarray]
    input_to_recovered: dict[str, np.ndarray]
    forgery_logit: np.ndarray | None
    examples: dict[str, np.ndarray]


class Instruments(NamedTuple):
    """The frozen networks that measure; those that are None measure nothing."""

    metric: FrozenNetwork
    distance: FrozenNetwork | None = None
    detector: FrozenNetwork | None = None

    def names(self) -> dict[str, str]:
        """Of those that are there."""
        return {role: network.name for role, network in self._asdict().items() if network is not None}


def collect(
    recoverers: Sequence[Recoverer],
    measured_row: str,
    instruments: Instruments,
    batches: Iterable[dict[str, np.ndarray]],
    seed: int,
    panels: dict[int, list[list[np.ndarray]]],
) -> Collected:
    """Measures every example of `batches`.

    With a detector, faces are aligned for the recogniser by the landmarks that it finds: on the input for the input,
    the target, which is the same frame, and what was recovered; on the source for the source. Where it finds none those
    of the record serve; a source of which none are known counts for nothing that is measured on an aligned face.

    Args:
      recoverers: the rows, a copy of the input among them.
      measured_row: the one whose generated region, logit and panels are meant.
      instruments: what they are measured by.
      batches: of `pipeline.eval_batches`, and with an `attack`.
      seed: of the masking noise, the same for every example.
      panels: filled with rows of pictures by attack: input, map, what the TIRM sees, recovered and true faces.
    """
    recover = {one.name: one.recover for one in recoverers}

    @jax.jit
    def run(
        variables: Any, metric: FrozenNetwork, distance: FrozenNetwork | None, batch: Mapping[str, jax.Array]
    ) -> tuple[measure.Measured, dict[str, Recovered]]:
        pictures = fields.to_float(batch)
        keys = jnp.broadcast_to(jax.random.key(seed), pictures["image"].shape[:1])
        rows = run_all(recover, variables, seen(pictures, keys))
        region = rows[measured_row].generated
        assert region is not None
        return measure.measure(rows, pictures, region, metric, distance), rows

    variables = {one.name: one.variables for one in recoverers}
    parts: list[Collected] = []
    for batch in batches:
        is_valid = batch.pop("is_valid")
        detector, looked_for = instruments.detector, None
        if detector is not None:
            looked_for = {role: finding.find(detector, batch[role]) for role in ("image", "source", "target")}
            for name, role in (("landmarks", "image"), ("source_landmarks", "source")):
                found_points = looked_for[role].landmarks
                batch[name] = np.where(np.isnan(found_points), batch[name], found_points)
        on_host: Any = jax.device_get(run(variables, instruments.metric, instruments.distance, batch))
        found, rows = on_host
        if detector is not None and looked_for is not None:
            found.values.update(_detected(detector, rows, looked_for))
        _keep_for_panels(panels, batch, rows[measured_row], is_valid)
        examples = {name: values for name, values in batch.items() if values.ndim == 1}
        collected = Collected(found.values, found.input_to_recovered, rows[measured_row].logit, examples)
        parts.append(jax.tree.map(lambda values, kept=is_valid: np.asarray(values)[kept], collected))
    return jax.tree.map(lambda *values: np.concatenate(values), *parts)


def _detected(
    detector: FrozenNetwork, rows: Mapping[str, Recovered], looked_for: Mapping[str, finding.Found]
) -> Iterator[tuple[tuple[str, str, str], np.ndarray]]:
    """Of each picture: is a face found, and are its landmarks those of the true target (of the input, for a source)?

    A recovered source keeps the pose of the input, which the source's own picture need not have.
    """
    for role in measure.OTHER:
        reference = looked_for["target" if role == "target" else "image"]
        for row, faces in measure.faces(rows, role).items():
            found = looked_for["image"] if row == COPY else finding.find(detector, to_uint8(np.asarray(faces)))
            distance = np.asarray(finding.displacement(found.landmarks, reference.landmarks))
            values = {
                "face_found": found.is_found.astype(np.float64),
                "face_in_place": (distance < finding.IN_PLACE).astype(np.float64),  # NaN, a face not found, is not
            }
            for name, value in values.items():
                yield (role, row, name), value
                if row == COPY:
                    yield (role, measure.NONE, name), value


def _keep_for_panels(
    panels: dict[int, list[list[np.ndarray]]],
    batch: Mapping[str, np.ndarray],
    recovered: Recovered,
    is_valid: np.ndarray,
) -> None:
    for row in np.flatnonzero(is_valid):
        kept = panels.setdefault(int(batch["attack"][row]), [])
        if len(kept) < LOOKED_AT:
            given = {name: batch[name][row].astype(np.float32) / 255 for name in ("image", "source", "target")}
            kept.append(
                [
                    given["image"],
                    np.asarray(recovered.source_map)[row],
                    np.asarray(recovered.masked_image)[row],
                    np.asarray(recovered.source)[row],
                    np.asarray(recovered.target)[row],
                    given["source"],
                    given["target"],
                ]
            )
