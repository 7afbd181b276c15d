"""Running recoverers over a test split: every example's numbers, kept until means are taken over people."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from dfrec_jax.evaluation import finding, measure, spread, unfinished
from dfrec_jax.evaluation.recoverers import COPY, Recovered, Recoverer, in_8_bits, run_all, seen
from dfrec_jax.evaluation.spread import Spread
from dfrec_jax.examples import fields
from dfrec_jax.frozen.network import FrozenNetwork
from dfrec_jax.runs import compiling

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
    devices: Spread,
    kept: unfinished.Unfinished | None = None,
) -> Collected:
    """Measures every example of `batches`, those of all hosts.

    Pictures stay on the devices. The host gets numbers, the pictures that are kept for a panel, and, where a detector
    looks at them, the faces in 8 bits.

    With a detector, faces are aligned for the recogniser by the landmarks that it finds: on the input for the input,
    the target, which is the same frame, and what was recovered; on the source for the source. Where it finds none those
    of the record serve; a source of which none are known counts for nothing that is measured on an aligned face.

    Args:
      recoverers: the rows, a copy of the input among them.
      measured_row: the one whose generated region, logit and panels are meant.
      instruments: what they are measured by.
      batches: of `pipeline.eval_batches`, this host's rows of them, and with an `attack`.
      seed: of the masking noise, the same for every example.
      panels: filled with rows of pictures by attack: input, map, what the TIRM sees, recovered and true faces.
      devices: that share the rows.
      kept: where what was measured of each batch is kept, and read again by an evaluation that was preempted.
    """
    recover = {one.name: one.recover for one in recoverers}
    number_of = {one.name: _number_of(one, recoverers) for one in recoverers}

    @jax.jit
    def run(
        variables: Any, metric: FrozenNetwork, distance: FrozenNetwork | None, batch: Mapping[str, jax.Array]
    ) -> tuple[measure.Measured, dict[str, Recovered]]:
        pictures = fields.to_float(batch)
        keys = jnp.broadcast_to(jax.random.key(seed), pictures["image"].shape[:1])
        by_name = {name: variables[number] for name, number in number_of.items()}
        rows = run_all(recover, by_name, seen(pictures, keys))
        region = rows[measured_row].generated
        assert region is not None
        return measure.measure(rows, pictures, region, metric, distance), rows

    variables = devices.everywhere([one.variables for one in _distinct(recoverers)])
    metric, distance = devices.everywhere((instruments.metric, instruments.distance))
    measured_by = compiling.announced(run, "the networks that are measured and that measure", spread.is_first_host())

    def measured(batch: dict[str, np.ndarray]) -> tuple[Collected, dict[int, list[list[np.ndarray]]]]:
        """One batch, and the rows of it that are to be kept for panels."""
        examples = spread.together({name: values for name, values in batch.items() if values.ndim == 1})
        is_valid = examples.pop("is_valid")
        batch = {name: values for name, values in batch.items() if name != "is_valid"}
        detector, looked_for = instruments.detector, None
        if detector is not None:
            looked_for = {role: finding.find(detector, batch[role]) for role in ("image", "source", "target")}
            for name, role in (("landmarks", "image"), ("source_landmarks", "source")):
                found_points = looked_for[role].landmarks
                batch[name] = np.where(np.isnan(found_points), batch[name], found_points)
        found, rows = measured_by(variables, metric, distance, devices.rows(batch))
        of_row = rows[measured_row]
        found, logit = devices.fetch((found, of_row.logit))
        if detector is not None and looked_for is not None:
            found.values.update(spread.together(dict(_detected(detector, rows, looked_for, devices))))
        shown_rows: dict[int, list[list[np.ndarray]]] = {}
        if wanted := _wanted_for_panels(panels, examples["attack"], is_valid):
            given = spread.together({name: batch[name] for name in ("image", "source", "target")})
            shown = of_row.source_map, of_row.masked_image, of_row.source, of_row.target
            _keep_for_panels(shown_rows, wanted, examples["attack"], given, devices.fetch(shown))
        collected = Collected(found.values, found.input_to_recovered, logit, examples)
        return jax.tree.map(lambda values: values[is_valid], collected), shown_rows

    parts: list[Collected] = []
    for number, batch in enumerate(batches):
        inputs = unfinished.digests(batch) if kept is not None else None
        there = kept.read(number, inputs) if kept is not None and inputs is not None else None
        part, shown_rows = measured(batch) if there is None else _unpacked(there)
        if kept is not None and inputs is not None and there is None:
            kept.write(number, inputs, _packed(part, shown_rows))
        parts.append(part)
        for attack, shown in shown_rows.items():
            panels.setdefault(attack, []).extend(shown)
    return jax.tree.map(lambda *values: np.concatenate(values), *parts)


def _packed(part: Collected, shown: Mapping[int, list[list[np.ndarray]]]) -> unfinished.Kept:
    """As it is kept; see `_unpacked`."""
    arrays: dict[tuple[str, ...], np.ndarray] = {("values", *key): value for key, value in part.values.items()}
    arrays |= {("similarity", row): value for row, value in part.input_to_recovered.items()}
    arrays |= {("examples", name): value for name, value in part.examples.items()}
    if part.forgery_logit is not None:
        arrays["logit",] = part.forgery_logit
    for attack, rows in shown.items():
        for number, pictures in enumerate(rows):
            for place, picture in enumerate(pictures):
                arrays["shown", str(attack), str(number), str(place)] = picture
    return unfinished.Kept(arrays)


def _unpacked(kept: unfinished.Kept) -> tuple[Collected, dict[int, list[list[np.ndarray]]]]:
    def of(kind: str) -> dict[tuple[str, ...], np.ndarray]:
        return {words[1:]: array for words, array in kept.arrays.items() if words[0] == kind}

    shown: dict[int, list[list[np.ndarray]]] = {}
    for (attack, number, _), picture in of("shown").items():
        rows = shown.setdefault(int(attack), [])
        if int(number) == len(rows):
            rows.append([])
        rows[-1].append(picture)
    values = {(role, row, name): array for (role, row, name), array in of("values").items()}
    similarities = {row: array for (row,), array in of("similarity").items()}
    examples = {name: array for (name,), array in of("examples").items()}
    return Collected(values, similarities, kept.arrays.get(("logit",)), examples), shown


def _distinct(recoverers: Sequence[Recoverer]) -> list[Recoverer]:
    """One for each set of variables: in one program what two rows of one network share is then computed once."""
    return list({id(one.variables): one for one in recoverers}.values())


def _number_of(one: Recoverer, recoverers: Sequence[Recoverer]) -> int:
    return [id(other.variables) for other in _distinct(recoverers)].index(id(one.variables))


def _detected(
    detector: FrozenNetwork, rows: Mapping[str, Recovered], looked_for: Mapping[str, finding.Found], devices: Spread
) -> Iterator[tuple[tuple[str, str, str], np.ndarray]]:
    """Of each picture: is a face found, and are its landmarks those of the true target (of the input, for a source)?

    A recovered source keeps the pose of the input, which the source's own picture need not have.
    """
    for role in measure.OTHER:
        reference = looked_for["target" if role == "target" else "image"]
        for row, faces in measure.faces(rows, role).items():
            found = looked_for["image"] if row == COPY else finding.find(detector, devices.own(in_8_bits(faces)))
            distance = np.asarray(finding.displacement(found.landmarks, reference.landmarks))
            values = {
                "face_found": found.is_found.astype(np.float64),
                "face_in_place": (distance < finding.IN_PLACE).astype(np.float64),  # NaN, a face not found, is not
            }
            for name, value in values.items():
                yield (role, row, name), value
                if row == COPY:
                    yield (role, measure.NONE, name), value


def _wanted_for_panels(panels: Mapping[int, Sequence[Any]], attack: np.ndarray, is_valid: np.ndarray) -> list[int]:
    """The rows of a batch that are still to be kept for a panel."""
    wanted, kept = [], {number: len(rows) for number, rows in panels.items()}
    for row in np.flatnonzero(is_valid):
        number = int(attack[row])
        if kept.get(number, 0) < LOOKED_AT:
            kept[number] = kept.get(number, 0) + 1
            wanted.append(int(row))
    return wanted


def _keep_for_panels(
    panels: dict[int, list[list[np.ndarray]]],
    wanted: Sequence[int],
    attack: np.ndarray,
    given: Mapping[str, np.ndarray],
    shown: Sequence[np.ndarray],
) -> None:
    for row in wanted:
        image, source, target = (given[name][row].astype(np.float32) / 255 for name in ("image", "source", "target"))
        recovered = [pictures[row] for pictures in shown]
        panels.setdefault(int(attack[row]), []).append([image, *recovered, source, target])
