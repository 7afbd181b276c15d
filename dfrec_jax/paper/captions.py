"""What stands below a figure: of what it is, by which checkpoints, and what it lacks."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from dfrec_jax.evaluation import describing
from dfrec_jax.paper import table_data
from dfrec_jax.paper.figure_grids import FigureContent
from dfrec_jax.paper.figures import Kind, PaperFigure
from dfrec_jax.paper.pictures_of_others import Given
from dfrec_jax.paper.runs_at_hand import Run
from dfrec_jax.paper.table_data import SCENES
from dfrec_jax.reports.figures import Figure

_INSETS = "At the left side of each picture: the forgery, the true target, the true source, and the map."


def grouped(labels: Sequence[str], figure: PaperFigure) -> list[str]:
    """What a figure lacks, `row (column)` each; a row that lacks every column is named once."""
    num_columns = len(figure.table.columns)
    said: list[str] = []
    for row in figure.table.rows:
        of_row = [label for label in labels if label.startswith(f"{row.label} (")]
        said += [row.label] if num_columns > 1 and len(of_row) == num_columns else of_row
    return said + [label for label in labels if "(" not in label]


def caption(
    figure: PaperFigure,
    made: FigureContent,
    networks: describing.Networks,
    steps: dict[str, int],
    runs: Sequence[Run],
    others: Sequence[Given],
) -> tuple[str, ...]:
    """Data, split, examples, checkpoints, and what the numbers are."""
    network = networks.names().get("identity")
    shown_columns = {panel.title for panel in made.panels} | set(made.numbers)
    shown = [column.data for column in figure.table.columns if column.label in shown_columns]
    data = "; ".join(table_data.described(data) if data.folders else str(data) for data in shown)
    said = [f"Test split of {data}."]
    if figure.kind is Kind.DENSITIES:
        counts = ", ".join(f"{panel.title} {len(panel.curves[0].values)}" for panel in made.panels if panel.curves)
        said.append(f"Cosines of embeddings by {network} over all forgeries ({counts}), smoothed by a Gaussian kernel.")
    else:
        each = {label: ", ".join(map(str, numbers)) for label, numbers in made.numbers.items()}
        is_same = len(set(each.values())) == 1
        numbers = min(each.values()) if is_same else "; ".join(f"{label}: {shown}" for label, shown in each.items())
        said.append(f"Examples: the first whose target people differ, by their number in the split ({numbers}).")
        of = "the input and of a recovered target" if figure.kind is Kind.METHODS else "a recovered target"
        if network is not None:
            said.append(f"At the corner of {of}: its identity similarity with the true one, by {network}.")
        said += [_INSETS] if figure.kind is Kind.CROSSING else []
        if steps:
            said.append(checkpoints(steps))
        if given := [f"{one.method} ({one.workdir})" for one in others if one.method in made.headings]:
            said.append(f"Pictures of other programs: {', '.join(given)}.")
    if is_drawn(runs):
        said.append("Drawn faces in place of the paper's data: nothing of it carries over to photographs.")
    return tuple(said)


def checkpoints(steps: Mapping[str, int]) -> str:
    """Which runs at which step; of several of one folder, as a sweep makes them, at one step their names alone."""
    folders, numbers = {str(Path(run).parent) for run in steps}, set(steps.values())
    if len(steps) > 1 and len(folders) == len(numbers) == 1:
        names = ", ".join(Path(run).name for run in steps)
        return f"Checkpoints of step {numbers.pop()} in {folders.pop()}: {names}."
    return f"Checkpoints: {', '.join(f'{run} at step {step}' for run, step in steps.items())}."


def is_drawn(runs: Sequence[Run]) -> bool:
    """Whether they were trained on drawn faces; those of one command all were, or none."""
    return runs[0].trained_on.dataset in SCENES


def on_screen(record: Figure) -> str:
    """In Markdown: where it is, and what it lacks."""
    where = "nothing to draw" if record.is_empty else f"figures/figure_{record.name}.pdf"
    return "\n\n".join([f"**Figure {record.name}: {record.title}**: {where}", *record.missing]) + "\n"
