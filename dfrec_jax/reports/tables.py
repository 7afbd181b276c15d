"""Tables as Markdown, rendered from records; a cell that was not measured is a dash."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from dfrec_jax.files import whole
from dfrec_jax.reports import intervals
from dfrec_jax.reports.names import in_markdown
from dfrec_jax.reports.results import Record


class Column(NamedTuple):
    """One column of a table.

    Attributes:
      metric: which records it shows.
      heading: above it.
      digits: after the point.
      with_interval: whether the interval is shown.
      has_own_n: whether it is over other examples than its row, which a note explains; where a cell of another column
        is, the cell says so.
    """

    metric: str
    heading: str
    digits: int
    with_interval: bool = False
    has_own_n: bool = False


class TableSpec(NamedTuple):
    """Which records a table shows: its name, the roles and rows in order, and its columns."""

    table: str
    roles: tuple[str, ...]
    rows: tuple[str, ...]
    columns: tuple[Column, ...]


# The plain DFREC, and what it makes of less and of more where it was trained for that.
DFREC_ROWS = ("surroundings alone", "DFREC", "DFREC, visible person given", "DFREC, visible person estimated")

RECOVERY = TableSpec(
    table="recovery",
    roles=("target", "source"),
    rows=("None", "copy of the input", "inpainting without f_t", *DFREC_ROWS),
    columns=(
        Column("idsim", "IDSIM", 3, with_interval=True),
        Column("psnr", "PSNR", 2),
        Column("ssim_uniform", "SSIM", 3),
        Column("idsim_region", "IDSIM, region", 3),
        Column("psnr_region", "PSNR, region", 2),
        Column("ssim_uniform_region", "SSIM, region", 3),
        Column("acc_id", "Acc_id", 3, with_interval=True, has_own_n=True),
    ),
)

FACES = RECOVERY._replace(
    rows=("None", "inpainting without f_t", *DFREC_ROWS),
    columns=(
        Column("idsim", "IDSIM", 3, with_interval=True),
        Column("idsim_gain", "gain", 3, with_interval=True),
        Column("idsim_other", "IDSIM to the other", 3),
        Column("ssim_uniform_region", "SSIM, region", 3),
        Column("ssim_uniform_region_gain", "gain", 3, with_interval=True),
        Column("lpips_like_region", "LPIPS-like, region", 3),
        Column("lpips_like_region_gain", "gain", 3, with_interval=True),
        Column("psnr_region", "PSNR, region", 2),
        Column("face_found", "found", 3),
        Column("face_in_place", "in place", 3),
        Column("acc_id", "Acc_id", 3, with_interval=True, has_own_n=True),
        Column("auc_real", "AUC real", 3, with_interval=True, has_own_n=True),
        Column(
            "idsim_to_input_pristine_median", "pristine: median IDSIM to input", 3, with_interval=True, has_own_n=True
        ),
    ),
)

DETECTION = TableSpec(
    table="detection",
    roles=("",),
    rows=("classification head",),
    columns=(
        Column("auc_forged", "AUC", 3, with_interval=True),
        Column("calibration_error", "ECE", 3),
        Column("probability_of_forgeries", "probability, forgeries", 3, with_interval=True, has_own_n=True),
        Column("probability_of_pristine", "probability, pristine", 3, with_interval=True, has_own_n=True),
    ),
)


def markdown(spec: TableSpec, records: Sequence[Record], notes: Sequence[str] = ()) -> str:
    """A table over all attacks together, one for each attack that has records of its own, then a paragraph a note."""
    shown = [record for record in records if record.table == spec.table]
    attacks = dict.fromkeys(record.attack for record in shown)
    parts = [_table(spec, shown, attack, f"**{attack}**\n\n" if len(attacks) > 1 else "") for attack in attacks]
    return "\n".join(parts) + "".join(f"\n{note}\n" for note in notes)


def without_interval(records: Sequence[Record], specs: Sequence[TableSpec]) -> list[str]:
    """Why figures that tables of `specs` show with an interval have none: a sentence, or nothing."""
    shown = {(spec.table, column.metric) for spec in specs for column in spec.columns if column.with_interval}
    return intervals.reasons(
        record.clusters
        for record in records
        if (record.table, record.metric) in shown and record.low is None and record.clusters is not None
    )


def write(text: str, path: Path) -> None:
    """Writes a table, whole or not at all, and makes the folder for it."""
    whole.write_text(path, text)


def by_attack(spec: TableSpec, records: Sequence[Record]) -> str:
    """A table of one row whose lines are the attacks; empty where it has no record."""
    attacks = dict.fromkeys(record.attack for record in records if record.table == spec.table)
    lines = heading(f"| {spec.rows[0]} | n | ", "|---|---:|", spec)
    for attack in attacks:
        cells = {record.metric: record for record in records if (record.table, record.attack) == (spec.table, attack)}
        lines.append(f"| {in_markdown(attack)} | " + cells_of(cells, spec))
    return "\n".join(lines) + "\n" if attacks else ""


def _table(spec: TableSpec, records: Sequence[Record], attack: str, title: str) -> str:
    lines = heading("| face | method | n | ", "|---|---|---:|", spec)
    for role in spec.roles:
        for row in spec.rows:
            of_row = (attack, role, row)
            cells = {record.metric: record for record in records if (record.attack, record.role, record.row) == of_row}
            if any(column.metric in cells for column in spec.columns):
                lines.append(f"| {role} | {row} | " + cells_of(cells, spec))
    return title + "\n".join(lines) + "\n"


def heading(first: str, rule: str, spec: TableSpec) -> list[str]:
    """The two lines above a table: `first` and `rule` are theirs before those of the columns."""
    return [first + " | ".join(column.heading for column in spec.columns) + " |", rule + "---:|" * len(spec.columns)]


def cells_of(cells: Mapping[str, Record], spec: TableSpec) -> str:
    """The row's n, which is that of its first column, and a cell for each column."""
    first = cells.get(spec.columns[0].metric)
    n = None if first is None else first.n
    return " | ".join(["-" if n is None else str(n), *(_cell(cells.get(c.metric), c, n) for c in spec.columns)]) + " |"


def _cell(record: Record | None, column: Column, n: int | None) -> str:
    if record is None:
        return "-"
    text = f"{record.value:.{column.digits}f}"
    if column.with_interval:
        text = f"{text} {intervals.text(record.low, record.high, record.clusters, column.digits)}".rstrip()
    if n is not None and record.n != n and not column.has_own_n:
        text += f" (n {record.n})"
    return text
