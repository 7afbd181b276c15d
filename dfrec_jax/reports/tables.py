"""Tables as Markdown, rendered from records; a cell that was not measured is a dash."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from dfrec_jax.files import whole
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

FACES = RECOVERY._replace(
    rows=("None", "inpainting without f_t", "DFREC"),
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
        Column("acc_id", "Acc_id", 3),
        Column("auc_real", "AUC real", 3),
        Column("idsim_to_input_pristine_median", "pristine: median IDSIM to input", 3),
    ),
)


def markdown(spec: TableSpec, records: Sequence[Record], notes: Sequence[str] = ()) -> str:
    """A table over all attacks together, one for each attack that has records of its own, then a paragraph a note."""
    shown = [record for record in records if record.table == spec.table]
    attacks = dict.fromkeys(record.attack for record in shown)
    parts = [_table(spec, shown, attack, f"**{attack}**\n\n" if len(attacks) > 1 else "") for attack in attacks]
    return "\n".join(parts) + "".join(f"\n{note}\n" for note in notes)


def write(text: str, path: Path) -> None:
    """Writes a table, whole or not at all, and makes the folder for it."""
    whole.write_text(path, text)


def _table(spec: TableSpec, records: Sequence[Record], attack: str, title: str) -> str:
    cells = {(record.role, record.row, record.metric): record for record in records if record.attack == attack}
    lines = [
        "| face | method | n | " + " | ".join(column.heading for column in spec.columns) + " |",
        "|---|---|---:|" + "---:|" * len(spec.columns),
    ]
    for role in spec.roles:
        for row in spec.rows:
            found = [cells.get((role, row, column.metric)) for column in spec.columns]
            values = [_cell(record, column) for record, column in zip(found, spec.columns, strict=True)]
            if any(record is not None for record in found):
                n = cells[role, row, "idsim"].n if (role, row, "idsim") in cells else "-"
                lines.append(f"| {role} | {row} | {n} | " + " | ".join(values) + " |")
    return title + "\n".join(lines) + "\n"


def _cell(record: Record | None, column: Column) -> str:
    if record is None:
        return "-"
    text = f"{record.value:.{column.digits}f}"
    if column.with_interval and record.low is not None and record.high is not None:
        text += f" [{record.low:.{column.digits}f}, {record.high:.{column.digits}f}]"
    return text
