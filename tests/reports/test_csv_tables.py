"""CSV of a table: read back it is the cells, to the last bit."""

import csv
import io

from dfrec_jax.reports import csv_tables
from dfrec_jax.reports.cells import Cell
from tests.reports.made_up import table

FLOATS, NUMBERS = {"value", "low", "high", "paper"}, {"n", "lacking", "step"}


def read_back(line):
    del line["table"]
    words = {"is_papers_protocol": line.pop("is_papers_protocol") == "True"}
    words |= {name: float(line[name]) if line[name] else None for name in FLOATS}
    words |= {name: int(line[name]) for name in NUMBERS}
    words["clusters"] = int(line["clusters"]) if line["clusters"] else None
    return Cell(**{**line, **words})


def test_it_comes_back():
    made = table()
    lines = list(csv.DictReader(io.StringIO(csv_tables.table(made))))
    assert {line["table"] for line in lines} == {"1"}
    assert tuple(read_back(line) for line in lines) == made.cells
