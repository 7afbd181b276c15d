"""The paper's tables as data: every cell has its place, and what must hold between figures (FIDELITY 5.4, 8)."""

import pytest

from dfrec_jax.evaluation.perturbations import PERTURBATIONS
from dfrec_jax.evaluation.table_metrics import ACCURACY, FID, IDSIM, QUALITY, REGION
from dfrec_jax.paper.tables import DFI, DFREC, NONE, TABLES, WITHOUT

ONE, TWO, THREE, FOUR, FIVE, SIX, SEVEN = TABLES
MEGAFS = ("FTM", "IDI", "LCR")


@pytest.mark.parametrize("table", TABLES, ids=lambda table: str(table.number))
def test_every_figure_has_its_cell_and_every_trained_cell_its_figure(table):
    rows, columns = {row.label for row in table.rows}, {column.label for column in table.columns}
    assert len(rows) == len(table.rows) and len(columns) == len(table.columns)
    assert all(row in rows and column in columns for row, column, _ in table.paper)
    with_figures = {row for row, _, _ in table.paper}
    assert {row.label for row in table.rows if row.method in (DFREC, DFI)} <= with_figures
    assert len({metric.name for metric in table.metrics}) == len(table.metrics)
    assert {column.perturbation for column in table.columns} <= {"", *PERTURBATIONS}
    assert all(row.without <= set(WITHOUT) for row in table.rows)


def test_a_metric_is_called_as_no_other_and_shown_somewhere():
    shown = dict.fromkeys(metric for table in TABLES for metric in table.metrics)
    assert len({metric.name for metric in shown}) == len(shown)
    assert set(shown) == {FID, IDSIM, *ACCURACY, *QUALITY, *REGION}


def test_the_diagonal_of_two_is_one():
    for row in TWO.rows:
        for label in MEGAFS:
            if row.trained_on == next(c.data for c in TWO.columns if c.label == label):
                assert TWO.paper[row.label, label, "idsim"] == ONE.paper[row.method, label, "idsim"]


def test_the_last_rows_of_the_ablations_are_one():
    for label in MEGAFS:
        for metric in ("frechet", "idsim"):
            assert SIX.paper["with ISM, with fusion", label, metric] == ONE.paper[DFREC, label, metric]
    assert SEVEN.paper[SEVEN.rows[-1].label, "FTM", "idsim"] == ONE.paper[DFREC, "FTM", "idsim"]
    assert not SIX.rows[-1].without and not SEVEN.rows[-1].without


def test_perturbed_forgeries_are_recovered_less_well_than_clean_ones():
    for column in FIVE.columns:
        assert FIVE.paper[DFREC, column.label, "idsim"] <= ONE.paper[DFREC, column.label.split()[-1], "idsim"]


def test_the_forgery_has_the_lowest_fid_of_every_column():
    for column in ONE.columns:
        figures = {row.label: ONE.paper.get((row.label, column.label, "frechet")) for row in ONE.rows}
        assert min((value, label) for label, value in figures.items() if value is not None)[1] == NONE


def test_the_numbers_of_the_paper_are_where_they_belong():
    assert ONE.paper["RECCE", "FTM", "frechet"] == 90.36 and ONE.paper["MAT", "E4S", "idsim"] == 0.2797
    assert THREE.paper["Delocate-min", "FF++ LCR", "acc_id"] == 67.16
    assert FOUR.paper["DFI-min, trained on IDI", "FF++ FShi", "acc_id"] == 19.86
    assert FIVE.paper[DFI, "JPEG IDI", "idsim"] == 0.4394
    assert SEVEN.paper["identity + attribute", "FTM", "pose"] == 4.89


def test_figures_that_the_footnotes_quote_are_the_papers():
    assert ONE.paper["Delocate-min", "FF++ LCR", "frechet"] == 135.93 and ONE.paper["MAT", "E4S", "frechet"] == 9.82
    others = [column.label for column in ONE.columns if column.label != "FF++ LCR"]
    delocate = [ONE.paper["Delocate-min", label, "frechet"] for label in others]
    assert 18 <= min(delocate) and max(delocate) <= 42
    none = [ONE.paper[NONE, label, "idsim"] for label in ("LCR", "FTM", "IDI")]
    assert none == sorted(none) and "lowest on LCR and highest on IDI" in " ".join(ONE.footnotes)
    assert FIVE.paper[DFREC, "JPEG FTM", "idsim"] == 0.7055
    assert SEVEN.paper["identity + patch", "FTM", "pose"] == 10.34
    assert SEVEN.paper["identity + perceptual + patch", "FTM", "pose"] == 4.27
    assert SEVEN.paper["identity + patch", "FTM", "idsim"] == 0.7072
    assert SEVEN.paper["identity + perceptual + patch", "FTM", "idsim"] == 0.6336
