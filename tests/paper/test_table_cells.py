"""What stands below a table because of what was measured in it."""

import re

import pytest

from dfrec_jax.config import compared
from dfrec_jax.evaluation import describing
from dfrec_jax.evaluation.recoverers import DFREC
from dfrec_jax.frozen.network import FrozenNetwork
from dfrec_jax.paper import table_cells
from dfrec_jax.paper.fitted_tables import Place, Wanted
from dfrec_jax.paper.runs_at_hand import Run
from dfrec_jax.paper.table_cells import OfColumn, OfRow
from dfrec_jax.paper.table_data import Data
from dfrec_jax.paper.tables import DELOCATE, DFI, REPAINT, TABLES
from dfrec_jax.reports.cells import Cell
from tests import tiny

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


def test_a_split_is_the_papers_where_it_is_as_large():
    papers = lambda data, n: table_cells._is_papers_split(Data(*data), n)  # noqa: E731
    ftm, drawn = ("celeba_megafs", "ftm"), ("embedded", "leak 0.1 to 0.25")
    assert papers(ftm, 3004) and papers(ftm, 2900) and papers(("faceforensics", "LCR"), 20_000)
    assert not papers(ftm, 128) and not papers(ftm, 30_038) and not papers(drawn, 3004) and not papers(drawn, 0)


def test_a_network_of_any_runs_losses_is_marked():
    """DFREC learns by another than what measures, DFI-min by the very same."""
    base = tiny.config()
    base.frozen.metric = "embedded-b"
    other = compared.compared("dfi", base)
    other.frozen.identity = "embedded-b"
    runs = [Run(name, config, (name,), frozenset(), Data("embedded")) for name, config in ((DFREC, base), (DFI, other))]
    networks = describing.Networks({"identity": FrozenNetwork({}, "embedded-b", lambda *given: {}, {})}, {})
    said = [
        table_cells.header_of(TABLES[1]._replace(columns=()), {}, networks, base, some) for some in (runs[:1], runs)
    ]
    assert ["network of the losses too" in " ".join(header) for header in said] == [False, True]
    assert "`embedded-b` is a network of the losses too, of DFI-min" in " ".join(said[1])


@pytest.mark.parametrize(
    ("methods", "known", "said"),
    [
        ((DELOCATE,), 8, "Delocate-min: the parts of a face are found by 68 landmarks, of 8 of 8 faces."),
        ((DELOCATE, REPAINT), 6, "RePaint and Delocate-min: .* of 6 of 8 faces, of the others by five landmarks, a"),
        ((REPAINT,), 0, "RePaint: the parts of a face are found by five landmarks, a mean face's 68 laid on them: no"),
        ((DFREC,), 8, ""),
    ],
)
def test_the_header_says_by_which_landmarks_parts_of_a_face_are_hidden(methods, known, said):
    table = TABLES[0]._replace(columns=TABLES[0].columns[:1])
    rows = {Wanted(method, "run", None): OfRow(None, 7, "") for method in methods}
    column = OfColumn(rows, 6, 2, num_with_points=known)
    networks = describing.Networks({}, {})
    header = table_cells.header_of(table, {Place(table.columns[0].data, ""): column}, networks, tiny.config(), [])
    found = [sentence for sentence in header if "parts of a face" in sentence]
    assert len(found) == bool(said) and re.match(said, "".join(found))
