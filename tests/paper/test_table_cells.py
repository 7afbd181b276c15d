"""What stands below a table because of what was measured in it."""

import pytest

from dfrec_jax.paper import table_cells
from dfrec_jax.paper.tables import DELOCATE, DFI, TABLES
from dfrec_jax.reports.cells import Cell

NO_CODE = "no code of the compared methods' authors exists."


@pytest.mark.parametrize(
    ("number", "measured", "said"),
    [
        (1, {DELOCATE, DFI}, f"{DELOCATE} and {DFI} are this project's own designs: {NO_CODE} "
                             "The paper's figures of Delocate and DFI are of its authors' own re-implementations."),
        (2, {DFI}, f"{DFI} is this project's own design: {NO_CODE} "
                   "The paper's figures of DFI are of its authors' own re-implementations."),
        (5, (), "The paper's figures of DFI are of its authors' own re-implementations."),
    ],
)  # fmt: skip
def test_own_designs_are_named_where_they_stand(number, measured, said):
    table = TABLES[number - 1]
    cells = [
        Cell(row.label, column.label, metric.name, 0.5 if row.method in measured else None,
             paper=table.paper.get((row.label, column.label, metric.name)))
        for row in table.rows for column in table.columns for metric in table.metrics
    ]  # fmt: skip
    assert table_cells._own_designs(table, cells) == [said]


def test_where_none_was_measured_and_the_paper_has_no_figures_nothing_is_said():
    table = TABLES[0]._replace(paper={})
    assert table_cells._own_designs(table, [Cell(DFI, "FTM", "idsim", None), Cell("DFREC", "FTM", "idsim", 0.5)]) == []
    assert table_cells._own_designs(TABLES[5], []) == []
