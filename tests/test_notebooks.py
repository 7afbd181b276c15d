"""Notebooks run from the first cell to the last, on drawn faces, and are kept without what they printed."""

import json
from pathlib import Path

import matplotlib
import pytest

from tests import tiny_run

NOTEBOOKS = sorted((Path(__file__).parent.parent / "examples").glob("*.ipynb"))


def _cells(path):
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    """A run of the tiny network that marks every patch."""
    return tiny_run.make(tmp_path_factory.mktemp("run"), map_bias=2.0)


def test_there_is_one():
    assert [path.name for path in NOTEBOOKS] == ["recover.ipynb"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_no_output_is_kept(path):
    code = [cell for cell in _cells(path) if cell["cell_type"] == "code"]
    assert code and all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)


def test_recover_runs(workdir, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("DFREC_WORKDIR", str(workdir))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    names = {"__name__": "notebook"}
    with matplotlib.rc_context({"backend": "agg"}):
        for number, cell in enumerate(_cells(NOTEBOOKS[0])):
            if cell["cell_type"] == "code":
                exec(compile("".join(cell["source"]), f"recover.ipynb, cell {number}", "exec"), names)
        names["plt"].close("all")
    assert names["recovery"].status == "recovered" and (names["folder"] / "report.pdf").is_file()
    assert {check.name: check.holds for check in names["checks"]} == {
        "files": True, "signature": None, "exhibit": True, "pages": True, "config": True, "weights": True,
        "numbers": True, "file": True, "similarity": True, "test set": True, "pictures": True,
    }  # fmt: skip
    assert "50% of the recovered target was generated" in capsys.readouterr().out
