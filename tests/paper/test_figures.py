"""The paper's figures as data: what each is of, in the order of the paper."""

from dfrec_jax.paper.figures import FIGURES, Kind
from dfrec_jax.paper.tables import DELOCATE, DFI, DFREC, MAT, RECCE, REPAINT

BY_NAME = {figure.name: figure for figure in FIGURES}


def test_every_figure_with_results_is_there():
    assert list(BY_NAME) == ["1", "3", "4", "5", "6", "7", "8"]


def test_methods_stand_in_the_order_of_the_papers_grids():
    for name in "345":
        rows = [row.label for row in BY_NAME[name].table.rows]
        assert rows == [MAT, REPAINT, RECCE, DELOCATE, DFI, DFREC] and BY_NAME[name].with_source


def test_data():
    datasets = {name: {column.data.dataset for column in figure.table.columns} for name, figure in BY_NAME.items()}
    assert datasets["3"] == {"faceforensics"} and datasets["4"] == {"celeba_megafs"} and datasets["5"] == {"ffhq_e4s"}
    assert [column.data.attack for column in BY_NAME["8"].table.columns] == ["lcr"]
    assert BY_NAME["6"].kind is Kind.CROSSING and len(BY_NAME["6"].table.columns) == 6
    assert {row.trained_on.dataset for row in BY_NAME["6"].table.rows} == {"celeba_megafs"}
    assert BY_NAME["7"].pristine == 1, "the paper shows a pristine face beside the forgeries"
