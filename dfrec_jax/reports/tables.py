"""Tables as Markdown, rendered from records; a cell that was not measured is a dash."""

from collections.abc import Sequence
from typing import NamedTuple

from dfrec_jax.reports.results import Record


class Column(NamedTuple):
    """One column: the metric, its heading, how many digits, and whether the interval is shown."""

    metric: str
    heading: str
    digits: int
    with_interval: bool = False


class TableSpec(NamedTuple):
    """Which records a table shows: its name, the roles and rows in order, and its columns."""

    table: str
    roles: tuple[str, ...]
    rows: tuple[str, ...]
    columns: tuple[Column, ...]


RECOVERY = TableSpec(
    table="recovery",
    roles=("target", "source"),
    rows=("None", "copy of the input", "inpainting without f_t", "DFREC"),
    columns=(
        Column("idsim", "IDSIM", 3, with_interval=True),
        Column("psnr", "PSNR", 2),
        Column("ssim_uniform", "SSIM", 3),
        Column("idsim_region", "IDSIM, region", 3),
        Column("psnr_region", "PSNR, region", 2),
        Column("ssim_uniform_region", "SSIM, region", 3),
        Column("acc_id", "Acc_id", 3),
    ),
)


def markdown(spec: TableSpec, records: Sequence[Record], notes: Sequence[str] = ()) -> str:
    """The table over all attacks together, followed by one paragraph for each note."""
    shown = [record for record in records if record.table == spec.table and record.attack == "all"]
    cells = {(record.role, record.row, record.metric): record for record in shown}
    lines = [
        "| face | method | " + " | ".join(column.heading for column in spec.columns) + " |",
        "|---|---|" + "---:|" * len(spec.columns),
    ]
    for role in spec.roles:
        for row in spec.rows:
            values = [_cell(cells.get((role, row, column.metric)), column) for column in spec.columns]
            if any(value != "-" for value in values):
                lines.append(f"| {role} | {row} | " + " | ".join(values) + " |")
    return "\n".join(lines) + "\n" + "".join(f"\n{note}\n" for note in notes)


def _cell(record: Record | None, column: Column) -> str:
    if record is None:
        return "-"
    text = f"{record.value:.{column.digits}f}"
    if column.with_interval and record.low is not None and record.high is not None:
        text += f" [{record.low:.{column.digits}f}, {record.high:.{column.digits}f}]"
    return text
