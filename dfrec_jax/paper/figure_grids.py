"""The pictures and similarities of each kind of figure, from the rows that stand at its places."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from dfrec_jax.frozen.network import FrozenNetwork
from dfrec_jax.metrics.identity import cosine
from dfrec_jax.paper import shown_examples
from dfrec_jax.paper.figures import Kind, PaperFigure
from dfrec_jax.paper.recovered_pictures import Kept
from dfrec_jax.paper.shown_examples import PARTS, Chosen, place
from dfrec_jax.paper.table_data import Examples
from dfrec_jax.paper.tables import Column, Row
from dfrec_jax.reports.figures import Curve, Line, Panel, Shown

Pictures = Callable[[int, Mapping[str, Any]], Kept]


class Material(NamedTuple):
    """What a figure is made of.

    Attributes:
      examples: by column; columns whose data are not there are not in it.
      pictures: by row and column, where there is a run.
      network: that tells identities; None where it is not at hand: densities then show nothing, pictures no number.
      results: the folder of results.
    """

    examples: Mapping[Column, Examples]
    pictures: Mapping[tuple[Row, Column], Pictures]
    network: FrozenNetwork | None
    results: Path


class FigureContent(NamedTuple):
    """The fields of `reports.figures.Figure` that depend on the kind; by label of the columns the numbers of the shown
    examples, and those of which densities show nothing, as none of its forgeries has a source."""

    headings: tuple[str, ...] = ()
    lines: tuple[Line, ...] = ()
    panels: tuple[Panel, ...] = ()
    numbers: Mapping[str, Sequence[int]] = {}
    without_source: Sequence[str] = ()


def made(figure: PaperFigure, material: Material) -> FigureContent:
    """What there is of a figure."""
    return {
        Kind.DENSITIES: _densities,
        Kind.METHODS: _methods,
        Kind.CROSSING: _crossing,
        Kind.PARTS: _parts,
    }[figure.kind](figure, material)


def similarities(network: FrozenNetwork, batch: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Of each forgery of a batch with its source, its target, and another target who is neither of the two."""
    rows = np.flatnonzero(batch["is_valid"] & batch["is_forgery"] & batch["has_source"] & batch["has_target"])
    landmarks = {"image": "landmarks", "target": "landmarks", "source": "source_landmarks"}
    found = {name: shown_examples.embeddings(network, batch[name], batch[points]) for name, points in landmarks.items()}
    others = [_another(batch, rows, int(row)) for row in rows]
    is_any = np.array([other is not None for other in others], bool)
    of_another = found["target"][np.array([other for other in others if other is not None], int)]
    return {
        "source": cosine(found["image"][rows], found["source"][rows]),
        "target": cosine(found["image"][rows], found["target"][rows]),
        "another person": cosine(found["image"][rows[is_any]], of_another),
    }


def _another(batch: Mapping[str, Any], rows: np.ndarray, row: int) -> int | None:
    """The next row whose target is neither person of this one."""
    people = {int(batch["source_id"][row]), int(batch["target_id"][row])}
    after = np.concatenate([rows[rows > row], rows[rows < row]])
    return next((int(other) for other in after if int(batch["target_id"][other]) not in people), None)


def _densities(figure: PaperFigure, material: Material) -> FigureContent:
    panels, without_source = [], []
    if material.network is None:
        return FigureContent()
    for column, examples in material.examples.items():
        found: dict[str, list[float]] = {}
        for batch in examples:
            for name, values in similarities(material.network, batch).items():
                found.setdefault(name, []).extend(np.round(values[np.isfinite(values)], 5).tolist())
        if any(found.values()):
            panels.append(Panel(column.label, tuple(Curve(name, tuple(values)) for name, values in found.items())))
        else:
            without_source.append(column.label)
    return FigureContent(panels=tuple(panels), without_source=without_source)


def _methods(figure: PaperFigure, material: Material) -> FigureContent:
    """Input, true target, what each row makes of it, with similarities to the true target; perhaps what the last row
    makes of the source, and the source."""
    rows = [row for row in figure.table.rows if any((row, column) in material.pictures for column in material.examples)]
    if not rows:
        return FigureContent()
    own = rows[-1] if figure.with_source else None
    headings = ("input", "true target", *(row.label for row in rows))
    headings += (f"{own.label}, source", "true source") if own else ()
    lines, numbers = [], {}
    for column, examples in material.examples.items():
        if not any((row, column) in material.pictures for row in rows):
            continue
        chosen = shown_examples.first(examples, figure.examples)
        numbers[column.label] = [int(example["number"]) for example in chosen]
        for example in chosen:
            of_input = shown_examples.similarity(material.network, example["image"], example)
            places = [place(example["image"], material.results, of_input), place(example["target"], material.results)]
            places += [_target(material, row, column, example) for row in rows]
            if own:
                kept = _kept(material, own, column, example)
                source = None if kept is None or kept.source is None else kept.source[example.row]
                places.append(place(source, material.results))
                places.append(place(shown_examples.true_source(example), material.results))
            lines.append(Line(f"{column.label}, example {int(example['number'])}", tuple(places)))
    return FigureContent(headings, tuple(lines), numbers=numbers)


def _crossing(figure: PaperFigure, material: Material) -> FigureContent:
    """What each run makes of one forgery of each column; input, target, source and map stand at its side."""
    rows = [row for row in figure.table.rows if any((row, column) in material.pictures for column in material.examples)]
    columns = {
        column: shown_examples.first(examples, 1)
        for column, examples in material.examples.items()
        if any((row, column) in material.pictures for row in rows)
    }
    columns = {column: chosen[0] for column, chosen in columns.items() if chosen}
    lines = [
        Line(row.label, tuple(_with_insets(material, row, column, example) for column, example in columns.items()))
        for row in rows
    ]
    numbers = {column.label: [int(example["number"])] for column, example in columns.items()}
    return FigureContent(tuple(column.label for column in columns), tuple(lines) if columns else (), numbers=numbers)


def _parts(figure: PaperFigure, material: Material) -> FigureContent:
    lines, numbers = [], {}
    for row, column in ((row, column) for column in material.examples for row in figure.table.rows):
        if (row, column) not in material.pictures:
            continue
        chosen = shown_examples.first(material.examples[column], figure.examples, figure.pristine)
        numbers[column.label] = [int(example["number"]) for example in chosen]
        trained_on = f", trained on {row.trained_on}" if row.trained_on else ""
        for example in chosen:
            kept = _kept(material, row, column, example)
            assert kept is not None
            idsim = shown_examples.similarity(material.network, kept.target[example.row], example)
            what = "forgery" if example["is_forgery"] else "pristine"
            label = f"{column.label}, {what} {int(example['number'])}{trained_on}"
            lines.append(shown_examples.intermediate_outputs(label, example, kept, idsim, material.results))
    return FigureContent(PARTS, tuple(lines), numbers=numbers) if lines else FigureContent()


def _with_insets(material: Material, row: Row, column: Column, example: Chosen) -> Shown:
    kept = _kept(material, row, column, example)
    if kept is None:
        return Shown()
    small = [example["image"], example["target"], shown_examples.true_source(example)]
    small.append(None if kept.source_map is None else kept.source_map[example.row])
    insets = tuple(place(picture, material.results).picture for picture in small)
    return _target(material, row, column, example)._replace(insets=insets)


def _target(material: Material, row: Row, column: Column, example: Chosen) -> Shown:
    kept = _kept(material, row, column, example)
    if kept is None:
        return Shown()
    recovered = kept.target[example.row]
    idsim = shown_examples.similarity(material.network, recovered, example)
    return place(recovered, material.results, idsim)


def _kept(material: Material, row: Row, column: Column, example: Chosen) -> Kept | None:
    pictures = material.pictures.get((row, column))
    return None if pictures is None else pictures(example.batch_number, example.batch)
