"""Tables as CSV: a line for each cell, every field of it, nothing rounded."""

import csv
import io

from dfrec_jax.reports.cells import Cell, CellTable

FIELDS = ("table", *Cell._fields)


def table(table: CellTable) -> str:
    """The cells under a line of names; a figure that there is none of is an empty field."""
    written = io.StringIO()
    lines = csv.writer(written, lineterminator="\n")
    lines.writerow(FIELDS)
    lines.writerows([table.number, *(_word(value) for value in cell)] for cell in table.cells)
    return written.getvalue()


def _word(value: object) -> str:
    """Floats as Python reads them back to the last bit."""
    return "" if value is None else repr(value) if isinstance(value, float) else str(value)
