"""What stands below a table: why a cell is a dash."""

from dfrec_jax.reports import cells
from tests.reports.made_up import ROWS, cell, table


def reasons(without):
    """Of the made-up table whose cells `without` chooses have a reason in place of their figures."""
    given = table()
    found = (cell(c.row, c.column, c.metric, None, reason="why") if without(c) else c._replace(reason="", value=0.5)
             for c in given.cells)  # fmt: skip
    return cells.reasons(given._replace(cells=tuple(found)))


def test_a_reason_names_the_rows_and_what_of_them_it_is_of():
    none, recce, _ = ROWS
    assert reasons(lambda c: c.row == recce) == ["A dash for RECCE: why."]
    assert reasons(lambda c: (c.row, c.column) == (recce, "FTM")) == ["A dash for RECCE (FTM): why."]
    of_fid = reasons(lambda c: c.metric == "frechet" and c.row in (none, recce))
    assert of_fid == ["A dash for FD (embedded-b) of None; RECCE: why."], "which have an IDSIM"
    assert reasons(lambda c: False) == []
