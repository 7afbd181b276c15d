"""ROC curves of a table: in its file, in a drawing, on the page."""

import json

from dfrec_jax.reports import cells, report, rocs
from dfrec_jax.reports.cells import Roc
from tests.reports.made_up import COMPARABLE, HOSTILE, OTHER, ROWS, table

CURVES = (
    Roc("None", COMPARABLE, "auc_real", (0.0, 1.0), (0.0, 1.0)),
    Roc(ROWS[-1], COMPARABLE, "auc_real", (0.0, 0.0, 1.0), (0.0, 0.5, 1.0)),
    Roc(ROWS[-1], OTHER, "auc_real", (0.0, 1.0, 1.0), (0.0, 0.0, 1.0)),
)


def test_they_come_back_and_files_without_are_read(tmp_path):
    with_curves = table(3)._replace(rocs=CURVES)
    cells.write(with_curves, tmp_path / "table_3.json")
    assert cells.read(tmp_path / "table_3.json") == with_curves
    content = json.loads((tmp_path / "table_3.json").read_text())
    del content["rocs"]
    (tmp_path / "table_3.json").write_text(json.dumps(content))
    assert cells.read(tmp_path / "table_3.json").rocs == ()


def test_columns_with_a_curve_have_a_panel_and_one_record_makes_one_drawing():
    of_one = table(3)._replace(rocs=CURVES[:2])
    assert rocs.columns(of_one) == [COMPARABLE] and rocs.columns(of_one._replace(rocs=CURVES)) == [COMPARABLE, OTHER]
    drawn = rocs.encoded(of_one, "svg")
    assert drawn == rocs.encoded(of_one, "svg") != rocs.encoded(of_one._replace(rocs=CURVES[:1]), "svg")
    assert HOSTILE.encode() not in drawn


def test_they_stand_below_their_table_and_go_with_it(tmp_path):
    results, drawing = tmp_path / "results" / "table_3.json", tmp_path / "figures" / "table_3_roc.pdf"
    cells.write(table(3)._replace(rocs=CURVES), results)
    page = report.render(tmp_path).read_text(encoding="utf-8")
    assert "ROC curves of Table III" in page and rocs.CAPTION in page and "../figures/table_3_roc.pdf" in page
    assert drawing.read_bytes().startswith(b"%PDF")
    cells.write(table(3), results)
    assert "ROC" not in report.render(tmp_path).read_text(encoding="utf-8") and not drawing.exists()
